//! What the two ends of a WAL stream say to each other, as bytes. Everything belongs to a *session*, which the follower begins: what is of another
//! one is late, and ignored.
//!
//! ```text
//! follower                                   leader
//!   Open  {session, broker epoch, window} ─►
//!   Follow{ask, partition, epoch, log end} ─►
//!                                         ◄─ Diverging{ask, partition, epoch, end offset}     the follower cuts its log, and asks again
//!                                         ◄─ Records  {ask, partition, from, to, high watermark, batches}
//!   Progress{consumed, synced offsets}    ─►                                             what is synced counts; what is consumed may be sent again
//!                                         ◄─ Reset                                       there is no session: begin one
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut, TryGetError};
use chronik_log::PartitionId;
use uuid::Uuid;

/// From a follower to its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToLeader {
    /// A session begins; what was before it is forgotten.
    Open {
        /// Greater than those before.
        session: u64,
        /// In which life the follower is (KIP-903).
        broker_epoch: i64,
        /// Cost of records ([`cost`]) that may be under way.
        window: u64,
    },
    /// The follower wants these.
    Follow {
        /// The session.
        session: u64,
        /// Greater than those before it: a follower that has asked for a partition twice takes what answers the last ask only.
        ask: u64,
        /// What it has of each.
        positions: Vec<Position>,
    },
    /// What has become of records.
    Progress {
        /// The session.
        session: u64,
        /// Cost of the records of this session that have been dealt with.
        consumed: u64,
        /// How far each partition is synced now.
        synced: Vec<Synced>,
    },
}

/// Where a follower's log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) id: PartitionId,
    /// The leader epoch in which it follows.
    pub(crate) leader_epoch: i32,
    /// The latest epoch in its log; -1 if that is empty.
    pub(crate) latest_epoch: i32,
    /// Its log end offset.
    pub(crate) log_end_offset: i64,
}

/// A follower's log is synced up to an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) id: PartitionId,
    pub(crate) leader_epoch: i32,
    pub(crate) offset: i64,
}

/// From a leader to a follower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToFollower {
    /// The leader knows no session.
    Reset,
    /// The follower's log is not a prefix of the leader's (KIP-101, KIP-279).
    Diverging {
        session: u64,
        ask: u64,
        id: PartitionId,
        leader_epoch: i32,
        /// The largest epoch in the leader's log that is not above the follower's latest.
        epoch: i32,
        /// Where it ends there.
        end_offset: i64,
    },
    /// Whole batches of the log, and how far it is committed.
    Records(Records),
}

/// A piece of a partition's log; it may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) session: u64,
    /// What it is an answer to.
    pub(crate) ask: u64,
    pub(crate) id: PartitionId,
    pub(crate) leader_epoch: i32,
    /// Where the piece before it ended.
    pub(crate) from: i64,
    /// Where it ends. There may be gaps in it, and it may be one.
    pub(crate) to: i64,
    /// The leader's.
    pub(crate) high_watermark: i64,
    /// The leader's.
    pub(crate) log_start_offset: i64,
    /// The batches, as they are on the leader's disk.
    pub(crate) batches: Bytes,
}

/// Bytes that a message counts for, beside its batches.
const MESSAGE_COST: u64 = 1 << 10;

/// What records count for in the window of a session: they take memory until they are synced.
pub(crate) fn cost(records: &Records) -> u64 {
    MESSAGE_COST + records.batches.len() as u64
}

/// It is no message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    /// Too short.
    #[error("it ends early")]
    Short,
    /// Too long, or of a kind that we do not know.
    #[error("it makes no sense")]
    Nonsense,
}

impl From<TryGetError> for MessageError {
    fn from(_: TryGetError) -> Self {
        Self::Short
    }
}

const OPEN: u8 = 1;
const FOLLOW: u8 = 2;
const PROGRESS: u8 = 3;
const RESET: u8 = 64;
const DIVERGING: u8 = 65;
const RECORDS: u8 = 66;

/// Bytes of one [`Position`].
pub(crate) const POSITION_BYTES: usize = PARTITION_BYTES + 4 + 4 + 8;
const PARTITION_BYTES: usize = 16 + 4;
const SYNCED_BYTES: usize = PARTITION_BYTES + 4 + 8;

/// Whether a message is for the leader's end.
pub(crate) fn is_for_leader(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|kind| *kind < RESET)
}

