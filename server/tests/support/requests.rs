//! The requests that most tests need, and their answers taken apart.

use bytes::Bytes;
use chronik_kafka::ErrorCode;
use chronik_kafka::message::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use chronik_kafka::message::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use chronik_kafka::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData};
use chronik_kafka::message::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use chronik_kafka::message::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsTopic,
};
use chronik_kafka::message::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponseTopic};
use chronik_kafka::message::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
};
use uuid::Uuid;

use super::batches::{batch, records};
use super::raw::Raw;
use super::{PATIENCE, Server};

/// Versions in which topics are named.
pub const PRODUCE: i16 = 12;
pub const FETCH: i16 = 12;
/// `acks=all`
pub const ALL: i16 = -1;

/// A produce of one batch.
pub fn produce_request(topic: &str, partition: i32, acks: i16, batch: Bytes) -> ProduceRequest {
    let partition_data = vec![PartitionProduceData { index: partition, records: Some(batch) }];
    let topic = TopicProduceData { name: topic.into(), partition_data, ..Default::default() };
    let timeout_ms = i32::try_from(PATIENCE.as_millis()).expect("short");
    ProduceRequest { transactional_id: None, acks, timeout_ms, topic_data: vec![topic] }
}

/// What a produce of one batch came to.
pub fn only_produced(response: ProduceResponse) -> PartitionProduceResponse {
    let mut partitions = response.responses.into_iter().flat_map(|topic| topic.partition_responses);
    let only = partitions.next().expect("a partition");
    assert!(partitions.next().is_none());
    only
}

/// One partition of a fetch.
pub fn fetch_partition(partition: i32, fetch_offset: i64) -> FetchPartition {
    FetchPartition { partition, fetch_offset, partition_max_bytes: 1 << 20, ..Default::default() }
}

/// A fetch of partitions of one topic that does not wait.
pub fn fetch_request(topic: &str, partitions: Vec<FetchPartition>) -> FetchRequest {
    let topic = FetchTopic { topic: topic.into(), partitions, ..Default::default() };
    FetchRequest { max_bytes: 50 << 20, topics: vec![topic], ..Default::default() }
}

/// The partitions of an answer.
pub fn fetched(response: FetchResponse) -> Vec<PartitionData> {
    assert_eq!(response.error_code, ErrorCode::NONE);
    response.responses.into_iter().flat_map(|topic| topic.partitions).collect()
}

/// The partition of an answer that has one.
pub fn only_fetched(response: FetchResponse) -> PartitionData {
    let mut partitions = fetched(response);
    assert_eq!(partitions.len(), 1);
    partitions.remove(0)
}

impl Raw {
    /// Creates a topic with these settings, each `name=value`.
    pub fn create_topic(&mut self, name: &str, partitions: i32, settings: &[&str]) {
        let config = |setting: &&str| {
            let (name, value) = setting.split_once('=').expect("name=value");
            CreatableTopicConfig { name: name.into(), value: Some(value.into()) }
        };
        let code = self.try_create_topic(name, partitions, settings.iter().map(config).collect());
        assert_eq!(code, ErrorCode::NONE, "creating {name}");
    }

    /// Creates a topic; what came of it.
    pub fn try_create_topic(
        &mut self,
        name: &str,
        num_partitions: i32,
        configs: Vec<CreatableTopicConfig>,
    ) -> ErrorCode {
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions,
            replication_factor: 1,
            configs,
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, validate_only: false };
        self.ask(7, &request).topics[0].error_code
    }

    /// Deletes a topic; what came of it.
    pub fn delete_topic(&mut self, name: &str) -> ErrorCode {
        let topic = DeleteTopicState { name: Some(name.into()), topic_id: Uuid::nil() };
        let request = DeleteTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
        self.ask(6, &request).responses[0].error_code
    }

    /// What metadata says of a topic; it is created only if `create`.
    pub fn topic(&mut self, name: &str, create: bool) -> MetadataResponseTopic {
        let topic = MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(vec![topic]),
            allow_auto_topic_creation: create,
            ..Default::default()
        };
        self.ask(12, &request).topics.remove(0)
    }

    /// Produces one batch with acks=all; what came of it.
    pub fn produce(&mut self, topic: &str, partition: i32, batch: Bytes) -> PartitionProduceResponse {
        only_produced(self.ask(PRODUCE, &produce_request(topic, partition, ALL, batch)))
    }

    /// Produces a batch of these values, which must be accepted; the offset of the first.
    pub fn append(&mut self, topic: &str, partition: i32, values: &[&str]) -> i64 {
        let produced = self.produce(topic, partition, batch(values));
        assert_eq!(produced.error_code, ErrorCode::NONE, "{:?}", produced.error_message);
        produced.base_offset
    }

    /// What is at `offset` and after it, without waiting.
    pub fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> PartitionData {
        only_fetched(self.ask(FETCH, &fetch_request(topic, vec![fetch_partition(partition, offset)])))
    }

    /// Every record of a partition.
    pub fn read_all(&mut self, topic: &str, partition: i32) -> Vec<(i64, String)> {
        let mut found: Vec<(i64, String)> = Vec::new();
        loop {
            let next = found.last().map_or(0, |(offset, _)| offset + 1);
            let data = self.fetch(topic, partition, next);
            assert_eq!(data.error_code, ErrorCode::NONE);
            let more = records(data.records.expect("records"));
            if more.is_empty() {
                assert_eq!(data.high_watermark, next, "everything was read");
                return found;
            }
            found.extend(more);
        }
    }

    /// The offset that a timestamp, or a special one, stands for.
    pub fn list_offset(
        &mut self,
        topic: &str,
        partition: i32,
        timestamp: i64,
    ) -> ListOffsetsPartitionResponse {
        let partition = ListOffsetsPartition { partition_index: partition, timestamp, ..Default::default() };
        let topic = ListOffsetsTopic { name: topic.into(), partitions: vec![partition] };
        let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        self.ask(9, &request).topics.remove(0).partitions.remove(0)
    }

    /// A producer id for an idempotent producer.
    pub fn producer_id(&mut self) -> i64 {
        let InitProducerIdResponse { error_code, producer_id, producer_epoch, .. } =
            self.ask(4, &InitProducerIdRequest::default());
        assert_eq!((error_code, producer_epoch), (ErrorCode::NONE, 0));
        producer_id
    }
}

/// Asserts that somebody else is served: a record goes in, and comes out.
pub fn assert_serves(server: &Server) {
    let mut client = Raw::connect(server);
    let topic = "served";
    if client.topic(topic, false).error_code != ErrorCode::NONE {
        client.create_topic(topic, 1, &[]);
    }
    let offset = client.append(topic, 0, &["still here"]);
    let data = client.fetch(topic, 0, offset);
    assert_eq!(records(data.records.expect("records")), [(offset, "still here".to_owned())]);
}
