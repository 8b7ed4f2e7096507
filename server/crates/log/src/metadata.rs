//! The metadata as it is committed: the last snapshot, and the records after it. What they say is the caller's.

use bytes::Bytes;

use crate::error::OpError;
use crate::limits;

/// Bytes that a checkpoint takes for each record beside its own.
const RECORD_OVERHEAD_BYTES: u64 = 8;

/// What a checkpoint must keep of the metadata. The bytes are shared with whoever gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    snapshot: Option<Bytes>,
    /// Those after the snapshot, in order.
    records: Vec<Bytes>,
    /// What the records take in a checkpoint.
    record_bytes: u64,
}

impl Metadata {
    /// The newest snapshot, if there was one.
    pub(crate) fn snapshot(&self) -> Option<&Bytes> {
        self.snapshot.as_ref()
    }

    /// The records after it, in order.
    pub(crate) fn records(&self) -> &[Bytes] {
        &self.records
    }

    /// A record was committed.
    pub(crate) fn append(&mut self, record: Bytes) {
        self.record_bytes += record.len() as u64 + RECORD_OVERHEAD_BYTES;
        self.records.push(record);
    }

    /// A snapshot was committed: it stands for everything before it.
    pub(crate) fn replace(&mut self, snapshot: Bytes) {
        *self = Self { snapshot: Some(snapshot), ..Self::default() };
    }

    /// Whether a record may come behind what is committed, given what all records may take.
    pub(crate) fn check_record(&self, record: &Bytes, limit: u64) -> Result<(), OpError> {
        check(record, limits::MAX_METADATA_BYTES)?;
        let bytes = self.record_bytes + record.len() as u64 + RECORD_OVERHEAD_BYTES;
        if bytes > limit { Err(OpError::MetadataFull { bytes, limit }) } else { Ok(()) }
    }
}

/// Whether a snapshot may be taken; it needs no room behind what is committed.
pub(crate) fn check_snapshot(snapshot: &Bytes) -> Result<(), OpError> {
    check(snapshot, limits::MAX_METADATA_SNAPSHOT_BYTES)
}

fn check(bytes: &Bytes, limit: usize) -> Result<(), OpError> {
    let bytes = bytes.len();
    if bytes > limit { Err(OpError::MetadataTooLarge { bytes, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_takes_the_place_of_what_came_before_it() {
        let [old, first, second, new, third] = ["old", "first", "second", "new", "third"].map(Bytes::from);
        let mut metadata = Metadata::default();
        assert_eq!((metadata.snapshot(), metadata.records()), (None, &[][..]));
        metadata.append(first.clone());
        assert_eq!((metadata.snapshot(), metadata.records()), (None, &[first.clone()][..]));
        metadata.replace(old.clone());
        assert_eq!((metadata.snapshot(), metadata.records()), (Some(&old), &[][..]));
        metadata.append(first.clone());
        metadata.append(second.clone());
        assert_eq!((metadata.snapshot(), metadata.records()), (Some(&old), &[first, second][..]));
        metadata.replace(new.clone());
        metadata.append(third.clone());
        assert_eq!((metadata.snapshot(), metadata.records()), (Some(&new), &[third][..]));
    }

    #[test]
    fn records_and_snapshots_have_limits_of_their_own() {
        let (record, snapshot) = (limits::MAX_METADATA_BYTES, limits::MAX_METADATA_SNAPSHOT_BYTES);
        let largest = Bytes::from(vec![0; snapshot + 1]);
        let metadata = Metadata::default();
        for (bytes, as_record, as_snapshot) in [
            (0, true, true),
            (record, true, true),
            (record + 1, false, true),
            (snapshot, false, true),
            (snapshot + 1, false, false),
        ] {
            let given = largest.slice(..bytes);
            let refusal = |limit| Err(OpError::MetadataTooLarge { bytes, limit });
            let expected = |allowed, limit| if allowed { Ok(()) } else { refusal(limit) };
            assert_eq!(
                metadata.check_record(&given, u64::MAX),
                expected(as_record, record),
                "a record of {bytes}"
            );
            assert_eq!(check_snapshot(&given), expected(as_snapshot, snapshot), "a snapshot of {bytes}");
        }
    }

    #[test]
    fn records_have_room_until_only_a_snapshot_helps() {
        let record = Bytes::from_static(&[0; 92]);
        let mut metadata = Metadata::default();
        for _ in 0..9 {
            assert_eq!(metadata.check_record(&record, 999), Ok(()));
            metadata.append(record.clone());
        }
        let full = Err(OpError::MetadataFull { bytes: 1000, limit: 999 });
        assert_eq!(
            (metadata.check_record(&record, 999), metadata.check_record(&record, 1000)),
            (full, Ok(()))
        );
        assert_eq!(metadata.check_record(&record.slice(1..), 999), Ok(()), "what still fits is taken");
        metadata.replace(record.clone());
        assert_eq!(metadata.check_record(&record, 999), Ok(()));
    }
}
