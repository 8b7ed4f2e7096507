//! What a request means: one file per API.
//!
//! A request has two halves. [`Broker::begin`] runs in the order in which requests come off a connection and does what must keep that order: a produce gets
//! its place in the log. [`Broker::finish`] runs when every earlier request of the connection has been answered, and may take its time.

mod add_raft_voter;
mod administration;
mod alter_configs;
mod alter_partition_reassignments;
mod api_versions;
mod config_changes;
mod config_resource;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod elect_leaders;
mod error;
mod fetch;
mod fetch_partition;
mod fetch_session;
mod find_coordinator;
mod groups;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod membership;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod outcome;
mod partition;
mod pipeline;
mod preferred_replica;
mod produce;
pub mod producer_ids;
mod queued;
mod record_rules;
mod refused;
mod remove_raft_voter;
mod sync_group;
mod timestamps;
mod unregister_broker;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chronik_kafka::message::{RequestBody, ResponseBody};
use chronik_kafka::{ApiKey, DecodeError, RequestHeader, Segments};
use chronik_log::{Disk, Region};
use concurrency_models::budget::{Budget, Reservation};

pub use fetch::Delivery;
pub use fetch_session::FetchSessions;
pub use pipeline::Pipeline;

use crate::clock::Clock;
use crate::cluster::{Controller, NodeSettings};
use crate::group::GroupCoordinator;
use crate::shutdown::Shutdown;
use crate::spawn::Spawner;
use crate::storage::Storage;
use crate::telemetry::Metrics;
use producer_ids::ProducerIds;

/// Carries requests out. Clones are the same broker.
#[derive(Clone)]
pub struct Broker(Arc<Parts>);

/// What requests are carried out with.
pub struct Parts {
    /// `node.id`
    pub node_id: i32,
    /// Reads and writes partitions.
    pub storage: Storage,
    /// Reads and changes the metadata.
    pub controller: Controller,
    /// Keeps consumer groups.
    pub groups: GroupCoordinator,
    /// Knows how much room there is.
    pub disk: Arc<dyn Disk>,
    /// Gives producer ids.
    pub producer_ids: ProducerIds,
    /// What time it is.
    pub clock: Clock,
    /// Where a read may wait for the disk.
    pub spawner: Spawner,
    /// What is counted.
    pub metrics: Metrics,
    /// Ends long polls.
    pub shutdown: Shutdown,
    /// Memory of requests from their first byte to their answer.
    pub request_memory: Budget,
    /// Memory of records on their way to consumers.
    pub response_memory: Budget,
    /// What the configuration says.
    pub settings: Settings,
}

/// The part of the configuration that decides what requests mean.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `auto.create.topics.enable`
    pub auto_create_topics: bool,
    /// `delete.topic.enable`
    pub delete_topics: bool,
    /// `num.partitions`
    pub num_partitions: i32,
    /// `default.replication.factor`
    pub default_replication_factor: i16,
    /// `fetch.max.bytes`
    pub fetch_max_bytes: usize,
    /// `replica.selector.class` is the one that minds racks.
    pub rack_aware_reads: bool,
    /// `max.incremental.fetch.session.cache.slots` is not zero.
    pub fetch_sessions: bool,
    /// What a topic's own settings are laid over.
    pub node: NodeSettings,
    /// The data directory, as an absolute path.
    pub log_dir: String,
    /// `cluster.id`, where it is given.
    pub cluster_id: Option<String>,
}

/// A request that has its place among the others of its connection.
pub struct Begun {
    header: RequestHeader,
    work: Work,
    started: Duration,
    peer: IpAddr,
    /// Held until the answer has been encoded: the answer borrows from the frame.
    memory: Reservation,
}

/// Who asks.
struct Caller<'a> {
    /// The client's name.
    client_id: Option<&'a chronik_kafka::Str>,
    peer: IpAddr,
    /// Uttered when nobody reads the answer any more.
    gone: &'a Shutdown,
}

enum Work {
    Produce(produce::Produce),
    Fetch(Box<chronik_kafka::message::FetchRequest>),
    Other(Box<RequestBody>),
    /// A version of ApiVersions that we do not know is answered in version 0 (KIP-511).
    UnknownApiVersions,
}

/// What goes back.
pub enum Reply {
    /// Nothing: a produce with `acks=0`.
    None,
    /// These bytes.
    Bytes {
        /// The frame.
        segments: Segments,
        /// What its holes are to be filled with, by their ids.
        regions: Vec<Region>,
        /// Held until they are written.
        memory: Option<Reservation>,
    },
    /// The end of the connection: there is no other way to tell the client.
    Close(String),
}

/// Why a request ends its connection: what it is cannot be understood, so neither can what follows.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Header or body is malformed.
    #[error("bad request: {0}")]
    Decode(#[from] DecodeError),
    /// It decodes to more than there is memory for.
    #[error(
        "a request that takes {bytes} bytes decoded, but the memory for requests is used up (queued.max.bytes)"
    )]
    Memory {
        /// Bytes of frame and decoded request.
        bytes: usize,
    },
    /// A version that is not advertised.
    #[error("bad request: {api:?} has no version {version} here")]
    UnsupportedVersion {
        /// Which API.
        api: ApiKey,
        /// The version asked for.
        version: i16,
    },
}

