//! Fetch: reads segments up to the high watermark, and waits until there is enough to read.

use std::time::Duration;

use chronik_kafka::message::fetch::{
    EpochEndOffset, FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData,
};
use chronik_kafka::{ErrorCode, Records, Str};
use chronik_log::{ReadError, Region};
use concurrency_models::budget::Reservation;
use concurrency_models::publication::Readable;
use futures_util::stream::{FuturesUnordered, StreamExt};
use uuid::Uuid;

use super::Broker;
use super::error::KafkaError;
use super::fetch_partition::read_partition;
use super::fetch_session::{FetchSessions, Plan, Target, Told};
use super::partition::{self, Led, TopicRef};
use super::preferred_replica;
use crate::cluster::{ClusterState, Topic};
use crate::shutdown::Shutdown;

/// First version that names topics by id (KIP-516).
const TOPIC_IDS_FROM: i16 = 13;
/// `isolation_level` that leaves out aborted transactions.
const READ_COMMITTED: i8 = 1;
/// `preferred_read_replica` of who should go on reading here.
const LEADER: i32 = -1;

/// An answer, the memory that its records take, and the records that are left in their files.
#[derive(Default)]
pub(super) struct Fetched {
    pub(super) response: FetchResponse,
    pub(super) memory: Option<Reservation>,
    /// A hole's id is its region's place in here.
    pub(super) regions: Vec<Region>,
}

/// Carries out a fetch. It waits for records no longer than until the consumer is `gone`.
pub(super) async fn fetch(
    broker: &Broker,
    request: FetchRequest,
    version: i16,
    sessions: &mut FetchSessions,
    (delivery, gone): (Delivery, &Shutdown),
) -> Fetched {
    let by_id = version >= TOPIC_IDS_FROM;
    let plan = match sessions.plan(&request, by_id, broker.settings.fetch_sessions) {
        Ok(plan) => plan,
        Err(error_code) => {
            let response = FetchResponse { error_code, ..Default::default() };
            return Fetched { response, ..Fetched::default() };
        }
    };
    let wait = Wait::new(broker, &request, delivery, gone);
    let (mut reads, memory) = read_until_enough(broker, &plan.targets, &wait).await;
    let fetched: usize = reads.iter().map(Read::bytes).sum();
    broker.metrics.fetched_bytes.inc_by(fetched as u64);
    for read in &reads {
        let bytes = read.data.error_code.is_none().then(|| read.bytes() as u64);
        broker.metrics.traffic.fetched(read.topic_id, bytes);
    }
    let regions = number_regions(&mut reads);
    Fetched { response: respond(plan, reads, sessions), memory, regions }
}

/// Takes the regions out, and gives each hole the place of its own.
fn number_regions(reads: &mut [Read]) -> Vec<Region> {
    let mut regions = Vec::new();
    for read in reads {
        if let (Some(Records::Elsewhere(hole)), Some(region)) = (&mut read.data.records, read.region.take()) {
            hole.id = regions.len();
            regions.push(region);
        }
    }
    regions
}

/// How records reach the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// From memory.
    Memory,
    /// The kernel may send them from their file.
    Files,
}

/// How much a consumer wants, and how long it waits for it.
struct Wait<'a> {
    min_bytes: usize,
    max_bytes: usize,
    /// In terms of the clock's uptime.
    deadline: Duration,
    read_committed: bool,
    delivery: Delivery,
    /// Where the consumer stands, if it says so.
    rack: Option<Str>,
    /// Requested when the consumer has closed its connection.
    gone: &'a Shutdown,
}

impl<'a> Wait<'a> {
    fn new(broker: &Broker, request: &FetchRequest, delivery: Delivery, gone: &'a Shutdown) -> Self {
        let bytes = |value: i32| usize::try_from(value).unwrap_or_default();
        let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or_default());
        Self {
            min_bytes: bytes(request.min_bytes),
            max_bytes: bytes(request.max_bytes).min(broker.settings.fetch_max_bytes),
            deadline: broker.clock.uptime() + max_wait,
            read_committed: request.isolation_level == READ_COMMITTED,
            delivery,
            rack: Some(request.rack_id.clone()).filter(|rack| !rack.is_empty()),
            gone,
        }
    }

    /// Whether the answer can only be what there is now.
    fn is_in_vain(&self, broker: &Broker) -> bool {
        broker.shutdown.is_requested() || self.gone.is_requested()
    }
}

