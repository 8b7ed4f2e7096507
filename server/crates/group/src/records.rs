//! The records of `__consumer_offsets` in Kafka's own binary format (`OffsetCommitKey/Value.json`, `GroupMetadataKey/Value.json`), so that
//! Kafka's tools can read them and ours can read Kafka's.
//!
//! Key and value begin with a version. Keys 0 and 1 are those of an offset, 2 is that of a group; later ones belong to the groups of KIP-848
//! and are skipped. A record without a value (a tombstone) deletes what its key names.

mod group;
mod offset;
mod wire;

use bytes::Bytes;
use chronik_kafka::Str;

pub use group::{GroupMetadata, StoredMember};
pub use offset::OffsetValue;
pub use wire::{Malformed, Problem};

use wire::{Reader, Writer};

/// Version of keys of offsets that we write; 0 reads the same.
const OFFSET_KEY: i16 = 1;
/// Version of keys of groups.
const GROUP_KEY: i16 = 2;

/// One record, as it goes into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub key: Bytes,
    /// `None` deletes.
    pub value: Option<Bytes>,
}

/// What a key names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A committed offset.
    Offset {
        /// The group.
        group: Str,
        /// The topic's name.
        topic: Str,
        /// The partition's index.
        partition: i32,
    },
    /// A group's generation and members.
    Group {
        /// The group.
        group: Str,
    },
    /// A kind of record that this version does not know.
    Unknown {
        /// Version of the key.
        version: i16,
    },
}

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// It is cut short, or a string in it is no text.
    pub fn decode(bytes: &Bytes) -> Result<Self, Malformed> {
        let mut input = Reader::new(bytes);
        match input.i16("version")? {
            0 | OFFSET_KEY => Ok(Self::Offset {
                group: input.string("group")?,
                topic: input.string("topic")?,
                partition: input.i32("partition")?,
            }),
            GROUP_KEY => Ok(Self::Group { group: input.string("group")? }),
            version => Ok(Self::Unknown { version }),
        }
    }
}

/// The record of an offset; `None` deletes it.
#[must_use]
pub fn offset_record(group: &str, topic: &str, partition: i32, value: Option<&OffsetValue>) -> Record {
    let mut key = Writer::version(OFFSET_KEY);
    key.string(group);
    key.string(topic);
    key.i32(partition);
    Record { key: key.finish(), value: value.map(OffsetValue::encode) }
}

/// The record of a group; `None` deletes it.
#[must_use]
pub fn group_record(group: &str, value: Option<&GroupMetadata>) -> Record {
    let mut key = Writer::version(GROUP_KEY);
    key.string(group);
    Record { key: key.finish(), value: value.map(GroupMetadata::encode) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `OffsetCommitKey` and `GroupMetadataKey`, written down by hand from the schemas.
    #[test]
    fn keys_are_kafkas() {
        let offset = offset_record("g1", "topic", 7, None);
        assert_eq!(offset.key, &b"\x00\x01\x00\x02g1\x00\x05topic\x00\x00\x00\x07"[..]);
        assert_eq!(offset.value, None);
        let group = group_record("g1", None);
        assert_eq!(group.key, &b"\x00\x02\x00\x02g1"[..]);
        let key = Key::Offset { group: "g1".into(), topic: "topic".into(), partition: 7 };
        assert_eq!(Key::decode(&offset.key), Ok(key.clone()));
        let version_0 = Bytes::from_static(b"\x00\x00\x00\x02g1\x00\x05topic\x00\x00\x00\x07");
        assert_eq!(Key::decode(&version_0), Ok(key));
        assert_eq!(Key::decode(&group.key), Ok(Key::Group { group: "g1".into() }));
    }

    #[test]
    fn what_is_cut_short_is_an_error_and_what_is_newer_is_not() {
        let whole = offset_record("g1", "topic", 7, None).key;
        for length in 0..whole.len() {
            assert!(Key::decode(&whole.slice(..length)).is_err(), "{length}");
        }
        let of_kip_848 = Bytes::from_static(b"\x00\x03\x00\x02g1");
        assert_eq!(Key::decode(&of_kip_848), Ok(Key::Unknown { version: 3 }));
    }
}
