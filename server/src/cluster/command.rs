//! What can be asked of the cluster's metadata, and what comes of it. A command is the data of one entry of the Raft log, as JSON: it can be
//! read with any tool, and a field added later has a default.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits;
use crate::telemetry::Metrics;

/// A change of the metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Command {
    /// Gives the cluster its id, once in its life.
    NameCluster {
        /// The id.
        cluster_id: Uuid,
    },
    /// A broker has started. It gets a new broker epoch, and is a new replica wherever it is one: it may have sent out what it had not synced before it
    /// stopped. So it leaves every in-sync set that has another member, and leads nothing until it is unfenced.
    RegisterBroker {
        /// `node.id`.
        node_id: i32,
        /// Where clients reach it.
        host: String,
        /// Its port.
        port: u16,
        /// `broker.rack`
        #[serde(default)]
        rack: Option<String>,
        /// Where other nodes reach it; `None` if there are none, and will be none.
        #[serde(default)]
        inter_node: Option<Endpoint>,
        /// Of its data directory.
        #[serde(default)]
        directory_id: Uuid,
        /// Drawn by each start of the broker: registering twice in one life is registering once. Nil for a life of its own.
        #[serde(default)]
        incarnation: Uuid,
        /// Whether it is fenced until it serves the metadata. A broker of a version that did not know fencing is not, and goes on leading, in new epochs:
        /// what was made of its commands then must be made of them again.
        #[serde(default)]
        fenced: bool,
    },
    /// A node belongs to the cluster from now on, and is to take part in Raft (`AddRaftVoter`; KIP-853).
    AddNode {
        /// `node.id`.
        node_id: i32,
        /// Of its data directory.
        directory_id: Uuid,
        /// Where the others reach it.
        endpoint: Endpoint,
    },
    /// A node that has no replica any more belongs to the cluster no longer, and nobody will under its id (`RemoveRaftVoter`).
    RemoveNode {
        /// `node.id`.
        node_id: i32,
        /// Of its data directory; `None`: whichever it has.
        directory_id: Option<Uuid>,
    },
    /// Nothing has been heard of a broker for a whole lease: it leads nothing any more (Kafka: `FENCED`).
    FenceBroker {
        /// `node.id`.
        node_id: i32,
        /// In which life; another one is not meant.
        broker_epoch: i64,
    },
    /// A broker is heard of, and serves the metadata: it may lead.
    UnfenceBroker {
        /// `node.id`.
        node_id: i32,
        /// In which life; another one is not meant.
        broker_epoch: i64,
    },
    /// A fenced broker that has no replica is not coming back: nobody waits for it any more.
    UnregisterBroker {
        /// `node.id`.
        node_id: i32,
    },
    /// Other in-sync sets, as the leader of the partitions proposes them (KIP-497). Each change is made or refused by itself.
    AlterPartitions {
        /// Who leads them.
        node_id: i32,
        /// In which life.
        broker_epoch: i64,
        /// The changes.
        changes: Vec<PartitionChange>,
    },
    /// Moves the leadership of partitions (`kafka-leader-election`; KIP-460).
    ElectLeaders {
        /// To whom.
        kind: ElectionKind,
        /// Topic id and index of each; `None` for all there are.
        partitions: Option<Vec<(Uuid, i32)>>,
    },
    /// Other replicas for partitions, or those back that they had (KIP-455). Each is made or refused by itself.
    ReassignPartitions {
        /// Which, and whereto.
        partitions: Vec<Reassignment>,
        /// Whether a partition may have more or fewer replicas than before.
        allow_replication_factor_change: bool,
    },
    /// A new topic. Its replicas on brokers that are fenced are not in sync.
    CreateTopic {
        /// Its name; see [`super::topic_config::validate_name`].
        name: String,
        /// Its id, never used before; nil for one that is made of the cluster's id and the state's version.
        id: Uuid,
        /// For each partition its replicas, the preferred leader first.
        assignment: Vec<Vec<i32>>,
        /// Settings that differ from the broker's.
        configs: BTreeMap<String, String>,
    },
    /// More partitions for a topic.
    CreatePartitions {
        /// Its id.
        id: Uuid,
        /// How many it has: refused if that is no longer so.
        present: usize,
        /// For each new partition its replicas, the preferred leader first.
        assignment: Vec<Vec<i32>>,
    },
    /// The end of a topic.
    DeleteTopic {
        /// Its id.
        id: Uuid,
    },
    /// Other settings for a topic or for brokers.
    AlterConfigs {
        /// Whose.
        resource: ConfigResource,
        /// What it has: refused if that is no longer so, since the new ones were made from it.
        replaces: BTreeMap<String, String>,
        /// What it is to have, all of it.
        configs: BTreeMap<String, String>,
    },
    /// Reserves producer ids for a broker.
    AllocateProducerIds {
        /// How many.
        count: i64,
    },
}