impl ToLeader {
    pub(crate) fn encode(&self) -> Bytes {
        let mut to = BytesMut::new();
        match self {
            Self::Open { session, broker_epoch, window } => {
                to.put_u8(OPEN);
                to.put_u64(*session);
                to.put_i64(*broker_epoch);
                to.put_u64(*window);
            }
            Self::Follow { session, ask, positions } => {
                to.put_u8(FOLLOW);
                to.put_u64(*session);
                to.put_u64(*ask);
                for Position { id, leader_epoch, latest_epoch, log_end_offset } in positions {
                    put_partition(&mut to, *id);
                    to.put_i32(*leader_epoch);
                    to.put_i32(*latest_epoch);
                    to.put_i64(*log_end_offset);
                }
            }
            Self::Progress { session, consumed, synced } => {
                to.put_u8(PROGRESS);
                to.put_u64(*session);
                to.put_u64(*consumed);
                for Synced { id, leader_epoch, offset } in synced {
                    put_partition(&mut to, *id);
                    to.put_i32(*leader_epoch);
                    to.put_i64(*offset);
                }
            }
        }
        to.freeze()
    }

    pub(crate) fn decode(mut from: Bytes) -> Result<Self, MessageError> {
        let from = &mut from;
        let message = match from.try_get_u8()? {
            OPEN => Self::Open {
                session: from.try_get_u64()?,
                broker_epoch: from.try_get_i64()?,
                window: from.try_get_u64()?,
            },
            FOLLOW => Self::Follow {
                session: from.try_get_u64()?,
                ask: from.try_get_u64()?,
                positions: all(from, POSITION_BYTES, position)?,
            },
            PROGRESS => Self::Progress {
                session: from.try_get_u64()?,
                consumed: from.try_get_u64()?,
                synced: all(from, SYNCED_BYTES, synced)?,
            },
            _ => return Err(MessageError::Nonsense),
        };
        if from.has_remaining() { Err(MessageError::Nonsense) } else { Ok(message) }
    }
}

impl ToFollower {
    pub(crate) fn encode(&self) -> Bytes {
        let mut to = BytesMut::new();
        match self {
            Self::Reset => to.put_u8(RESET),
            Self::Diverging { session, ask, id, leader_epoch, epoch, end_offset } => {
                to.put_u8(DIVERGING);
                to.put_u64(*session);
                to.put_u64(*ask);
                put_partition(&mut to, *id);
                to.put_i32(*leader_epoch);
                to.put_i32(*epoch);
                to.put_i64(*end_offset);
            }
            Self::Records(records) => {
                let Records { session, ask, id, leader_epoch, from, to: end, .. } = records;
                to.reserve(RECORDS_HEAD_BYTES + records.batches.len());
                to.put_u8(RECORDS);
                to.put_u64(*session);
                to.put_u64(*ask);
                put_partition(&mut to, *id);
                to.put_i32(*leader_epoch);
                to.put_i64(*from);
                to.put_i64(*end);
                to.put_i64(records.high_watermark);
                to.put_i64(records.log_start_offset);
                to.put_slice(&records.batches);
            }
        }
        to.freeze()
    }

    pub(crate) fn decode(mut from: Bytes) -> Result<Self, MessageError> {
        let kind = from.try_get_u8()?;
        let message = match kind {
            RESET => Self::Reset,
            DIVERGING => Self::Diverging {
                session: from.try_get_u64()?,
                ask: from.try_get_u64()?,
                id: partition(&mut from)?,
                leader_epoch: from.try_get_i32()?,
                epoch: from.try_get_i32()?,
                end_offset: from.try_get_i64()?,
            },
            RECORDS => {
                return Ok(Self::Records(Records {
                    session: from.try_get_u64()?,
                    ask: from.try_get_u64()?,
                    id: partition(&mut from)?,
                    leader_epoch: from.try_get_i32()?,
                    from: from.try_get_i64()?,
                    to: from.try_get_i64()?,
                    high_watermark: from.try_get_i64()?,
                    log_start_offset: from.try_get_i64()?,
                    batches: from,
                }));
            }
            _ => return Err(MessageError::Nonsense),
        };
        if from.has_remaining() { Err(MessageError::Nonsense) } else { Ok(message) }
    }
}

/// Bytes of records before their batches.
pub(crate) const RECORDS_HEAD_BYTES: usize = 1 + 8 + 8 + PARTITION_BYTES + 4 + 4 * 8;

fn put_partition(to: &mut BytesMut, PartitionId { topic_id, partition }: PartitionId) {
    to.put_u128(topic_id.as_u128());
    to.put_i32(partition);
}

