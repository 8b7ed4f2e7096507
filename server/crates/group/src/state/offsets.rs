//! Committed offsets: commit, look up, delete.

use std::collections::BTreeMap;

use chronik_kafka::{ErrorCode, Str};

use super::event::{Answer, Commit, NewOffset, Token, TopicPartition};
use super::stored::{Continuation, after};
use super::{CONSUMER, Group, Phase, Turn};
use crate::records::{OffsetValue, Record, group_record, offset_record};

/// "The server's own time", for how long an offset is kept.
const DEFAULT_RETENTION: i64 = -1;

/// Committed offsets, by topic and partition. Only what is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupOffsets(BTreeMap<Str, BTreeMap<i32, OffsetValue>>);

impl GroupOffsets {
    /// The offset of a partition.
    #[must_use]
    pub fn get(&self, topic: &str, partition: i32) -> Option<&OffsetValue> {
        self.0.get(topic)?.get(&partition)
    }

    /// All of them, in order of topic and partition.
    pub fn iter(&self) -> impl Iterator<Item = (&Str, i32, &OffsetValue)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, value)| (topic, *partition, value))
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, topic: Str, partition: i32, value: OffsetValue) {
        self.0.entry(topic).or_default().insert(partition, value);
    }

    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.0.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.0.remove(topic);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Group {
    /// The committed offsets.
    #[must_use]
    pub fn offsets(&self) -> &GroupOffsets {
        &self.offsets
    }

    pub(super) fn commit(&mut self, turn: &mut Turn<'_>, token: Token, commit: Commit) {
        if let Err(code) = self.check_commit(&commit) {
            return turn.answer(token, Answer::Each(vec![code; commit.offsets.len()]));
        }
        if commit.generation >= 0 && matches!(self.phase, Phase::Stable | Phase::Preparing { .. }) {
            self.renew(turn, &commit.member_id); // who commits is alive
        }
        let (mut codes, mut offsets) = (Vec::with_capacity(commit.offsets.len()), Vec::new());
        let expire_timestamp_ms = (commit.retention_time_ms != DEFAULT_RETENTION)
            .then(|| turn.now_ms.saturating_add(commit.retention_time_ms));
        for offset in commit.offsets {
            if offset.metadata.len() > turn.config.max_offset_metadata_bytes {
                codes.push(ErrorCode::OFFSET_METADATA_TOO_LARGE);
                continue;
            }
            codes.push(ErrorCode::NONE);
            let NewOffset { topic, partition, offset, leader_epoch, metadata } = offset;
            let value = OffsetValue {
                offset,
                leader_epoch,
                metadata: metadata.detached(),
                commit_timestamp_ms: turn.now_ms,
                expire_timestamp_ms,
            };
            offsets.push(((topic.detached(), partition), value));
        }
        if offsets.is_empty() {
            return turn.answer(token, Answer::Each(codes));
        }
        let record = |((topic, partition), value): &(TopicPartition, OffsetValue)| {
            offset_record(&self.id, topic, *partition, Some(value))
        };
        let records = offsets.iter().map(record).collect();
        self.append(turn, records, Continuation::Committed { token, offsets, codes });
    }

    /// `ClassicGroup.validateOffsetCommit`
    fn check_commit(&self, commit: &Commit) -> Result<(), ErrorCode> {
        if self.phase == Phase::Dead {
            return Err(ErrorCode::COORDINATOR_NOT_AVAILABLE);
        }
        if commit.generation < 0 && self.phase == Phase::Empty {
            return Ok(()); // a consumer that assigns its partitions itself, or an administrator
        }
        if commit.generation >= 0 && self.is_vacant() {
            return Err(ErrorCode::GROUP_ID_NOT_FOUND);
        }
        if commit.generation >= 0 || !commit.member_id.is_empty() || commit.group_instance_id.is_some() {
            self.check_generation(&commit.member_id, commit.group_instance_id.as_ref(), commit.generation)?;
        } else {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID); // the group has members, and this is none of them
        }
        // The member is sound, and its partitions may already be another's.
        if matches!(self.phase, Phase::Completing { .. }) {
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Ok(())
    }

    /// Offsets are durable, or are not. Returns what to tell.
    pub(super) fn committed(
        &mut self,
        offsets: Vec<(TopicPartition, OffsetValue)>,
        codes: Vec<ErrorCode>,
        outcome: Result<(), super::AppendError>,
    ) -> Vec<ErrorCode> {
        match outcome {
            Ok(()) => {
                for ((topic, partition), value) in offsets {
                    self.offsets.insert(topic, partition, value);
                }
                codes
            }
            Err(super::AppendError::TooLarge) => after(codes, Some(ErrorCode::INVALID_COMMIT_OFFSET_SIZE)),
            Err(error) => after(codes, Some(error.code())),
        }
    }

    /// OffsetDelete (KIP-496): not of a topic that a member is reading.
    pub(super) fn delete_offsets(&mut self, turn: &mut Turn<'_>, token: Token, asked: Vec<TopicPartition>) {
        if let Err(code) = self.check_delete_offsets() {
            return turn.answer(token, code);
        }
        let code = |(topic, _): &TopicPartition| {
            if self.is_subscribed_to(topic) { ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC } else { ErrorCode::NONE }
        };
        let codes: Vec<ErrorCode> = asked.iter().map(code).collect();
        let deleted = asked.into_iter().zip(&codes).filter(|(_, code)| code.is_none());
        let partitions: Vec<TopicPartition> = deleted
            .map(|((topic, partition), _)| (topic.detached(), partition))
            .filter(|(topic, partition)| self.offsets.get(topic, *partition).is_some())
            .collect();
        self.forget(turn, partitions, Some((token, codes)));
    }

    fn check_delete_offsets(&self) -> Result<(), ErrorCode> {
        match self.phase {
            Phase::Dead => Err(ErrorCode::GROUP_ID_NOT_FOUND),
            Phase::Empty if self.is_vacant() => Err(ErrorCode::GROUP_ID_NOT_FOUND),
            Phase::Empty => Ok(()),
            _ if self.protocol_type.as_deref() == Some(CONSUMER) => Ok(()),
            _ => Err(ErrorCode::NON_EMPTY_GROUP),
        }
    }

    /// Whether a member reads this topic; when that cannot be known, it may.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => !self.members.is_empty(),
        }
    }

    /// Writes tombstones.
    pub(super) fn forget(
        &mut self,
        turn: &mut Turn<'_>,
        partitions: Vec<TopicPartition>,
        answer: Option<(Token, Vec<ErrorCode>)>,
    ) {
        if partitions.is_empty() {
            if let Some((token, codes)) = answer {
                turn.answer(token, Answer::Each(codes));
            }
            return;
        }
        let records = partitions
            .iter()
            .map(|(topic, partition)| offset_record(&self.id, topic, *partition, None))
            .collect();
        self.append(turn, records, Continuation::Deleted { answer, partitions });
    }

    /// DeleteGroups (KIP-229): only without members.
    pub(super) fn delete(&mut self, turn: &mut Turn<'_>, token: Token) {
        match self.phase {
            Phase::Empty if self.is_vacant() => turn.answer(token, ErrorCode::GROUP_ID_NOT_FOUND),
            // What is on its way to the log would come back after the tombstones.
            Phase::Empty if !self.appends.is_empty() || !self.pending.is_empty() => {
                turn.answer(token, ErrorCode::NON_EMPTY_GROUP);
            }
            Phase::Empty => self.end(turn, Some(token)),
            Phase::Dead => turn.answer(token, ErrorCode::GROUP_ID_NOT_FOUND),
            Phase::Preparing { .. } | Phase::Completing { .. } | Phase::Stable => {
                turn.answer(token, ErrorCode::NON_EMPTY_GROUP);
            }
        }
    }

    /// Writes the tombstones of all that the log has of the group.
    pub(super) fn end(&mut self, turn: &mut Turn<'_>, token: Option<Token>) {
        let offsets =
            self.offsets.iter().map(|(topic, partition, _)| offset_record(&self.id, topic, partition, None));
        let records: Vec<Record> = offsets.chain([group_record(&self.id, None)]).collect();
        self.enter(turn, Phase::Dead);
        self.append(turn, records, Continuation::Ended { token });
    }
}
