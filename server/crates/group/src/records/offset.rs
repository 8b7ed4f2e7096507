//! `OffsetCommitValue`: a committed offset.

use bytes::Bytes;
use chronik_kafka::Str;

use super::wire::{Malformed, Problem, Reader, Writer};

/// Versions: 1 has a time of expiry, 3 has a leader epoch, 4 is flexible and adds a topic id in a tagged field.
const WITH_EXPIRY: i16 = 1;
const WITH_LEADER_EPOCH: i16 = 3;
const FLEXIBLE: i16 = 4;
/// "None".
const NO_LEADER_EPOCH: i32 = -1;

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetValue {
    /// The offset that the group reads next.
    pub offset: i64,
    /// Leader epoch of the record before it, or -1.
    pub leader_epoch: i32,
    /// What the client wanted to keep with it.
    pub metadata: Str,
    /// When it was committed, in milliseconds since the epoch.
    pub commit_timestamp_ms: i64,
    /// When it expires, if its client said so (OffsetCommit up to version 4).
    pub expire_timestamp_ms: Option<i64>,
}

impl OffsetValue {
    /// The value's bytes: version 3, or version 1 if it has a time of expiry, as Kafka does.
    pub(super) fn encode(&self) -> Bytes {
        let version = if self.expire_timestamp_ms.is_some() { WITH_EXPIRY } else { WITH_LEADER_EPOCH };
        let mut out = Writer::version(version);
        out.i64(self.offset);
        if version >= WITH_LEADER_EPOCH {
            out.i32(self.leader_epoch);
        }
        out.string(&self.metadata);
        out.i64(self.commit_timestamp_ms);
        if let Some(expire_timestamp_ms) = self.expire_timestamp_ms {
            out.i64(expire_timestamp_ms);
        }
        out.finish()
    }

    /// Reads versions 0 to 4.
    ///
    /// # Errors
    /// It is cut short, or of a later version.
    pub fn decode(bytes: &Bytes) -> Result<Self, Malformed> {
        let mut input = Reader::new(bytes);
        let version = input.i16("version")?;
        if !(0..=FLEXIBLE).contains(&version) {
            return Err(Malformed { field: "version of an offset", problem: Problem::Version(version) });
        }
        if version >= FLEXIBLE {
            input.become_flexible();
        }
        let offset = input.i64("offset")?;
        let leader_epoch =
            if version >= WITH_LEADER_EPOCH { input.i32("leader epoch")? } else { NO_LEADER_EPOCH };
        let metadata = input.string("metadata")?;
        let commit_timestamp_ms = input.i64("commit timestamp")?;
        let expiry = if version == WITH_EXPIRY { input.i64("expire timestamp")? } else { -1 };
        input.skip_tags()?;
        let expire_timestamp_ms = (expiry != -1).then_some(expiry);
        Ok(Self { offset, leader_epoch, metadata, commit_timestamp_ms, expire_timestamp_ms })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> OffsetValue {
        OffsetValue {
            offset: 0x0102_0304_0506_0708,
            leader_epoch: 9,
            metadata: "m".into(),
            commit_timestamp_ms: 0x10,
            expire_timestamp_ms: None,
        }
    }

    /// Each version, written down by hand from `OffsetCommitValue.json`.
    #[test]
    fn every_version_is_read() {
        const OFFSET: &[u8] = b"\x01\x02\x03\x04\x05\x06\x07\x08";
        const TIME: &[u8] = b"\x00\x00\x00\x00\x00\x00\x00\x10";
        let without_epoch = OffsetValue { leader_epoch: -1, ..value() };
        let expiring = OffsetValue { expire_timestamp_ms: Some(0x10), ..without_epoch.clone() };
        let tagged = [&b"\x01\x00\x10"[..], &[7; 16]].concat();
        let known: [(&[&[u8]], OffsetValue); 6] = [
            (&[b"\x00\x00", OFFSET, b"\x00\x01m", TIME], without_epoch.clone()),
            (&[b"\x00\x01", OFFSET, b"\x00\x01m", TIME, TIME], expiring),
            (&[b"\x00\x01", OFFSET, b"\x00\x01m", TIME, &[0xff; 8]], without_epoch.clone()),
            (&[b"\x00\x02", OFFSET, b"\x00\x01m", TIME], without_epoch),
            (&[b"\x00\x03", OFFSET, b"\x00\x00\x00\x09", b"\x00\x01m", TIME], value()),
            (&[b"\x00\x04", OFFSET, b"\x00\x00\x00\x09", b"\x02m", TIME, &tagged], value()),
        ];
        for (bytes, expected) in known {
            let bytes = Bytes::from(bytes.concat());
            assert_eq!(OffsetValue::decode(&bytes), Ok(expected));
            for length in 0..bytes.len() {
                assert!(OffsetValue::decode(&bytes.slice(..length)).is_err(), "{bytes:?} cut to {length}");
            }
        }
        assert!(OffsetValue::decode(&Bytes::from_static(b"\x00\x05")).is_err());
    }

    #[test]
    fn what_is_written_is_version_3_and_version_1_with_an_expiry() {
        assert_eq!(value().encode()[..2], [0, 3]);
        assert_eq!(OffsetValue { expire_timestamp_ms: Some(1), ..value() }.encode()[..2], [0, 1]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(offset: i64, leader_epoch: i32, metadata: String, commit_timestamp_ms: i64) {
            let value = OffsetValue {
                offset, leader_epoch, metadata: metadata.into(), commit_timestamp_ms, expire_timestamp_ms: None,
            };
            prop_assert_eq!(OffsetValue::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
            let _either = OffsetValue::decode(&Bytes::from(bytes));
        }
    }
}