fn partition(from: &mut Bytes) -> Result<PartitionId, MessageError> {
    Ok(PartitionId { topic_id: Uuid::from_u128(from.try_get_u128()?), partition: from.try_get_i32()? })
}

/// The rest of a message, which is so many things of the same size.
fn all<T>(
    from: &mut Bytes,
    size: usize,
    one: fn(&mut Bytes) -> Result<T, MessageError>,
) -> Result<Vec<T>, MessageError> {
    if !from.remaining().is_multiple_of(size) {
        return Err(MessageError::Nonsense);
    }
    (0..from.remaining() / size).map(|_| one(from)).collect()
}

fn position(from: &mut Bytes) -> Result<Position, MessageError> {
    Ok(Position {
        id: partition(from)?,
        leader_epoch: from.try_get_i32()?,
        latest_epoch: from.try_get_i32()?,
        log_end_offset: from.try_get_i64()?,
    })
}

fn synced(from: &mut Bytes) -> Result<Synced, MessageError> {
    Ok(Synced { id: partition(from)?, leader_epoch: from.try_get_i32()?, offset: from.try_get_i64()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> impl Strategy<Value = PartitionId> {
        (any::<u128>(), any::<i32>())
            .prop_map(|(topic_id, partition)| PartitionId { topic_id: Uuid::from_u128(topic_id), partition })
    }

    fn to_leader() -> impl Strategy<Value = ToLeader> {
        let position = (id(), any::<i32>(), any::<i32>(), any::<i64>()).prop_map(
            |(id, leader_epoch, latest_epoch, log_end_offset)| Position {
                id,
                leader_epoch,
                latest_epoch,
                log_end_offset,
            },
        );
        let synced = (id(), any::<i32>(), any::<i64>()).prop_map(|(id, leader_epoch, offset)| Synced {
            id,
            leader_epoch,
            offset,
        });
        prop_oneof![
            (any::<u64>(), any::<i64>(), any::<u64>())
                .prop_map(|(session, broker_epoch, window)| ToLeader::Open { session, broker_epoch, window }),
            (any::<u64>(), any::<u64>(), prop::collection::vec(position, 0..4))
                .prop_map(|(session, ask, positions)| ToLeader::Follow { session, ask, positions }),
            (any::<u64>(), any::<u64>(), prop::collection::vec(synced, 0..4))
                .prop_map(|(session, consumed, synced)| ToLeader::Progress { session, consumed, synced }),
        ]
    }

    fn to_follower() -> impl Strategy<Value = ToFollower> {
        let offsets = any::<[i64; 4]>();
        let batches = prop::collection::vec(any::<u8>(), 0..50).prop_map(Bytes::from);
        prop_oneof![
            Just(ToFollower::Reset),
            (any::<[u64; 2]>(), id(), any::<i32>(), any::<i32>(), any::<i64>()).prop_map(
                |([session, ask], id, leader_epoch, epoch, end_offset)| ToFollower::Diverging {
                    session,
                    ask,
                    id,
                    leader_epoch,
                    epoch,
                    end_offset
                }
            ),
            (any::<[u64; 2]>(), id(), any::<i32>(), offsets, batches).prop_map(
                |(
                    [session, ask],
                    id,
                    leader_epoch,
                    [from, to, high_watermark, log_start_offset],
                    batches,
                )| {
                    ToFollower::Records(Records {
                        session,
                        ask,
                        id,
                        leader_epoch,
                        from,
                        to,
                        high_watermark,
                        log_start_offset,
                        batches,
                    })
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn what_is_said_to_a_leader_comes_as_it_went(message in to_leader()) {
            let bytes = message.encode();
            prop_assert!(is_for_leader(&bytes));
            prop_assert_eq!(ToLeader::decode(bytes), Ok(message));
        }

        #[test]
        fn what_is_said_to_a_follower_comes_as_it_went(message in to_follower()) {
            let bytes = message.encode();
            prop_assert!(!is_for_leader(&bytes));
            if let ToFollower::Records(records) = &message {
                prop_assert_eq!(bytes.len(), RECORDS_HEAD_BYTES + records.batches.len());
            }
            prop_assert_eq!(ToFollower::decode(bytes), Ok(message));
        }

        #[test]
        fn any_bytes_are_a_message_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let bytes = Bytes::from(bytes);
            let _may_be_one = (ToLeader::decode(bytes.clone()), ToFollower::decode(bytes));
        }
    }
}
