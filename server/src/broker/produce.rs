//! Produce: batches are checked and queued in the order of the requests; the answers come when the log has them.

use std::time::Duration;

use bytes::Bytes;
use chronik_kafka::message::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
    TopicProduceResponse,
};
use chronik_kafka::record_batch::{Compression, RecordBatch};
use chronik_kafka::{ErrorCode, Str};

use super::partition::{self, Led, TopicRef};
use super::pipeline::{Pipeline, Sent};
use super::queued::Queued;
use super::record_rules::Rules;
use super::refused::{self, Refused};
use super::{Broker, Reply};
use crate::cluster::{ClusterState, Topic, topic_config};

/// First version that names topics by id (KIP-516).
const TOPIC_IDS_FROM: i16 = 13;
/// First version that may carry zstd (KIP-110).
const ZSTD_FROM: i16 = 7;
/// `acks` that waits for all in-sync replicas.
const ACKS_ALL: i16 = -1;

/// A produce whose batches have their places in the log.
pub(super) struct Produce {
    acks: i16,
    timeout: Duration,
    topics: Vec<ProduceTopic>,
}

struct ProduceTopic {
    name: Str,
    topic_id: uuid::Uuid,
    /// Its id, if there is such a topic, however the request names it.
    known_id: Option<uuid::Uuid>,
    partitions: Vec<ProducePartition>,
}

struct ProducePartition {
    index: i32,
    records: i64,
    bytes: u64,
    /// A promise of the offsets, or why there will be none.
    queued: Result<Queued, Refused>,
}

/// Checks every batch and queues those that pass, behind those of the same connection.
pub(super) fn begin(
    broker: &Broker,
    pipeline: &mut Pipeline,
    request: ProduceRequest,
    version: i16,
) -> Produce {
    let state = broker.controller.state();
    let ProduceRequest { transactional_id, acks, timeout_ms, topic_data } = request;
    let refuse_all = if !(ACKS_ALL..=1).contains(&acks) {
        Some((ErrorCode::INVALID_REQUIRED_ACKS, "acks is 0, 1 or -1"))
    } else {
        transactional_id
            .map(|_| (ErrorCode::INVALID_TXN_STATE, "transactions are not served by this version"))
    };
    let begin = |data: TopicProduceData| {
        let TopicProduceData { name, topic_id, partition_data } = data;
        let named = TopicRef::new(version >= TOPIC_IDS_FROM, &name, topic_id);
        let topic = match refuse_all {
            Some((code, message)) => Err((code, Some(message.to_owned()))),
            None => named.resolve(&state).map_err(|code| (code, None)),
        };
        let known_id = topic.as_ref().ok().map(|topic| topic.id);
        let request = Request { broker, state: &state, version, acks };
        let partitions = partition_data.into_iter().map(|data| {
            begin_partition(&request, pipeline, &named, topic.as_ref().map(|topic| &***topic), data)
        });
        ProduceTopic { name, topic_id, known_id, partitions: partitions.collect() }
    };
    Produce {
        acks,
        timeout: Duration::from_millis(u64::try_from(timeout_ms).unwrap_or_default()),
        topics: topic_data.into_iter().map(begin).collect(),
    }
}

/// What all partitions of a request have in common.
struct Request<'a> {
    broker: &'a Broker,
    state: &'a ClusterState,
    version: i16,
    acks: i16,
}

fn begin_partition(
    request: &Request<'_>,
    pipeline: &mut Pipeline,
    named: &TopicRef,
    topic: Result<&Topic, &(ErrorCode, Option<String>)>,
    data: PartitionProduceData,
) -> ProducePartition {
    let PartitionProduceData { index, records } = data;
    let records = records.unwrap_or_default();
    let (bytes, now) = (records.len() as u64, request.broker.clock.uptime());
    let sent = || Sent::read(named, index, &records);
    let behind = match pipeline.is_empty() {
        true => None,
        false => sent().and_then(|sent| pipeline.behind(&sent, now)),
    };
    let mut count = 0;
    let queued = match topic {
        Err((code, message)) => Err(Refused::new(*code, message.clone())),
        Ok(topic) => queue(request, topic, index, records.clone(), &mut count),
    };
    if let Err(refused) = &queued
        && let Some(sent) = sent()
    {
        pipeline.note(sent, refused, now);
    }
    ProducePartition {
        index,
        records: count,
        bytes,
        queued: queued.map(|queued| Queued { behind, ..queued }),
    }
}

