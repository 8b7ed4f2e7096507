//! A client in the simulation: one connection, one request at a time.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use chronik_kafka::Records;
use chronik_kafka::message::fetch::{FetchPartition, FetchRequest, FetchTopic};
use chronik_kafka::message::metadata::{MetadataRequest, MetadataRequestTopic};
use chronik_kafka::message::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use chronik_kafka::message::{self, Message, Request};
use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use chronik_kafka::{ErrorCode, RequestHeader, ResponseHeader, frame};
use chronik_server::transport::MemoryConnector;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Bytes of the largest answer.
const MAX_ANSWER: usize = 64 << 20;

pub(crate) struct Client {
    stream: DuplexStream,
    next_correlation_id: i32,
}

/// The producer that a batch comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Producer {
    pub id: i64,
    pub next_sequence: i32,
}

impl Client {
    pub(crate) async fn connect(connector: &MemoryConnector, number: u16) -> io::Result<Self> {
        let peer = SocketAddr::from(([127, 0, 0, 1], 10_000 + number));
        Ok(Self { stream: connector.connect(peer).await?, next_correlation_id: 0 })
    }

    /// Sends one request and waits for its answer.
    pub(crate) async fn call<R: Request>(&mut self, version: i16, body: &R) -> io::Result<R::Response> {
        let correlation_id = self.send(version, body).await?;
        let mut answer = self.answer().await?;
        let header =
            ResponseHeader::decode(&mut answer, R::Response::API, version).map_err(io::Error::other)?;
        assert_eq!(header.correlation_id, correlation_id, "answers come in the order of requests");
        message::decode(&answer, version).map_err(io::Error::other)
    }

    /// Sends one request; returns what its answer will begin with.
    pub(crate) async fn send<R: Request>(&mut self, version: i16, body: &R) -> io::Result<i32> {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id += 1;
        let header =
            RequestHeader { api: R::API, version, correlation_id, client_id: Some("simulation".into()) };
        let request = frame::request(&header, body).map_err(io::Error::other)?;
        self.stream.write_all(&request.into_bytes()).await?;
        Ok(correlation_id)
    }

    /// The next answer, whatever it answers.
    pub(crate) async fn answer(&mut self) -> io::Result<Bytes> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).await?;
        let mut answer = BytesMut::zeroed(frame::length(prefix, MAX_ANSWER).map_err(io::Error::other)?);
        self.stream.read_exact(&mut answer).await?;
        Ok(answer.freeze())
    }

    /// Makes sure that a topic exists.
    pub(crate) async fn ensure_topic(&mut self, name: &str) -> io::Result<ErrorCode> {
        let topic = MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
        let response = self.call(9, &request).await?;
        Ok(response.topics.first().map_or(ErrorCode::UNKNOWN_SERVER_ERROR, |topic| topic.error_code))
    }

    pub(crate) async fn producer_id(&mut self) -> io::Result<Producer> {
        let response = self.call(4, &message::InitProducerIdRequest::default()).await?;
        if !response.error_code.is_none() {
            return Err(io::Error::other(response.error_code.to_string()));
        }
        Ok(Producer { id: response.producer_id, next_sequence: 0 })
    }

    /// Appends `values` as one batch; returns the offset of the first.
    pub(crate) async fn produce(
        &mut self,
        topic: &str,
        producer: Producer,
        values: &[String],
    ) -> io::Result<Result<i64, ErrorCode>> {
        let response = self.call(9, &produce(topic, producer, values)).await?;
        let answer = &response.responses[0].partition_responses[0];
        Ok(if answer.error_code.is_none() { Ok(answer.base_offset) } else { Err(answer.error_code) })
    }

    /// Records from `offset` on, with their offsets, and the high watermark.
    pub(crate) async fn fetch(
        &mut self,
        topic: &str,
        offset: i64,
        max_wait_ms: i32,
    ) -> io::Result<Result<(Vec<(i64, String)>, i64), ErrorCode>> {
        let fetched = self.fetch_batches(topic, offset, max_wait_ms).await?;
        Ok(fetched.map(|(records, high_watermark)| (values(records, offset), high_watermark)))
    }

    /// Whole batches, the first of which may begin before `offset`, and the high watermark.
    pub(crate) async fn fetch_batches(
        &mut self,
        topic: &str,
        offset: i64,
        max_wait_ms: i32,
    ) -> io::Result<Result<(Bytes, i64), ErrorCode>> {
        let response = self.call(11, &fetch(topic, offset, max_wait_ms)).await?;
        let answer = &response.responses[0].partitions[0];
        if !answer.error_code.is_none() {
            return Ok(Err(answer.error_code));
        }
        let records = answer.records.clone().and_then(Records::here).unwrap_or_default();
        Ok(Ok((records, answer.high_watermark)))
    }
}

/// Appends `values` as one batch.
pub(crate) fn produce(topic: &str, producer: Producer, values: &[String]) -> ProduceRequest {
    let mut batch = BatchBuilder::new().producer(producer.id, 0, producer.next_sequence);
    for value in values {
        batch.record(0, None, Some(value.as_bytes()));
    }
    let records = batch.build().to_bytes();
    let partition = PartitionProduceData { index: 0, records: Some(records) };
    let topic =
        TopicProduceData { name: topic.into(), partition_data: vec![partition], ..Default::default() };
    ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

/// Reads from `offset` on.
pub(crate) fn fetch(topic: &str, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition {
        partition: 0,
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topic = FetchTopic { topic: topic.into(), partitions: vec![partition], ..Default::default() };
    FetchRequest { max_wait_ms, min_bytes: 1, topics: vec![topic], ..Default::default() }
}

/// The records at and after `offset`; a batch may begin before it.
pub(crate) fn values(mut records: Bytes, offset: i64) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    while !records.is_empty() {
        let batch = RecordBatch::read(&mut records).expect("the server sends whole batches");
        batch.check_stored().expect("and intact ones");
        for record in batch.records().expect("not compressed") {
            let record = record.expect("well-formed");
            let at = batch.header.base_offset + i64::from(record.offset_delta);
            let value = String::from_utf8(record.value.expect("a value").to_vec()).expect("UTF-8");
            found.extend((at >= offset).then_some((at, value)));
        }
    }
    found
}
