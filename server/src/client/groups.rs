//! Consumer groups: listed, described, reset, deleted.

use bytes::{Buf, Bytes};
use chronik_kafka::message::find_coordinator::FindCoordinatorRequest;
use chronik_kafka::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use chronik_kafka::message::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use chronik_kafka::message::{DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest};
use chronik_kafka::{ApiKey, ErrorCode, Str};

use super::{Client, ClientError, Connection};
use crate::config::HostPort;

/// First version that asks for several keys.
const BATCHED_COORDINATORS_FROM: i16 = 4;
/// First version that asks for the offsets of several groups.
const BATCHED_OFFSETS_FROM: i16 = 8;

/// A group in a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedGroup {
    /// Its id.
    pub group: String,
    /// Kafka's name of its state; empty if the server does not say.
    pub state: String,
    /// "consumer" for consumers.
    pub protocol_type: String,
}

/// A group as its coordinator sees it.
#[derive(Clone, Debug)]
pub struct DescribedGroup {
    /// Kafka's name of its state.
    pub state: String,
    /// What its members agreed on.
    pub protocol: String,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub struct GroupMember {
    /// Its id.
    pub member_id: String,
    /// `group.instance.id`
    pub instance: Option<String>,
    /// The client's name.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// Topic and partition of what it reads.
    pub partitions: Vec<(String, i32)>,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// What the group reads next.
    pub offset: i64,
}

impl Client {
    /// A connection to the coordinator of a group.
    ///
    /// # Errors
    /// There is none, or no connection to it.
    pub async fn coordinator(&mut self, group: &str) -> Result<Connection, ClientError> {
        let version = self.bootstrap().version(ApiKey::FindCoordinator)?;
        let key = Str::from(group);
        let batched = version >= BATCHED_COORDINATORS_FROM;
        let request = FindCoordinatorRequest {
            key: if batched { Str::default() } else { key.clone() },
            coordinator_keys: if batched { vec![key] } else { Vec::new() },
            key_type: 0,
        };
        let response = self.bootstrap().submit(request, version).await?.wait().await?;
        let (code, message, id, host, port) = match response.coordinators.first() {
            Some(it) => (it.error_code, it.error_message.clone(), it.node_id, it.host.clone(), it.port),
            None => {
                (response.error_code, response.error_message, response.node_id, response.host, response.port)
            }
        };
        ClientError::check(
            || format!("finding the coordinator of group '{group}'"),
            code,
            message.as_deref(),
        )?;
        self.node_at(id, &HostPort::new(&host, u16::try_from(port).unwrap_or(0))).await
    }

    /// The groups of all nodes, by id.
    ///
    /// # Errors
    /// A node does not answer.
    pub async fn list_groups(&mut self) -> Result<Vec<ListedGroup>, ClientError> {
        let nodes = self.cluster(Some(&[])).await?.nodes;
        let mut groups = Vec::new();
        for (id, address) in nodes {
            let response = self.node_at(id, &address).await?.call(ListGroupsRequest::default()).await?;
            ClientError::check(|| format!("listing the groups of node {id}"), response.error_code, None)?;
            groups.extend(response.groups.into_iter().map(|group| ListedGroup {
                group: group.group_id.to_string(),
                state: group.group_state.to_string(),
                protocol_type: group.protocol_type.to_string(),
            }));
        }
        groups.sort();
        Ok(groups)
    }

    /// A group with its members.
    ///
    /// # Errors
    /// No answer, or there is no such group.
    pub async fn describe_group(&mut self, group: &str) -> Result<DescribedGroup, ClientError> {
        let what = || format!("describing group '{group}'");
        let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
        let response = self.coordinator(group).await?.call(request).await?;
        let Some(found) = response.groups.into_iter().next() else { return Err(unmentioned(what())) };
        // Old versions call a group that is not there dead.
        let dead = found.error_code.is_none() && found.group_state == "Dead";
        let code = if dead { ErrorCode::GROUP_ID_NOT_FOUND } else { found.error_code };
        ClientError::check(what, code, found.error_message.as_deref())?;
        let member = |member: chronik_kafka::message::describe_groups::DescribedGroupMember| GroupMember {
            member_id: member.member_id.to_string(),
            instance: member.group_instance_id.map(|instance| instance.to_string()),
            client_id: member.client_id.to_string(),
            host: member.client_host.trim_start_matches('/').to_owned(),
            partitions: assigned(member.member_assignment).unwrap_or_default(),
        };
        Ok(DescribedGroup {
            state: found.group_state.to_string(),
            protocol: found.protocol_data.to_string(),
            members: found.members.into_iter().map(member).collect(),
        })
    }

