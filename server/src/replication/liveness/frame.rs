//! What one node says to another to show that it is there: 16 bytes, big-endian.

use bytes::Bytes;

/// See the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeHeartbeat {
    /// The life that the sender is in.
    pub(super) broker_epoch: i64,
    /// Version of the metadata whose roles it has taken up: it leads what it leads there.
    pub(super) version: i64,
}

impl NodeHeartbeat {
    pub(super) fn encode(self) -> Bytes {
        [self.broker_epoch.to_be_bytes(), self.version.to_be_bytes()].concat().into()
    }

    /// `None` for anything else. What follows the two is a later version's.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (broker_epoch, rest) = bytes.split_first_chunk()?;
        let (version, _later) = rest.split_first_chunk()?;
        Some(Self { broker_epoch: i64::from_be_bytes(*broker_epoch), version: i64::from_be_bytes(*version) })
    }
}