fn queue(
    request: &Request<'_>,
    topic: &Topic,
    index: i32,
    records: Bytes,
    count: &mut i64,
) -> Result<Queued, Refused> {
    let broker = request.broker;
    if topic_config::is_internal(&topic.name) {
        let message = "only the server itself writes to this topic".to_owned();
        return Err(Refused::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
    }
    let led = partition::led(broker, topic, index, -1).map_err(|code| Refused {
        current_leader: refused::current_leader(topic, index, code),
        ..Refused::new(code, None)
    })?;
    let batch = only_batch(records, request.version)?;
    Rules::of(broker, request.state, topic).check(&batch)?;
    *count = i64::from(batch.header.record_count);
    append(request, topic, led, batch)
}

/// Queues the batch, if this node still leads and, for `acks=all`, enough replicas are in sync (`min.insync.replicas`).
fn append(request: &Request<'_>, topic: &Topic, led: Led, batch: RecordBatch) -> Result<Queued, Refused> {
    let broker = request.broker;
    let needed = match request.acks {
        ACKS_ALL => broker.settings.node.min_insync_replicas(request.state, topic),
        _ => 0,
    };
    let min_in_sync = usize::try_from(needed).unwrap_or_default();
    let (id, now_ms) = (led.id, broker.clock.now_ms());
    let queue = || broker.storage.append(id, batch, led.leader_epoch, now_ms);
    let appended = led.partition.isr().append(led.leader_epoch, min_in_sync, queue);
    let (place, appended) = appended.map_err(|why| refused::not_appended(why, needed))?.split();
    Ok(Queued { led, place: place?, appended, behind: None })
}

/// The one batch that a produce carries for a partition, checked.
fn only_batch(mut records: Bytes, version: i16) -> Result<RecordBatch, Refused> {
    let invalid = |message: &str| Refused::new(ErrorCode::INVALID_RECORD, message.to_owned());
    if records.is_empty() {
        return Err(invalid("a produce carries exactly one record batch for each partition, this one none"));
    }
    let batch = RecordBatch::read(&mut records)?;
    if !records.is_empty() {
        return Err(invalid("a produce carries exactly one record batch for each partition"));
    }
    batch.validate()?;
    if batch.header.is_control() {
        return Err(invalid("clients cannot write control batches"));
    }
    if batch.header.is_transactional() {
        return Err(Refused::new(
            ErrorCode::INVALID_TXN_STATE,
            "transactions are not served by this version".to_owned(),
        ));
    }
    if batch.header.compression() == Compression::Zstd && version < ZSTD_FROM {
        return Err(Refused::new(
            ErrorCode::UNSUPPORTED_COMPRESSION_TYPE,
            "zstd needs produce version 7 or later".to_owned(),
        ));
    }
    Ok(batch)
}

impl Produce {
    /// 0, 1 or -1.
    pub(super) fn acks(&self) -> i16 {
        self.acks
    }

    /// Waits until the log has the batches, or has refused them, or the request's time is up.
    pub(super) async fn finish(self, broker: &Broker) -> ProduceResponse {
        let deadline = broker.clock.uptime() + self.timeout;
        let mut responses = Vec::with_capacity(self.topics.len());
        for ProduceTopic { name, topic_id, known_id, partitions } in self.topics {
            let mut partition_responses = Vec::with_capacity(partitions.len());
            for partition in partitions {
                let acks_all = self.acks == ACKS_ALL;
                let finished = finish_partition(broker, known_id, partition, acks_all, deadline);
                partition_responses.push(finished.await);
            }
            responses.push(TopicProduceResponse { name, topic_id, partition_responses });
        }
        ProduceResponse { responses, ..Default::default() }
    }
}

async fn finish_partition(
    broker: &Broker,
    topic_id: Option<uuid::Uuid>,
    partition: ProducePartition,
    acks_all: bool,
    deadline: Duration,
) -> PartitionProduceResponse {
    let ProducePartition { index, records, bytes, queued } = partition;
    let outcome = match queued {
        Err(refused) => Err(refused),
        Ok(queued) => queued.settle(acks_all, &broker.clock, deadline).await,
    };
    let records = u64::try_from(records).unwrap_or_default();
    let counted = outcome.as_ref().ok().map(|a| if a.duplicate { (0, 0) } else { (records, bytes) });
    broker.metrics.traffic.produced(topic_id, counted);
    match outcome {
        Ok(appended) => {
            if !appended.duplicate {
                broker.metrics.produced_records.inc_by(records);
                broker.metrics.produced_bytes.inc_by(bytes);
            }
            PartitionProduceResponse {
                index,
                base_offset: appended.base_offset,
                log_append_time_ms: appended.log_append_time_ms,
                log_start_offset: appended.log_start_offset,
                ..Default::default()
            }
        }
        Err(Refused { error_code, error_message, current_leader, record_errors }) => {
            PartitionProduceResponse {
                index,
                error_code,
                base_offset: -1,
                record_errors,
                error_message,
                current_leader,
                ..Default::default()
            }
        }
    }
}

/// With `acks=0` there is no answer; a client learns of an error by the end of its connection, as with Kafka.
pub(super) fn without_acknowledgement(response: &ProduceResponse) -> Reply {
    let mut refused = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    match refused.find(|partition| !partition.error_code.is_none()) {
        Some(partition) => {
            Reply::Close(format!("a produce with acks=0 was refused: {}", partition.error_code))
        }
        None => Reply::None,
    }
}
