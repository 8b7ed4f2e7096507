//! Topics: listed, created, deleted.

use chronik_kafka::message::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use chronik_kafka::message::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use chronik_kafka::message::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use chronik_kafka::message::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use chronik_kafka::message::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};
use chronik_kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::{Client, ClientError, Connection};
use crate::config::HostPort;

/// Nodes and topics, as one node sees them.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub cluster_id: Option<String>,
    /// Node id and address, by id.
    pub nodes: Vec<(i32, HostPort)>,
    /// By name.
    pub topics: Vec<TopicInfo>,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// Its id.
    pub topic_id: Uuid,
    /// Why nothing is known about it.
    pub error: ErrorCode,
    /// By number.
    pub partitions: Vec<PartitionInfo>,
}

/// A partition.
#[derive(Clone, Debug)]
pub struct PartitionInfo {
    /// Its number, from 0.
    pub partition: i32,
    /// The node that leads it; -1 for none.
    pub leader: i32,
    /// The nodes that hold it.
    pub replicas: Vec<i32>,
    /// Those of them that have all of it.
    pub in_sync_replicas: Vec<i32>,
}

/// A topic to be created.
#[derive(Clone, Debug)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Partitions; the server's default if `None`.
    pub partitions: Option<i32>,
    /// Replicas of each; the server's default if `None`.
    pub replication_factor: Option<i16>,
    /// Name and value.
    pub configs: Vec<(String, String)>,
}

impl Client {
    /// What the server knows of `topics`, or of all. Creates none.
    ///
    /// # Errors
    /// No answer. A topic that does not exist is not an error here: see [`TopicInfo::error`].
    pub async fn cluster(&self, topics: Option<&[&str]>) -> Result<Cluster, ClientError> {
        self.ask_cluster(topics, false).await
    }

    /// The same, and the server may create `topic` if it does not exist and it is set up to.
    ///
    /// # Errors
    /// No answer.
    pub async fn cluster_creating(&self, topic: &str) -> Result<Cluster, ClientError> {
        self.ask_cluster(Some(&[topic]), true).await
    }

    async fn ask_cluster(&self, topics: Option<&[&str]>, create: bool) -> Result<Cluster, ClientError> {
        let named = |name: &&str| MetadataRequestTopic { name: Some(Str::from(*name)), ..Default::default() };
        let request = MetadataRequest {
            topics: topics.map(|topics| topics.iter().map(named).collect()),
            allow_auto_topic_creation: create,
            ..Default::default()
        };
        let response = self.bootstrap().call(request).await?;
        ClientError::check(|| "asking for metadata".to_owned(), response.error_code, None)?;
        Ok(Cluster::read(response))
    }

    /// Creates a topic. Returns its number of partitions.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn create_topic(&self, topic: NewTopic) -> Result<i32, ClientError> {
        let what = format!("creating topic '{}'", topic.name);
        let config = |(name, value): (String, String)| CreatableTopicConfig {
            name: name.into(),
            value: Some(value.into()),
        };
        let asked = CreatableTopic {
            name: topic.name.into(),
            num_partitions: topic.partitions.unwrap_or(-1),
            replication_factor: topic.replication_factor.unwrap_or(-1),
            configs: topic.configs.into_iter().map(config).collect(),
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![asked], ..Default::default() };
        let response = self.bootstrap().call(request).await?;
        let Some(result) = response.topics.first() else { return Err(ClientError::no_result(what)) };
        ClientError::check(|| what, result.error_code, result.error_message.as_deref())?;
        Ok(result.num_partitions)
    }

    /// Gives a topic more partitions.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn create_partitions(&self, name: &str, count: i32) -> Result<(), ClientError> {
        let what = format!("adding partitions to topic '{name}'");
        let topic = CreatePartitionsTopic { name: name.into(), count, assignments: None };
        let request =
            CreatePartitionsRequest { topics: vec![topic], timeout_ms: 30_000, validate_only: false };
        let response = self.bootstrap().call(request).await?;
        let Some(result) = response.results.first() else { return Err(ClientError::no_result(what)) };
        ClientError::check(|| what, result.error_code, result.error_message.as_deref())
    }

    /// Deletes a topic and all its records.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn delete_topic(&self, name: &str) -> Result<(), ClientError> {
        let what = format!("deleting topic '{name}'");
        let name = Str::from(name);
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopicState { name: Some(name.clone()), topic_id: Uuid::nil() }],
            topic_names: vec![name],
            timeout_ms: 30_000,
        };
        let response = self.bootstrap().call(request).await?;
        let Some(result) = response.responses.first() else { return Err(ClientError::no_result(what)) };
        ClientError::check(|| what, result.error_code, result.error_message.as_deref())
    }
}

