//! A group as its records have it.

use chronik_kafka::Str;

use super::member::Member;
use super::offsets::GroupOffsets;
use super::{Group, Phase};
use crate::records::GroupMetadata;

impl Group {
    /// The group as the log has it. Members have a whole session to show that they live: it is not their fault that the coordinator was away.
    #[must_use]
    pub fn restore(id: Str, metadata: Option<GroupMetadata>, offsets: GroupOffsets, now_ms: i64) -> Self {
        let mut group = Self { offsets, ..Self::new(id, now_ms) };
        let Some(metadata) = metadata else { return group };
        group.stored = true;
        group.generation = metadata.generation;
        group.protocol_type = Some(metadata.protocol_type).filter(|name| !name.is_empty());
        group.protocol = metadata.protocol;
        group.leader = metadata.leader;
        group.phase = if metadata.members.is_empty() { Phase::Empty } else { Phase::Stable };
        if metadata.state_timestamp_ms >= 0 {
            group.phase_since_ms = metadata.state_timestamp_ms;
        }
        for stored in metadata.members {
            let member = Member::of_stored(stored, group.protocol.as_ref(), now_ms);
            if !group.members.contains(&member.id) {
                group.wake_at_ms = group.wake_at_ms.min(member.deadline_ms);
                group.members.insert(member);
            }
        }
        group.subscribed = group.subscriptions();
        group
    }
}
