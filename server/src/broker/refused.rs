//! Why a batch did not get into the log, as its producer is told.

use chronik_kafka::message::produce::{BatchIndexAndErrorMessage, LeaderIdAndEpoch};
use chronik_kafka::{ErrorCode, Str};
use concurrency_models::epoch::{Leadership, Role};
use concurrency_models::isr::{NotAppended, NotCommitted};

use super::error::KafkaError;
use super::record_rules::Rejected;
use crate::cluster::Topic;

/// Why a batch did not get into the log.
#[derive(Clone)]
pub(super) struct Refused {
    pub(super) error_code: ErrorCode,
    pub(super) error_message: Option<Str>,
    pub(super) current_leader: LeaderIdAndEpoch,
    pub(super) record_errors: Vec<BatchIndexAndErrorMessage>,
}

impl Refused {
    pub(super) fn new(error_code: ErrorCode, message: impl Into<Option<String>>) -> Self {
        let error_message = message.into().map(Str::from);
        let current_leader = LeaderIdAndEpoch::default();
        Self { error_code, error_message, current_leader, record_errors: Vec::new() }
    }
}

impl<E: KafkaError + std::fmt::Display> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Rejected> for Refused {
    fn from(Rejected { error_code, message, record_errors }: Rejected) -> Self {
        Self { record_errors, ..Self::new(error_code, message) }
    }
}

pub(super) fn not_appended(why: NotAppended, needed: i64) -> Refused {
    match why {
        NotAppended::NotLeader(now) => not_leader(now),
        NotAppended::NotEnoughReplicas { in_sync } => {
            let message = format!("{in_sync} replicas are in sync, min.insync.replicas is {needed}");
            Refused::new(ErrorCode::NOT_ENOUGH_REPLICAS, message)
        }
    }
}

/// The batch is in the log.
pub(super) fn not_committed(why: NotCommitted, min_in_sync: usize) -> Refused {
    match why {
        NotCommitted::NotLeader(now) => not_leader(now),
        NotCommitted::NotEnoughReplicasAfterAppend { in_sync } => {
            let message =
                format!("the batch is on {in_sync} in-sync replicas, min.insync.replicas is {min_in_sync}");
            Refused::new(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND, message)
        }
    }
}

/// The batch is in this node's log.
pub(super) fn timed_out() -> Refused {
    let message = "the in-sync replicas did not have the batch in time; they may have it later".to_owned();
    Refused::new(ErrorCode::REQUEST_TIMED_OUT, message)
}

fn not_leader(now: Leadership) -> Refused {
    let leader_id = match now.role {
        Role::Follower { leader } => leader,
        Role::Leader | Role::Offline => -1,
    };
    let current_leader = LeaderIdAndEpoch { leader_id, leader_epoch: now.epoch };
    Refused { current_leader, ..Refused::new(ErrorCode::NOT_LEADER_OR_FOLLOWER, None) }
}

/// Whom to ask instead (KIP-951).
pub(super) fn current_leader(topic: &Topic, index: i32, code: ErrorCode) -> LeaderIdAndEpoch {
    match topic.partition(index) {
        Some(partition) if code == ErrorCode::NOT_LEADER_OR_FOLLOWER => LeaderIdAndEpoch {
            leader_id: partition.leader.unwrap_or(-1),
            leader_epoch: partition.leader_epoch,
        },
        _ => LeaderIdAndEpoch::default(),
    }
}
