//! Reading the groups: for administrators, consumers that start, and metrics.

use chronik_kafka::message::describe_groups::DescribedGroup;
use chronik_kafka::message::{DescribeGroupsResponse, ListGroupsResponse};
use chronik_kafka::{ErrorCode, Str};

use super::{Clock, Coordinator, Ids, Journal, Reply};
use crate::state::{Group, GroupOffsets, TopicPartition};

/// All groups, for metrics.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// In order of their ids.
    pub groups: Vec<OverviewGroup>,
    /// Appends that are on their way to the log.
    pub appends_under_way: usize,
}

/// A group, for metrics.
#[derive(Clone, Debug)]
pub struct OverviewGroup {
    /// Its id.
    pub id: Str,
    /// Kafka's name of its state.
    pub state: &'static str,
    /// How many members it has.
    pub members: usize,
    /// Its offsets.
    pub offsets: GroupOffsets,
}

impl<J: Journal, C: Clock, I: Ids> Coordinator<J, C, I> {
    fn group(&self, id: &str) -> Option<&Group> {
        self.groups.get(id).map(|entry| &entry.group)
    }

    /// A group that nobody has heard of has no offsets, which is no error.
    pub(super) fn offsets(&self, id: &str, asked: Option<Vec<TopicPartition>>) -> Reply {
        if let Err(code) = self.partitions.serving(id) {
            return Reply::NotNow(code);
        }
        let known = self.group(id).map(Group::offsets);
        let found = match asked {
            Some(asked) => {
                let value = |(topic, partition): &TopicPartition| known?.get(topic, *partition).cloned();
                asked.into_iter().map(|asked| (asked.clone(), value(&asked))).collect()
            }
            None => {
                let all = known.into_iter().flat_map(GroupOffsets::iter);
                all.map(|(topic, partition, value)| ((topic.clone(), partition), Some(value.clone())))
                    .collect()
            }
        };
        Reply::Offsets(found)
    }

    pub(super) fn describe(&self, ids: Vec<Str>) -> DescribeGroupsResponse {
        let describe = |id: Str| match (self.partitions.serving(&id), self.group(&id)) {
            (Err(error_code), _) => DescribedGroup { error_code, group_id: id, ..Default::default() },
            (Ok(_), Some(group)) => group.describe(),
            (Ok(_), None) => DescribedGroup {
                error_code: ErrorCode::GROUP_ID_NOT_FOUND,
                error_message: Some(format!("Group {id} not found.").into()),
                group_state: Str::from_static(crate::state::DEAD),
                group_id: id,
                ..Default::default()
            },
        };
        DescribeGroupsResponse { groups: ids.into_iter().map(describe).collect(), ..Default::default() }
    }

    pub(super) fn list(&self, states: &[Str], types: &[Str]) -> ListGroupsResponse {
        let wanted = |wishes: &[Str], name: &str| {
            wishes.is_empty() || wishes.iter().any(|wish| wish.eq_ignore_ascii_case(name))
        };
        let groups = self.groups.values().map(|entry| entry.group.list());
        let groups = groups
            .filter(|group| wanted(states, &group.group_state) && wanted(types, &group.group_type))
            .collect();
        let error_code = if self.partitions.is_loading() {
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
        } else {
            ErrorCode::NONE
        };
        ListGroupsResponse { error_code, groups, ..Default::default() }
    }

    pub(super) fn overview(&self) -> Overview {
        let group = |group: &Group| OverviewGroup {
            id: group.id().clone(),
            state: group.state_name(),
            members: group.member_count(),
            offsets: group.offsets().clone(),
        };
        Overview {
            groups: self.groups.values().map(|entry| group(&entry.group)).collect(),
            appends_under_way: self.under_way,
        }
    }
}