/// A command as the log has it, with what it was proposed under. It is decided by what the entry says: a node of a later version, with another bound, must come to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal<C = Command> {
    /// What is asked for.
    #[serde(flatten)]
    pub command: C,
    /// How many partitions the cluster may have then; `None` for what adds none, and for what was proposed before there was a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_partitions: Option<usize>,
}

impl<'a> Proposal<&'a Command> {
    /// Under the bounds of this version.
    pub fn new(command: &'a Command) -> Self {
        let adds = matches!(command, Command::CreateTopic { .. } | Command::CreatePartitions { .. });
        Self { command, max_partitions: adds.then_some(limits::MAX_PARTITIONS) }
    }
}

/// Another in-sync set for a partition. It is made only if the leader epoch and the partition epoch are what they were when it was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionChange {
    /// The topic's id.
    pub topic_id: Uuid,
    /// Index of the partition.
    pub partition: i32,
    /// The epoch of the leader who proposes it.
    pub leader_epoch: i32,
    /// What it rests on.
    pub partition_epoch: i32,
    /// Node ids of the in-sync replicas, each with the broker epoch in which it was seen in sync (KIP-903).
    #[serde(with = "pairs")]
    pub in_sync: BTreeMap<i32, i64>,
}

/// Other replicas for a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reassignment {
    /// The topic's id.
    pub topic_id: Uuid,
    /// Index of the partition.
    pub partition: i32,
    /// Node ids, the preferred leader first; `None` for those that it had before the reassignment under way.
    pub replicas: Option<Vec<i32>>,
}

/// What became of the reassignment of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reassigned {
    /// It is under way, or done, or taken back, as asked for.
    Accepted,
    /// `NO_REASSIGNMENT_IN_PROGRESS`
    NoneInProgress,
    /// `UNKNOWN_TOPIC_OR_PARTITION`
    UnknownPartition,
    /// `INVALID_REPLICATION_FACTOR`
    OtherFactor {
        /// How many replicas the partition has.
        present: usize,
        /// How many were asked for.
        asked: usize,
    },
    /// `INVALID_REPLICA_ASSIGNMENT`
    Invalid(String),
}

/// Who is to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElectionKind {
    /// The first of the replicas.
    Preferred,
    /// Anybody, where there is no leader: a replica that is not in sync too. What it has not got is lost.
    Unclean,
}

/// What became of the election of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Election {
    /// It has another leader.
    Elected,
    /// `ELECTION_NOT_NEEDED`
    NotNeeded,
    /// `PREFERRED_LEADER_NOT_AVAILABLE`: fenced or not in sync.
    PreferredNotAvailable,
    /// `ELIGIBLE_LEADERS_NOT_AVAILABLE`: all replicas are fenced.
    NobodyEligible,
    /// `UNKNOWN_TOPIC_OR_PARTITION`
    UnknownPartition,
}

/// How many partitions have another leader, or none any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Led by another replica, which was in sync.
    pub elected: usize,
    /// Led by one that was not.
    pub unclean: usize,
    /// Led by nobody any more.
    pub leaderless: usize,
}

/// Host and port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// What has settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigResource {
    /// A topic, by its id.
    Topic(Uuid),
    /// A broker by its node id, or all of them: [`super::state::EVERY_BROKER`].
    Broker(String),
}