impl Cluster {
    fn read(response: MetadataResponse) -> Self {
        let port = |port| u16::try_from(port).unwrap_or(0);
        let nodes =
            response.brokers.iter().map(|node| (node.node_id, HostPort::new(&node.host, port(node.port))));
        let mut topics: Vec<TopicInfo> = response.topics.iter().map(TopicInfo::read).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Self { cluster_id: response.cluster_id.map(|id| id.to_string()), nodes: nodes.collect(), topics }
    }

    /// What is known of a topic.
    ///
    /// # Errors
    /// It does not exist, or the server says that nothing is known.
    pub fn topic(&self, name: &str) -> Result<&TopicInfo, ClientError> {
        let what = || format!("topic '{name}'");
        let found = self.topics.iter().find(|topic| topic.name == name);
        let error = found.map_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, |topic| topic.error);
        let message = (error == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION).then_some("there is no such topic");
        ClientError::check(what, error, message)?;
        found.ok_or_else(|| ClientError::no_result(what()))
    }

    /// The address of a node.
    ///
    /// # Errors
    /// There is no such node.
    pub fn address_of(&self, id: i32) -> Result<HostPort, ClientError> {
        let found = self.nodes.iter().find(|(known, _)| *known == id);
        let known = || self.nodes.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(", ");
        found.map(|(_, address)| address.clone()).ok_or_else(|| ClientError::Refused {
            what: format!("broker {id}"),
            code: ErrorCode::BROKER_NOT_AVAILABLE,
            message: format!("the cluster has the brokers {}", known()),
        })
    }

    /// Id and address of a partition's leader.
    ///
    /// # Errors
    /// No such topic or partition, or no leader.
    pub fn leader_of(&self, topic: &str, partition: i32) -> Result<(i32, HostPort), ClientError> {
        let refused = |code, message: String| ClientError::Refused {
            what: format!("partition {partition} of topic '{topic}'"),
            code,
            message,
        };
        let partitions = &self.topic(topic)?.partitions;
        let found = partitions.iter().find(|known| known.partition == partition).ok_or_else(|| {
            let message = format!("the topic has {} partitions, numbered from 0", partitions.len());
            refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message)
        })?;
        let leader = self.nodes.iter().find(|(id, _)| *id == found.leader);
        leader.cloned().ok_or_else(|| {
            refused(ErrorCode::LEADER_NOT_AVAILABLE, "it has no leader now; try again".to_owned())
        })
    }
}

impl TopicInfo {
    fn read(topic: &MetadataResponseTopic) -> Self {
        let mut partitions: Vec<PartitionInfo> = topic
            .partitions
            .iter()
            .map(|found| PartitionInfo {
                partition: found.partition_index,
                leader: found.leader_id,
                replicas: found.replica_nodes.clone(),
                in_sync_replicas: found.isr_nodes.clone(),
            })
            .collect();
        partitions.sort_by_key(|partition| partition.partition);
        let name = topic.name.as_deref().unwrap_or_default().to_owned();
        Self { name, topic_id: topic.topic_id, error: topic.error_code, partitions }
    }
}

impl Connection {
    /// Bytes that a partition takes on the disk of this node; `None` if it does not hold it.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn partition_size(&self, topic: &str, partition: i32) -> Result<Option<i64>, ClientError> {
        let asked = DescribableLogDirTopic { topic: topic.into(), partitions: vec![partition] };
        let response = self.call(DescribeLogDirsRequest { topics: Some(vec![asked]) }).await?;
        let what = || format!("asking for the size of partition {partition} of '{topic}'");
        ClientError::check(what, response.error_code, None)?;
        let topics = response.results.iter().flat_map(|dir| &dir.topics);
        let found = topics.flat_map(|topic| &topic.partitions).find(|found| !found.is_future_key);
        Ok(found.map(|found| found.partition_size))
    }
}
