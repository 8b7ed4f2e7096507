//! Records: produced, fetched, found by time. Batches go in and come out whole.

use bytes::Bytes;
use chronik_kafka::ErrorCode;
use chronik_kafka::Records;
use chronik_kafka::message::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData};
use chronik_kafka::message::list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use chronik_kafka::message::produce::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData,
};

use super::{ClientError, Connection};

/// What a fetch may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Isolation {
    /// Everything below the high watermark.
    #[default]
    ReadUncommitted,
    /// Only what committed transactions wrote.
    ReadCommitted,
}

/// Which offset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offsets {
    /// The first.
    Earliest,
    /// The one after the last.
    Latest,
    /// The first of a record not older than this, in milliseconds since the epoch.
    NotBefore(i64),
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Produced {
    /// Offset of its first record.
    pub base_offset: i64,
}

/// What a fetch brought.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Which partition.
    pub partition: i32,
    /// First offset of the partition.
    pub log_start_offset: i64,
    /// Offset after the last that can be fetched.
    pub high_watermark: i64,
    /// Whole batches, the last one possibly cut; the first one may begin below the offset asked for.
    pub records: Bytes,
}

/// A produce request of one batch for one partition.
pub fn produce_request(
    topic: &str,
    partition: i32,
    acks: i16,
    timeout_ms: i32,
    batch: Bytes,
) -> ProduceRequest {
    let data = PartitionProduceData { index: partition, records: Some(batch) };
    let topic =
        TopicProduceData { name: topic.into(), partition_data: vec![data], ..TopicProduceData::default() };
    ProduceRequest { transactional_id: None, acks, timeout_ms, topic_data: vec![topic] }
}

/// Reads the answer to a [`produce_request`].
///
/// # Errors
/// The server refused the batch.
pub fn produced(topic: &str, partition: i32, response: &ProduceResponse) -> Result<Produced, ClientError> {
    let what = || format!("producing to partition {partition} of '{topic}'");
    let Some(result) = response.responses.first().and_then(|topic| topic.partition_responses.first()) else {
        return Err(unmentioned(what()));
    };
    ClientError::check(what, result.error_code, result.error_message.as_deref())?;
    Ok(Produced { base_offset: result.base_offset })
}

/// A fetch request for partitions of one topic from an offset each, outside of any session.
pub fn fetch_request(topic: &str, from: &[(i32, i64)], max_wait_ms: i32, max_bytes: i32) -> FetchRequest {
    let part = |&(partition, fetch_offset): &(i32, i64)| FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: max_bytes,
        ..FetchPartition::default()
    };
    let partitions = from.iter().map(part).collect();
    let topic = FetchTopic { topic: topic.into(), partitions, ..FetchTopic::default() };
    FetchRequest { max_wait_ms, min_bytes: 1, max_bytes, topics: vec![topic], ..FetchRequest::default() }
}

/// Reads the answer to a [`fetch_request`].
///
/// # Errors
/// The server refused, for all partitions or for one.
pub fn fetched(topic: &str, response: FetchResponse) -> Result<Vec<Fetched>, ClientError> {
    ClientError::check(|| format!("fetching from '{topic}'"), response.error_code, None)?;
    let partitions = response.responses.into_iter().flat_map(|topic| topic.partitions);
    partitions.map(|data| Fetched::read(topic, data)).collect()
}

impl Fetched {
    fn read(topic: &str, data: PartitionData) -> Result<Self, ClientError> {
        let partition = data.partition_index;
        ClientError::check(
            || format!("fetching from partition {partition} of '{topic}'"),
            data.error_code,
            None,
        )?;
        Ok(Self {
            partition,
            log_start_offset: data.log_start_offset,
            high_watermark: data.high_watermark,
            records: data.records.and_then(Records::here).unwrap_or_default(),
        })
    }
}

impl Connection {
    /// Appends a batch; with `acks` 0 the offset is not known and -1.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn produce(
        &self,
        topic: &str,
        partition: i32,
        acks: i16,
        batch: Bytes,
    ) -> Result<Produced, ClientError> {
        let request = produce_request(topic, partition, acks, 30_000, batch);
        if acks == 0 {
            self.tell(request).await?;
            return Ok(Produced { base_offset: -1 });
        }
        produced(topic, partition, &self.call(request).await?)
    }

    /// Fetches from `offset` on, waiting up to `max_wait_ms` for something to come.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn fetch(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
        max_wait_ms: i32,
        max_bytes: i32,
    ) -> Result<Fetched, ClientError> {
        let request = fetch_request(topic, &[(partition, offset)], max_wait_ms, max_bytes);
        let answer = fetched(topic, self.call(request).await?)?;
        answer
            .into_iter()
            .next()
            .ok_or_else(|| unmentioned(format!("fetching from partition {partition} of '{topic}'")))
    }

    /// Finds an offset; -1 if there is no record that late.
    ///
    /// # Errors
    /// No answer, or refused.
    pub async fn offset(
        &self,
        topic: &str,
        partition: i32,
        which: Offsets,
        isolation: Isolation,
    ) -> Result<i64, ClientError> {
        let timestamp = match which {
            Offsets::Earliest => -2,
            Offsets::Latest => -1,
            Offsets::NotBefore(timestamp_ms) => timestamp_ms,
        };
        let part = ListOffsetsPartition { partition_index: partition, timestamp, ..Default::default() };
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(isolation == Isolation::ReadCommitted),
            topics: vec![ListOffsetsTopic { name: topic.into(), partitions: vec![part] }],
            timeout_ms: 30_000,
        };
        let response = self.call(request).await?;
        let what = || format!("asking for an offset of partition {partition} of '{topic}'");
        let Some(found) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return Err(unmentioned(what()));
        };
        ClientError::check(what, found.error_code, None)?;
        Ok(found.offset)
    }
}

fn unmentioned(what: String) -> ClientError {
    let message = "the server's answer does not mention the partition".to_owned();
    ClientError::Refused { what, code: ErrorCode::UNKNOWN_SERVER_ERROR, message }
}
