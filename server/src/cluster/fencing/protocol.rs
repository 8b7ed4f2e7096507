//! What brokers ask whoever leads the metadata, and what they are told: JSON, as commands are.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Kind of the request that renews a lease.
pub(super) const BROKER_HEARTBEAT: u16 = 2;
/// Kind of the request for another leader.
pub(super) const ELECT: u16 = 3;

/// A broker is there (Kafka: `BrokerHeartbeat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct BrokerHeartbeat {
    pub(super) node_id: i32,
    /// The life that it is in.
    pub(super) broker_epoch: i64,
    /// Version of the metadata that it serves.
    pub(super) served_version: i64,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum HeartbeatAnswer {
    /// It has a lease, counted from when it has sent this.
    Granted,
    /// It is fenced, and does not serve yet what has fenced it.
    Fenced,
    /// It is not registered in that broker epoch: it was removed or unregistered, or another broker has its id.
    StaleEpoch,
    /// This node does not lead the metadata, or could not make sure.
    NotController,
}

/// A follower has not heard of the leader of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Elect {
    pub(super) topic_id: Uuid,
    pub(super) partition: i32,
    /// The epoch of the leader that is suspected.
    pub(super) leader_epoch: i32,
}

/// What came of a suspicion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElectAnswer {
    /// The partition is in a newer epoch than the one suspected.
    Led {
        /// Which.
        leader_epoch: i32,
        /// Node id of who leads, if anybody can.
        leader: Option<i32>,
    },
    /// The leader may have a lease: it leads on, unless that ends before the next heartbeat of it comes. Then it is fenced without another word.
    Refused,
    /// There is no such partition, or nobody leads it.
    Unknown,
    /// This node does not lead the metadata.
    NotController,
}
