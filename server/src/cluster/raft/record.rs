//! One metadata record of the log: a piece of the Raft log, in the order in which it was written.
//!
//! ```text
//! "RAFT" version section*          section: kind (1 byte), length (u32, little-endian), bytes
//! ```
//!
//! A section is a message of raft's protocol, as protobuf. A record with a snapshot, or with the voters that the group began with, is *whole*: it takes
//! the place of every record before it.

use bytes::{Bytes, BytesMut};
use raft::eraftpb::{ConfState, Entry, HardState, Snapshot};

const MAGIC: &[u8; 4] = b"RAFT";
const VERSION: u8 = 2;
/// Kind and length.
const SECTION_BYTES: usize = 5;

const BEGAN_WITH: u8 = 1;
const SNAPSHOT: u8 = 2;
const ENTRY: u8 = 3;
const HARD_STATE: u8 = 4;

/// A record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    /// The membership that the group began with: the first record that a member ever writes.
    pub(super) began_with: Option<ConfState>,
    /// The log begins anew with it.
    pub(super) snapshot: Option<Snapshot>,
    /// In place of everything from the first one's index on.
    pub(super) entries: Vec<Entry>,
    /// Term, vote and commit index.
    pub(super) hard_state: Option<HardState>,
}

/// Why a record makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// Not of this format.
    #[error(
        "it is not a record of a Raft log: the data directory was written by an earlier version, or by something else"
    )]
    Foreign,
    /// Of another version.
    #[error("it has version {0}, and this version of the server reads version {VERSION}")]
    Version(u8),
    /// Damaged.
    #[error("its section at byte {at} is damaged: {reason}")]
    Damaged {
        /// Where.
        at: usize,
        /// What.
        reason: String,
    },
}

impl Record {
    /// The first record of a member of a group that begins with these voters.
    pub(super) fn beginning(voters: Vec<u64>) -> Self {
        let began_with = ConfState { voters, ..ConfState::default() };
        Self { began_with: Some(began_with), ..Self::default() }
    }

    /// Adds what comes behind: the same as another record after this one.
    pub(super) fn add(
        &mut self,
        snapshot: Option<Snapshot>,
        entries: Vec<Entry>,
        hard_state: Option<HardState>,
    ) {
        if let Some(snapshot) = snapshot {
            *self = Self { snapshot: Some(snapshot), ..Self::default() };
        }
        if let Some(first) = entries.first() {
            self.entries.retain(|entry| entry.index < first.index);
        }
        self.entries.extend(entries);
        self.hard_state = hard_state.or(self.hard_state.take());
    }

    /// Whether it takes the place of all records before it.
    pub(super) fn is_whole(&self) -> bool {
        self.snapshot.is_some() || self.began_with.is_some()
    }

    /// Bytes of its entries.
    pub(super) fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.data.len()).sum()
    }

    /// As it is written.
    pub(super) fn encode(&self) -> Bytes {
        let mut out = BytesMut::from(&MAGIC[..]);
        out.extend_from_slice(&[VERSION]);
        if let Some(began_with) = &self.began_with {
            put(&mut out, BEGAN_WITH, began_with);
        }
        if let Some(snapshot) = &self.snapshot {
            put(&mut out, SNAPSHOT, snapshot);
        }
        self.entries.iter().for_each(|entry| put(&mut out, ENTRY, entry));
        if let Some(hard_state) = &self.hard_state {
            put(&mut out, HARD_STATE, hard_state);
        }
        out.freeze()
    }

    /// What was written.
    ///
    /// # Errors
    /// It was not written by [`encode`](Self::encode).
    pub(super) fn decode(input: &[u8]) -> Result<Self, BadRecord> {
        let rest = input.strip_prefix(MAGIC).ok_or(BadRecord::Foreign)?;
        let (&version, mut rest) = rest.split_first().ok_or(BadRecord::Foreign)?;
        if version != VERSION {
            return Err(BadRecord::Version(version));
        }
        let mut record = Self::default();
        while !rest.is_empty() {
            let at = input.len() - rest.len();
            let damaged = |reason: String| BadRecord::Damaged { at, reason };
            let (kind, section, behind) = split(rest).ok_or_else(|| damaged("it is cut short".to_owned()))?;
            record.read_section(kind, section).map_err(damaged)?;
            rest = behind;
        }
        Ok(record)
    }

    fn read_section(&mut self, kind: u8, section: &[u8]) -> Result<(), String> {
        match kind {
            BEGAN_WITH => self.began_with = Some(read(section)?),
            SNAPSHOT => self.snapshot = Some(read(section)?),
            ENTRY => self.entries.push(read(section)?),
            HARD_STATE => self.hard_state = Some(read(section)?),
            _ => return Err(format!("its kind {kind} is unknown")),
        }
        Ok(())
    }
}

