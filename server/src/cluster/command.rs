//! What can be asked of the cluster's metadata, and what comes of it. A command is one metadata record of the log, as JSON: it can be
//! read with any tool, and a field added later has a default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A change of the metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Command {
    /// Gives the cluster its id, once in its life.
    NameCluster {
        /// The id.
        cluster_id: Uuid,
    },
    /// A broker has started. It gets a new broker epoch, and a new leader epoch in every partition that it leads: it may have sent out what it had not
    /// synced before it stopped.
    RegisterBroker {
        /// `node.id`.
        node_id: i32,
        /// Where clients reach it.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A new topic.
    CreateTopic {
        /// Its name; see [`super::topic_config::validate_name`].
        name: String,
        /// Its id, never used before; a proposal leaves it nil, and the controller chooses it.
        id: Uuid,
        /// For each partition its replicas, the preferred leader first.
        assignment: Vec<Vec<i32>>,
        /// Settings that differ from the broker's.
        configs: BTreeMap<String, String>,
    },
    /// The end of a topic.
    DeleteTopic {
        /// Its id.
        id: Uuid,
    },
    /// Reserves producer ids for a broker.
    AllocateProducerIds {
        /// How many.
        count: i64,
    },
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The cluster has its id.
    Named,
    /// The broker is known under this epoch.
    Registered {
        /// The broker epoch.
        broker_epoch: i64,
    },
    /// The topic exists.
    Created {
        /// Its id.
        id: Uuid,
    },
    /// The topic is gone.
    Deleted {
        /// Its id.
        id: Uuid,
    },
    /// The ids from `first` on, `count` of them, are given to nobody else.
    ProducerIds {
        /// The first.
        first: i64,
        /// How many.
        count: i64,
    },
}

/// Why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The cluster has an id.
    #[error("the cluster already has the id {0}")]
    AlreadyNamed(Uuid),
    /// `TOPIC_ALREADY_EXISTS`
    #[error("topic '{0}' already exists")]
    TopicExists(String),
    /// `UNKNOWN_TOPIC_ID`
    #[error("there is no topic with the id {0}")]
    UnknownTopic(Uuid),
    /// `INVALID_REQUEST`
    #[error("{0}")]
    Invalid(&'static str),
}
