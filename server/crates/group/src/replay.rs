//! Groups from the records of a partition of `__consumer_offsets`: the last record of a key counts, a tombstone ends it.

use std::collections::BTreeMap;

use bytes::Bytes;
use chronik_kafka::Str;

use crate::records::{GroupMetadata, Key, Malformed, OffsetValue};
use crate::state::{Group, GroupOffsets};

/// What has been read so far.
#[derive(Debug, Default)]
pub struct Replay {
    metadata: BTreeMap<Str, GroupMetadata>,
    offsets: BTreeMap<Str, GroupOffsets>,
    /// Records that this version does not know.
    skipped: usize,
}

impl Replay {
    /// Takes the next record in.
    ///
    /// # Errors
    /// It is malformed. It has changed nothing: the caller may go on with the next one.
    pub fn record(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<(), Malformed> {
        match (Key::decode(key)?, value) {
            (Key::Offset { group, topic, partition }, Some(value)) => {
                let value = OffsetValue::decode(value)?;
                self.offsets.entry(group).or_default().insert(topic, partition, value);
            }
            (Key::Offset { group, topic, partition }, None) => {
                if let Some(offsets) = self.offsets.get_mut(&group) {
                    offsets.remove(&topic, partition);
                }
            }
            (Key::Group { group }, Some(value)) => {
                self.metadata.insert(group, GroupMetadata::decode(value)?);
            }
            (Key::Group { group }, None) => {
                self.metadata.remove(&group);
            }
            (Key::Unknown { .. }, _) => self.skipped += 1,
        }
        Ok(())
    }

    /// Records that were skipped, because a later version wrote them.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The groups as they are at the end.
    #[must_use]
    pub fn finish(mut self, now_ms: i64) -> Vec<Group> {
        let mut groups = Vec::new();
        for (id, metadata) in self.metadata {
            let offsets = self.offsets.remove(&id).unwrap_or_default();
            groups.push(Group::restore(id, Some(metadata), offsets, now_ms));
        }
        let simple = self.offsets.into_iter().filter(|(_, offsets)| !offsets.is_empty());
        groups.extend(simple.map(|(id, offsets)| Group::restore(id, None, offsets, now_ms)));
        groups
    }
}