fn put(out: &mut BytesMut, kind: u8, message: &impl protobuf::Message) {
    let bytes = message.write_to_bytes().expect("messages of raft have no required fields");
    let length = u32::try_from(bytes.len()).expect("a record of the log is far smaller than 4 GiB");
    out.extend_from_slice(&[kind]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&bytes);
}

/// The first section, and what is behind it.
fn split(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (header, rest) = input.split_first_chunk::<SECTION_BYTES>()?;
    let [kind, length @ ..] = *header;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let (section, behind) = rest.split_at_checked(length)?;
    Some((kind, section, behind))
}

fn read<M: protobuf::Message>(section: &[u8]) -> Result<M, String> {
    let mut message = M::new();
    message.merge_from_bytes(section).map_err(|error| error.to_string())?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(term: u64, index: u64) -> Entry {
        Entry { term, index, data: b"{}".to_vec().into(), ..Entry::default() }
    }

    fn hard_state(commit: u64) -> HardState {
        HardState { term: 3, vote: 1, commit, ..HardState::default() }
    }

    fn snapshot(index: u64) -> Snapshot {
        let mut snapshot = Snapshot { data: b"state".to_vec().into(), ..Snapshot::default() };
        snapshot.mut_metadata().index = index;
        snapshot
    }

    fn records() -> Vec<Record> {
        let mut full = Record::default();
        full.add(Some(snapshot(4)), vec![entry(2, 5), entry(3, 6)], Some(hard_state(5)));
        let mut small = Record::default();
        small.add(None, vec![entry(1, 1)], None);
        vec![Record::beginning(vec![1, 2, 3]), full, small, Record::default()]
    }

    #[test]
    fn every_record_survives() {
        for record in records() {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
    }

    #[test]
    fn a_record_that_is_cut_short_is_refused() {
        for record in records() {
            let bytes = record.encode();
            let mut whole_sections = 0;
            for len in 0..bytes.len() {
                match Record::decode(&bytes[..len]) {
                    Err(BadRecord::Foreign) => assert!(len < 5),
                    Err(BadRecord::Damaged { at, .. }) => assert!(at < len),
                    Ok(_) => whole_sections += 1, // between two sections; the log's CRC sees it
                    Err(other) => panic!("{other}"),
                }
            }
            assert!(whole_sections <= 4);
        }
    }

    #[test]
    fn what_it_is_not_is_said() {
        assert_eq!(Record::decode(br#"{"type":"delete-topic"}"#), Err(BadRecord::Foreign));
        assert_eq!(Record::decode(b"RAFT\x01"), Err(BadRecord::Version(1)));
        let unknown = Record::decode(b"RAFT\x02\x09\0\0\0\0").unwrap_err();
        assert_eq!(unknown.to_string(), "its section at byte 5 is damaged: its kind 9 is unknown");
    }

    #[test]
    fn what_comes_later_takes_the_place_of_what_it_contradicts() {
        let mut record = Record::default();
        record.add(None, vec![entry(1, 7), entry(1, 8)], Some(hard_state(6)));
        record.add(None, vec![entry(2, 8)], None);
        assert_eq!(record.entries, [entry(1, 7), entry(2, 8)]);
        assert_eq!(record.hard_state, Some(hard_state(6)));
        assert!(!record.is_whole());
        record.add(Some(snapshot(9)), vec![], Some(hard_state(9)));
        assert!(record.is_whole() && record.entries.is_empty());
    }
}