/// What a command did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applied {
    /// The cluster has its id.
    Named,
    /// The broker is known under this epoch.
    Registered {
        /// The broker epoch.
        broker_epoch: i64,
        /// What it led before.
        moved: Moved,
    },
    /// The broker leads nothing any more.
    Fenced {
        /// What it led.
        moved: Moved,
    },
    /// The broker may lead.
    Unfenced {
        /// What nobody led.
        moved: Moved,
    },
    /// The broker is not known any more.
    Unregistered,
    /// The node belongs to the cluster.
    NodeAdded,
    /// The node does not.
    NodeRemoved,
    /// The changes were made, but these.
    PartitionsAltered {
        /// Topic id and index of each partition whose change was refused: what it rested on is not so any more.
        refused: Vec<(Uuid, i32)>,
    },
    /// The elections were held.
    LeadersElected {
        /// To whom.
        kind: ElectionKind,
        /// Of each partition that was named; if all were meant, of those that needed one.
        elections: Vec<(Uuid, i32, Election)>,
    },
    /// Each reassignment, as it was accepted or refused.
    PartitionsReassigned {
        /// Of each partition that was named, in that order.
        outcomes: Vec<(Uuid, i32, Reassigned)>,
    },
    /// The topic exists.
    Created {
        /// Its id.
        id: Uuid,
    },
    /// The topic has more partitions.
    PartitionsCreated {
        /// Its id.
        id: Uuid,
    },
    /// There are other settings.
    ConfigsAltered {
        /// Whose.
        resource: ConfigResource,
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

impl Applied {
    /// Counts the leaders that came to lead by this, by why. To be called where it was proposed, and there only.
    pub(super) fn count_elections(&self, metrics: &Metrics) {
        let (reason, moved) = match self {
            Self::Registered { moved, .. } => ("register", *moved),
            Self::Fenced { moved } => ("fence", *moved),
            Self::Unfenced { moved } => ("unfence", *moved),
            Self::LeadersElected { kind, elections } => {
                let held = elections.iter().filter(|(.., election)| *election == Election::Elected).count();
                match kind {
                    ElectionKind::Preferred => ("preferred", Moved { elected: held, ..Moved::default() }),
                    ElectionKind::Unclean => ("unclean", Moved { unclean: held, ..Moved::default() }),
                }
            }
            _ => return,
        };
        metrics.leaders_elected(reason, moved.elected);
        metrics.leaders_elected("unclean", moved.unclean);
    }
}

/// Why a command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
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
    /// `INVALID_PARTITIONS`
    #[error("the topic has {0} partitions by now")]
    PartitionsChanged(usize),
    /// `INVALID_PARTITIONS`
    #[error(
        "the cluster has {present} partitions, and with {added} more it would have more than {max}, which is what its metadata has room for: ask for fewer, or delete topics"
    )]
    TooManyPartitions {
        /// How many the cluster has.
        present: usize,
        /// How many more were asked for.
        added: usize,
        /// How many it may have.
        max: usize,
    },
    /// Somebody else has altered the settings meanwhile: to be tried again from what they are now.
    #[error("the settings have been altered meanwhile")]
    ConfigsChanged,
    /// `STALE_BROKER_EPOCH`
    #[error("node {node_id} is not registered in broker epoch {broker_epoch}")]
    StaleBrokerEpoch {
        /// `node.id`
        node_id: i32,
        /// The broker epoch that was named.
        broker_epoch: i64,
    },
    /// `BROKER_ID_NOT_REGISTERED`
    #[error("no node {0} is registered")]
    UnknownBroker(i32),
    /// A data directory was lost, or two nodes have one id.
    #[error(
        "node {node_id} is known with the data directory {known}, and this is another one. If the directory is lost, take the node out with 'chronik-server cluster \
         remove-node {node_id}' and let it come back as a node with an id that nobody has had ('start --join'); if another machine is node {node_id}, choose another node.id"
    )]
    AnotherDirectory {
        /// `node.id`
        node_id: i32,
        /// Of the directory that it has.
        known: Uuid,
    },
    /// Its id was given back, and is not used again.
    #[error(
        "node {0} was removed from this cluster, and its id is not used again: start it on an empty data directory with a node.id that nobody has had"
    )]
    RemovedNode(i32),
    /// `VOTER_NOT_FOUND`
    #[error("no node {0} belongs to this cluster ('chronik-server cluster status' lists those that do)")]
    UnknownNode(i32),
    /// `INVALID_REQUEST`
    #[error("{0}")]
    Invalid(Cow<'static, str>),
}

/// A map by numbers as a list of pairs: inside a tagged command, serde takes the keys of a JSON object for strings and nothing else.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(map: &BTreeMap<i32, i64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<i32, i64>, D::Error> {
        Ok(Vec::deserialize(from)?.into_iter().collect())
    }
}
