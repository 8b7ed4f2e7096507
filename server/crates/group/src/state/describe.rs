//! What administrators see of a group.

use chronik_kafka::message::describe_groups::{DescribedGroup, DescribedGroupMember};
use chronik_kafka::message::list_groups::ListedGroup;
use chronik_kafka::{ErrorCode, Str};

use super::member::Member;
use super::{Group, Phase};

/// Name of the state of a group that is not there.
pub(crate) const DEAD: &str = "Dead";
/// Name of the type of groups without KIP-848.
pub(crate) const CLASSIC: &str = "classic";

impl Group {
    /// Kafka's name of its state.
    #[must_use]
    pub fn state_name(&self) -> &'static str {
        match self.phase {
            Phase::Empty => "Empty",
            Phase::Preparing { .. } => "PreparingRebalance",
            Phase::Completing { .. } => "CompletingRebalance",
            Phase::Stable => "Stable",
            Phase::Dead => DEAD,
        }
    }

    /// How many members it has.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// The generation that is, or was last.
    #[must_use]
    pub fn generation(&self) -> i32 {
        self.generation
    }

    /// For ListGroups.
    #[must_use]
    pub fn list(&self) -> ListedGroup {
        ListedGroup {
            group_id: self.id.clone(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            group_state: Str::from_static(self.state_name()),
            group_type: Str::from_static(CLASSIC),
        }
    }

    /// For DescribeGroups. Metadata and assignments only while the group is stable: before, they are of no generation.
    #[must_use]
    pub fn describe(&self) -> DescribedGroup {
        let protocol = self.protocol.clone().filter(|_| self.phase == Phase::Stable);
        let member = |member: &Member| DescribedGroupMember {
            member_id: member.id.clone(),
            group_instance_id: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            member_metadata: protocol.as_deref().map(|name| member.metadata(name)).unwrap_or_default(),
            member_assignment: protocol.as_ref().map(|_| member.assignment.clone()).unwrap_or_default(),
        };
        DescribedGroup {
            error_code: ErrorCode::NONE,
            group_id: self.id.clone(),
            group_state: Str::from_static(self.state_name()),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            members: self.members.iter().map(member).collect(),
            protocol_data: protocol.unwrap_or_default(),
            ..Default::default()
        }
    }
}
