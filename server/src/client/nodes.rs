//! Nodes: shown; taken out; made to lead; given replicas.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use chronik_kafka::message::describe_cluster::DescribeClusterRequest;
use chronik_kafka::message::elect_leaders::{ElectLeadersRequest, TopicPartitions};
use chronik_kafka::message::list_partition_reassignments::ListPartitionReassignmentsRequest;
use chronik_kafka::message::unregister_broker::UnregisterBrokerRequest;

use super::{Client, ClientError};
use crate::config::HostPort;

/// A node, as the cluster knows it.
#[derive(Clone, Debug)]
pub struct DescribedNode {
    /// `node.id`
    pub node_id: i32,
    /// Where clients reach it.
    pub address: HostPort,
    /// Where it stands.
    pub rack: Option<String>,
    /// Whether it leads nothing, because it has just started or is not heard of.
    pub is_fenced: bool,
}

/// What came of an election.
#[derive(Clone, Debug)]
pub struct ElectedLeader {
    /// The topic.
    pub topic: String,
    /// Number of the partition.
    pub partition: i32,
    /// `NONE` if it has another leader.
    pub code: ErrorCode,
    /// Why not.
    pub message: String,
}

impl Client {
    /// The id of the cluster and its nodes, by node id; fenced ones too.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn describe_nodes(&self) -> Result<(String, Vec<DescribedNode>), ClientError> {
        let request = DescribeClusterRequest { include_fenced_brokers: true, ..Default::default() };
        let response = self.bootstrap().call(request).await?;
        let what = || "describing the cluster".to_owned();
        ClientError::check(what, response.error_code, response.error_message.as_deref())?;
        let node = |node: &chronik_kafka::message::describe_cluster::DescribeClusterBroker| DescribedNode {
            node_id: node.broker_id,
            address: HostPort::new(&node.host, u16::try_from(node.port).unwrap_or(0)),
            rack: node.rack.as_ref().map(ToString::to_string),
            is_fenced: node.is_fenced,
        };
        let mut nodes: Vec<DescribedNode> = response.brokers.iter().map(node).collect();
        nodes.sort_by_key(|node| node.node_id);
        Ok((response.cluster_id.to_string(), nodes))
    }

    /// Has the preferred replicas lead, or, if `unclean`, any replica where nobody leads; of these partitions, or of all. Returns what came of each that was
    /// named, or that needed an election.
    ///
    /// # Errors
    /// No answer, or refused as a whole.
    pub async fn elect_leaders(
        &self,
        unclean: bool,
        partitions: Option<Vec<(String, Vec<i32>)>>,
    ) -> Result<Vec<ElectedLeader>, ClientError> {
        let topic =
            |(topic, partitions): (String, Vec<i32>)| TopicPartitions { topic: topic.into(), partitions };
        let request = ElectLeadersRequest {
            election_type: i8::from(unclean),
            topic_partitions: partitions.map(|topics| topics.into_iter().map(topic).collect()),
            timeout_ms: 30_000,
        };
        let response = self.bootstrap().call(request).await?;
        ClientError::check(|| "electing leaders".to_owned(), response.error_code, None)?;
        let mut elected = Vec::new();
        for topic in response.replica_election_results {
            elected.extend(topic.partition_result.into_iter().map(|found| ElectedLeader {
                topic: topic.topic.to_string(),
                partition: found.partition_id,
                code: found.error_code,
                message: found.error_message.as_deref().unwrap_or(found.error_code.message()).to_owned(),
            }));
        }
        Ok(elected)
    }

    /// Begins to move partitions of a topic to these replicas.
    ///
    /// # Errors
    /// No answer, or one was refused.
    pub async fn reassign(&self, topic: &str, partitions: &[(i32, Vec<i32>)]) -> Result<(), ClientError> {
        let what = || format!("moving replicas of '{topic}'");
        let asked = |(partition_index, replicas): &(i32, Vec<i32>)| ReassignablePartition {
            partition_index: *partition_index,
            replicas: Some(replicas.clone()),
        };
        let asked = partitions.iter().map(asked).collect();
        let request = AlterPartitionReassignmentsRequest {
            timeout_ms: 30_000,
            allow_replication_factor_change: false,
            topics: vec![ReassignableTopic { name: topic.into(), partitions: asked }],
        };
        let response = self.bootstrap().call(request).await?;
        ClientError::check(what, response.error_code, response.error_message.as_deref())?;
        for answer in response.responses.iter().flat_map(|topic| &topic.partitions) {
            let what = || format!("moving replicas of partition {} of '{topic}'", answer.partition_index);
            ClientError::check(what, answer.error_code, answer.error_message.as_deref())?;
        }
        Ok(())
    }

    /// How many partitions have replicas that are moving.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn reassignments(&self) -> Result<usize, ClientError> {
        let request = ListPartitionReassignmentsRequest { topics: None, timeout_ms: 30_000 };
        let response = self.bootstrap().call(request).await?;
        let what = || "asking which replicas are moving".to_owned();
        ClientError::check(what, response.error_code, response.error_message.as_deref())?;
        Ok(response.topics.iter().map(|topic| topic.partitions.len()).sum())
    }

    /// Takes a node out of the cluster that is stopped and has no replicas.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn unregister(&self, node_id: i32) -> Result<(), ClientError> {
        let response = self.bootstrap().call(UnregisterBrokerRequest { broker_id: node_id }).await?;
        let what = || format!("taking node {node_id} out of the cluster");
        ClientError::check(what, response.error_code, response.error_message.as_deref())
    }
}
