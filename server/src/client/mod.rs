//! A small Kafka client on our own codec: for the command line, the load generator and black-box tests.
//!
//! ```text
//! Client ─► topics, records ─► Connection ─► writer task ─► socket
//!                                  ▲             └─ what is expected, in order ─► reader task ◄─ socket
//!                                  └──────────────── reply kernel ◄──────────────────┘
//! ```

mod configs;
mod connection;
mod error;
mod groups;
mod join;
mod nodes;
mod pump;
mod quorum;
mod records;
mod topics;
mod versions;

pub use configs::{ConfigChange, ConfigEntry, ConfigOwner};
pub use connection::{Connection, Pending};
pub use error::ClientError;
pub use groups::{CommittedOffset, DescribedGroup, GroupMember, ListedGroup};
pub use join::{JoinError, Joined, Joining};
pub use nodes::{DescribedNode, ElectedLeader};
pub use quorum::{NewVoter, QuorumInfo};
pub use records::{Fetched, Isolation, Offsets, Produced, fetch_request, fetched, produce_request, produced};
pub use topics::{Cluster, NewTopic, PartitionInfo, TopicInfo};

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::HostPort;
use crate::spawn::Spawner;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name that the server sees.
    pub client_id: String,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Requests of one connection that may be under way.
    pub max_in_flight: usize,
    /// Bytes of the largest answer accepted.
    pub max_response_bytes: usize,
    /// Time.
    pub clock: Clock,
    /// Tasks.
    pub spawner: Spawner,
}

impl Options {
    /// 30 s for an answer, 64 requests in flight, answers of 256 MiB.
    pub fn new(clock: Clock, spawner: Spawner) -> Self {
        Self {
            client_id: "chronik-cli".to_owned(),
            timeout: Duration::from_secs(30),
            max_in_flight: 64,
            max_response_bytes: 256 << 20,
            clock,
            spawner,
        }
    }
}

/// A client of a cluster: one connection to the address it was given, and one to each leader or coordinator that it needs.
#[derive(Debug)]
pub struct Client {
    bootstrap: Connection,
    options: Options,
    /// By node id.
    leaders: BTreeMap<i32, Connection>,
}

impl Client {
    /// Connects to one node, through which it finds the others.
    ///
    /// # Errors
    /// No connection, or no Kafka server at its other end.
    pub async fn connect(bootstrap: &HostPort, options: Options) -> Result<Self, ClientError> {
        let bootstrap = Connection::open(bootstrap, options.clone()).await?;
        Ok(Self { bootstrap, options, leaders: BTreeMap::new() })
    }

    /// The connection to the node that the client was given.
    pub fn bootstrap(&self) -> &Connection {
        &self.bootstrap
    }

    /// A connection to the leader of each partition of a topic, by partition. Partitions with one leader share it.
    ///
    /// # Errors
    /// No such topic, no leader, no connection to it.
    pub async fn leaders(&mut self, topic: &str) -> Result<Vec<(i32, Connection)>, ClientError> {
        let cluster = self.cluster(Some(&[topic])).await?;
        let mut leaders = Vec::new();
        for partition in &cluster.topic(topic)?.partitions {
            let leader = self.leader(&cluster, topic, partition.partition).await?;
            leaders.push((partition.partition, leader));
        }
        Ok(leaders)
    }

    /// A connection to the leader of a partition, as `cluster` has it.
    ///
    /// # Errors
    /// No such partition, no leader, no connection to it.
    pub async fn leader(
        &mut self,
        cluster: &Cluster,
        topic: &str,
        partition: i32,
    ) -> Result<Connection, ClientError> {
        let (id, address) = cluster.leader_of(topic, partition)?;
        self.node_at(id, &address).await
    }

    /// A connection to a node, as `cluster` has it.
    ///
    /// # Errors
    /// No such node, no connection to it.
    pub async fn node(&mut self, cluster: &Cluster, id: i32) -> Result<Connection, ClientError> {
        let address = cluster.address_of(id)?;
        self.node_at(id, &address).await
    }

    /// A connection to the node `id`, which is at `address`.
    async fn node_at(&mut self, id: i32, address: &HostPort) -> Result<Connection, ClientError> {
        if let Some(known) = self.leaders.get(&id) {
            return Ok(known.clone());
        }
        let connection = Connection::open(address, self.options.clone()).await?;
        self.leaders.insert(id, connection.clone());
        Ok(connection)
    }
}