    /// All offsets that a group has committed, by topic and partition.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn committed_offsets(&mut self, group: &str) -> Result<Vec<CommittedOffset>, ClientError> {
        let coordinator = self.coordinator(group).await?;
        let version = coordinator.version(ApiKey::OffsetFetch)?;
        let batched = version >= BATCHED_OFFSETS_FROM;
        let all = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
        let request = OffsetFetchRequest {
            group_id: if batched { Str::default() } else { group.into() },
            topics: None,
            groups: if batched { vec![all] } else { Vec::new() },
            require_stable: false,
        };
        let response = coordinator.submit(request, version).await?.wait().await?;
        let code = response.groups.first().map_or(response.error_code, |group| group.error_code);
        ClientError::check(|| format!("asking for the offsets of group '{group}'"), code, None)?;
        let new =
            |topic: &Str, partition, offset| CommittedOffset { topic: topic.to_string(), partition, offset };
        let groups = response.groups.iter().flat_map(|group| &group.topics);
        let of_groups = groups.flat_map(|topic| {
            topic.partitions.iter().map(|p| new(&topic.name, p.partition_index, p.committed_offset))
        });
        let of_topics = response.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|p| new(&topic.name, p.partition_index, p.committed_offset))
        });
        let mut offsets: Vec<CommittedOffset> =
            of_groups.chain(of_topics).filter(|it| it.offset >= 0).collect();
        offsets.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(offsets)
    }

    /// Commits offsets of a group that has no members.
    ///
    /// # Errors
    /// No answer, or one of them was refused.
    pub async fn commit_offsets(
        &mut self,
        group: &str,
        offsets: &[CommittedOffset],
    ) -> Result<(), ClientError> {
        let topic = |it: &CommittedOffset| OffsetCommitRequestTopic {
            name: it.topic.as_str().into(),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: it.partition,
                committed_offset: it.offset,
                ..Default::default()
            }],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: group.into(),
            topics: offsets.iter().map(topic).collect(),
            ..Default::default()
        };
        let response = self.coordinator(group).await?.call(request).await?;
        for topic in &response.topics {
            for partition in &topic.partitions {
                let what = || {
                    let index = partition.partition_index;
                    format!("committing partition {index} of '{}' for group '{group}'", topic.name)
                };
                ClientError::check(what, partition.error_code, None)?;
            }
        }
        Ok(())
    }

    /// Deletes a group that has no members, and its offsets.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn delete_group(&mut self, group: &str) -> Result<(), ClientError> {
        let what = || format!("deleting group '{group}'");
        let request = DeleteGroupsRequest { groups_names: vec![group.into()] };
        let response = self.coordinator(group).await?.call(request).await?;
        let Some(result) = response.results.first() else { return Err(unmentioned(what())) };
        ClientError::check(what, result.error_code, None)
    }
}

fn unmentioned(what: String) -> ClientError {
    let message = "the server's answer does not mention it".to_owned();
    ClientError::Refused { what, code: ErrorCode::UNKNOWN_SERVER_ERROR, message }
}

/// The front of `ConsumerProtocolAssignment`, which is the same in every version; `None` if it is something else.
fn assigned(mut bytes: Bytes) -> Option<Vec<(String, i32)>> {
    let _version = bytes.try_get_i16().ok()?;
    let mut partitions = Vec::new();
    for _ in 0..bytes.try_get_i32().ok()? {
        let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
        if bytes.len() < length {
            return None;
        }
        let topic = String::from_utf8(bytes.split_to(length).to_vec()).ok()?;
        for _ in 0..bytes.try_get_i32().ok()? {
            partitions.push((topic.clone(), bytes.try_get_i32().ok()?));
        }
    }
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_read_as_consumers_write_it() {
        let bytes = b"\x00\x01\x00\x00\x00\x01\x00\x01t\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff";
        let expected = vec![("t".to_owned(), 0), ("t".to_owned(), 3)];
        assert_eq!(assigned(Bytes::from_static(bytes)), Some(expected));
        assert_eq!(assigned(Bytes::from_static(&bytes[..12])), None);
        assert_eq!(assigned(Bytes::from_static(b"\x00\x01\x7f\xff\xff\xff")), None);
    }
}