/// Makes `memory` what the request takes.
fn charge(memory: &mut Reservation, bytes: usize) -> Result<(), RequestError> {
    memory.shrink_to(bytes);
    let missing = bytes - memory.bytes();
    if missing > 0 && !memory.try_grow(missing) {
        return Err(RequestError::Memory { bytes });
    }
    Ok(())
}

impl Deref for Broker {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Broker {
    /// A broker of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Decodes a request and does what must be done in order, with what the requests before it on the same connection have come to.
    ///
    /// # Errors
    /// The frame is not a request that we know: the connection must end.
    pub fn begin(
        &self,
        pipeline: &mut Pipeline,
        mut frame: Bytes,
        mut memory: Reservation,
        peer: IpAddr,
    ) -> Result<Begun, RequestError> {
        let (started, frame_bytes) = (self.clock.uptime(), frame.len());
        self.metrics.request_bytes.inc_by(frame_bytes as u64);
        let header = RequestHeader::decode(&mut frame)?;
        let (api, version) = (header.api, header.version);
        tracing::trace!(%peer, ?api, version, correlation_id = header.correlation_id, "request");
        let work = if api_versions::SERVED.contains(&api) && api.versions().contains(version) {
            let (body, heap_bytes) = RequestBody::decode_measured(api, version, &frame)?;
            charge(&mut memory, frame_bytes + heap_bytes)?;
            self.begin_work(pipeline, body, version)
        } else if api == ApiKey::ApiVersions {
            Work::UnknownApiVersions
        } else {
            return Err(RequestError::UnsupportedVersion { api, version });
        };
        Ok(Begun { header, work, started, peer, memory })
    }

    fn begin_work(&self, pipeline: &mut Pipeline, body: RequestBody, version: i16) -> Work {
        match body {
            RequestBody::Produce(request) => Work::Produce(produce::begin(self, pipeline, request, version)),
            RequestBody::Fetch(request) => Work::Fetch(Box::new(request)),
            other => Work::Other(Box::new(other)),
        }
    }

    /// Carries a request out and gives its answer.
    ///
    /// What may wait for long ends when the client is `gone`.
    pub async fn finish(
        &self,
        begun: Begun,
        sessions: &mut FetchSessions,
        delivery: Delivery,
        gone: &Shutdown,
    ) -> Reply {
        let Begun { header, work, started, peer, memory: request_memory } = begun;
        let (api, mut version) = (header.api, header.version);
        let (mut memory, mut regions) = (None, Vec::new());
        let body = match work {
            Work::Produce(produce) => {
                let acks = produce.acks();
                let response = produce.finish(self).await;
                if acks == 0 {
                    self.count(api, &response.clone().into(), started);
                    return produce::without_acknowledgement(&response);
                }
                response.into()
            }
            Work::Fetch(request) => {
                let fetched = fetch::fetch(self, *request, version, sessions, (delivery, gone)).await;
                (memory, regions) = (fetched.memory, fetched.regions);
                fetched.response.into()
            }
            Work::Other(request) => {
                let caller = Caller { client_id: header.client_id.as_ref(), peer, gone };
                self.answer(*request, version, &caller).await
            }
            Work::UnknownApiVersions => {
                version = 0;
                api_versions::unsupported().into()
            }
        };
        self.count(api, &body, started);
        drop(request_memory);
        match body.frame(header.correlation_id, version) {
            Ok(segments) => {
                self.metrics.response_bytes.inc_by(segments.total_len() as u64);
                Reply::Bytes { segments, regions, memory }
            }
            Err(error) => {
                Reply::Close(format!("{api:?} version {version} cannot express the answer: {error}"))
            }
        }
    }

    async fn answer(&self, request: RequestBody, version: i16, caller: &Caller<'_>) -> ResponseBody {
        match request {
            RequestBody::ApiVersions(request) => api_versions::api_versions(self, &request, version).into(),
            RequestBody::Metadata(request) => metadata::metadata(self, request, version).await.into(),
            RequestBody::ListOffsets(request) => {
                list_offsets::list_offsets(self, request, version).await.into()
            }
            RequestBody::CreateTopics(request) => create_topics::create_topics(self, request).await.into(),
            RequestBody::DeleteTopics(request) => {
                delete_topics::delete_topics(self, request, version).await.into()
            }
            RequestBody::InitProducerId(request) => {
                init_producer_id::init_producer_id(self, request).await.into()
            }
            RequestBody::FindCoordinator(request) => {
                find_coordinator::find_coordinator(self, request, version).await.into()
            }
            RequestBody::OffsetForLeaderEpoch(request) => {
                offset_for_leader_epoch::offset_for_leader_epoch(self, request).into()
            }
            other => match groups::answer(self, other, version, caller).await {
                Ok(response) => response,
                Err(other) => administration::answer(self, *other, version).await,
            },
        }
    }

    fn count(&self, api: ApiKey, response: &ResponseBody, started: Duration) {
        let error = outcome::first_error(response).name().unwrap_or("UNKNOWN");
        self.metrics.request_done(api.name(), error, self.clock.uptime() - started);
    }
}