/// What came of reading one partition.
struct Read {
    data: PartitionData,
    /// The topic, if there is one.
    topic_id: Option<Uuid>,
    /// Where the records are, if they are not in `data`.
    region: Option<Region>,
    /// The partition and the position up to which it has been looked at; `None` after an error.
    seen: Option<(Led, i64)>,
}

impl Read {
    fn error(topic_id: Option<Uuid>, index: i32, error_code: ErrorCode) -> Self {
        let data =
            PartitionData { partition_index: index, error_code, high_watermark: -1, ..Default::default() };
        let data = PartitionData { records: Some(Records::default()), ..data };
        Self { data, topic_id, region: None, seen: None }
    }

    /// The consumer is to read from another replica: it gets nothing here.
    fn elsewhere(topic_id: Option<Uuid>, index: i32, preferred_read_replica: i32, led: Led) -> Self {
        let Readable { view, high_watermark } = led.partition.read();
        let data = PartitionData {
            partition_index: index,
            high_watermark,
            last_stable_offset: high_watermark,
            log_start_offset: view.log_start_offset(),
            preferred_read_replica,
            records: Some(Records::default()),
            ..Default::default()
        };
        Self { data, topic_id, region: None, seen: Some((led, high_watermark)) }
    }

    fn bytes(&self) -> usize {
        self.data.records.as_ref().map_or(0, Records::len)
    }

    fn bytes_in_memory(&self) -> usize {
        if self.region.is_some() { 0 } else { self.bytes() }
    }

    /// Whether the client should hear of it at once.
    fn is_final(&self) -> bool {
        self.seen.is_none()
            || self.data.preferred_read_replica != LEADER
            || self.data.diverging_epoch != EpochEndOffset::default()
    }
}

/// Reads again and again until there is enough, or something went wrong, or the time is up.
async fn read_until_enough(
    broker: &Broker,
    targets: &[Target],
    wait: &Wait<'_>,
) -> (Vec<Read>, Option<Reservation>) {
    loop {
        // The most that may come, then what did come: the rest goes back before the socket is waited for.
        let mut memory =
            broker.response_memory.reserve(wait.max_bytes.min(broker.response_memory.total())).await.ok();
        let state = broker.controller.state();
        let reads = read_all(broker, &state, targets, wait).await;
        let bytes: usize = reads.iter().map(Read::bytes).sum();
        if let Some(memory) = &mut memory {
            memory.shrink_to(reads.iter().map(Read::bytes_in_memory).sum());
        }
        let enough = bytes >= wait.min_bytes
            || reads.iter().any(Read::is_final)
            || reads.is_empty() && wait.min_bytes == 0;
        if enough || broker.clock.uptime() >= wait.deadline || wait.is_in_vain(broker) {
            return (reads, memory);
        }
        drop(memory);
        wait_for_news(broker, reads, wait).await;
    }
}

/// Returns when a partition has grown past what has been seen of it, or is gone, or the time is up, or nobody waits any more.
async fn wait_for_news(broker: &Broker, reads: Vec<Read>, wait: &Wait<'_>) {
    let seen: Vec<(Led, i64)> = reads.into_iter().filter_map(|read| read.seen).collect();
    let mut grown: FuturesUnordered<_> =
        seen.iter().map(|(led, position)| led.partition.readable_to(position + 1)).collect();
    let left = wait.deadline.saturating_sub(broker.clock.uptime());
    tokio::select! {
        biased;
        Some(_) = grown.next() => {}
        () = broker.shutdown.requested() => {}
        () = wait.gone.requested() => {}
        () = broker.clock.sleep(left) => {}
    }
}

async fn read_all(broker: &Broker, state: &ClusterState, targets: &[Target], wait: &Wait<'_>) -> Vec<Read> {
    let mut left = wait.max_bytes;
    let mut first = true;
    let mut reads = Vec::with_capacity(targets.len());
    for target in targets {
        let mut read = read_target(broker, state, target, left, first, wait).await;
        let bytes = read.bytes();
        if !first && bytes > left {
            // One batch may exceed the limit, but only the first (KIP-74).
            (read.data.records, read.region) = (Some(Records::default()), None);
        }
        first &= bytes == 0;
        left = left.saturating_sub(read.bytes());
        reads.push(read);
    }
    reads
}

async fn read_target(
    broker: &Broker,
    state: &ClusterState,
    target: &Target,
    left: usize,
    first: bool,
    wait: &Wait<'_>,
) -> Read {
    let request = &target.request;
    let topic = target.topic.resolve(state);
    let topic_id = topic.as_ref().ok().map(|topic| topic.id);
    let may_be_a_follower = wait.rack.is_some();
    let led = topic.and_then(|topic| {
        let find = if may_be_a_follower { partition::led_or_followed } else { partition::led };
        let led = find(broker, topic, request.partition, request.current_leader_epoch)?;
        Ok((elsewhere(broker, state, topic, request.partition, wait), led))
    });
    let led = match led {
        Ok((Some(preferred), led)) => return Read::elsewhere(topic_id, request.partition, preferred, led),
        Ok((None, led)) => led,
        Err(code) => return Read::error(topic_id, request.partition, code),
    };
    let wanted = usize::try_from(request.partition_max_bytes).unwrap_or_default().min(left);
    let max_bytes = if wanted == 0 && !first { None } else { Some(wanted) };
    match read_partition(broker, &led, request, max_bytes, wait.delivery).await {
        Err(error) => {
            if matches!(error, ReadError::Corrupt { .. } | ReadError::Io(_)) {
                tracing::error!(partition = %led.id, %error, "a read failed");
            }
            let mut read = Read::error(topic_id, request.partition, error.code());
            read.data.log_start_offset = led.partition.read().view.log_start_offset();
            read
        }
        Ok((mut data, region)) => {
            data.aborted_transactions = wait.read_committed.then(Vec::new);
            let seen = data.high_watermark;
            Read { data, topic_id, region, seen: Some((led, seen)) }
        }
    }
}

/// The replica that the consumer should read from, if that is not this one.
fn elsewhere(
    broker: &Broker,
    state: &ClusterState,
    topic: &Topic,
    index: i32,
    wait: &Wait<'_>,
) -> Option<i32> {
    let rack = wait.rack.as_ref().filter(|_| broker.settings.rack_aware_reads)?;
    let known = topic.partition(index).filter(|known| known.leader == Some(broker.node_id))?;
    preferred_replica::in_rack(state, known, rack)
}

fn respond(plan: Plan, reads: Vec<Read>, sessions: &mut FetchSessions) -> FetchResponse {
    let Plan { targets, session_id, incremental } = plan;
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    let mut last_topic: Option<TopicRef> = None;
    for (target, Read { data, .. }) in targets.into_iter().zip(reads) {
        let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty())
            || data.preferred_read_replica != LEADER;
        let told = data
            .error_code
            .is_none()
            .then_some(Told { high_watermark: data.high_watermark, log_start_offset: data.log_start_offset });
        let news = sessions.tell(&target.topic, data.partition_index, told, has_records);
        if incremental && !news {
            continue;
        }
        if last_topic.as_ref() != Some(&target.topic) {
            responses.push(topic_response(&target.topic));
            last_topic = Some(target.topic);
        }
        if let Some(response) = responses.last_mut() {
            response.partitions.push(data);
        }
    }
    FetchResponse { session_id, responses, ..Default::default() }
}

fn topic_response(topic: &TopicRef) -> FetchableTopicResponse {
    match topic {
        TopicRef::Name(name) => FetchableTopicResponse { topic: name.clone(), ..Default::default() },
        TopicRef::Id(id) => FetchableTopicResponse { topic_id: *id, ..Default::default() },
    }
}
