//! A node that is new asks a cluster to take it in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Client, ClientError, NewVoter, Options, QuorumInfo};
use crate::config::HostPort;
use crate::limits;
use crate::shutdown::Shutdown;

/// Who wants to join what.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Where nodes of the cluster serve clients: one that answers is enough.
    pub bootstrap: Vec<HostPort>,
    /// The node.
    pub node: NewVoter,
    /// The id of the cluster, as Kafka writes it, if the node has been of one before.
    pub cluster_id: Option<String>,
}

/// The cluster that the node is of now. It need not vote yet: it has to be there to be sent the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The id of the cluster, as Kafka writes it.
    pub cluster_id: String,
    /// Where members reach each other, by node id; the new one is among them.
    pub nodes: BTreeMap<i32, HostPort>,
}

/// Why a node is not of the cluster.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Nobody has taken it in so far.
    #[error("no node of the cluster has taken this one in within {seconds} s; the last answer: {last}")]
    TimedOut {
        /// How long it was tried.
        seconds: u64,
        /// What the last attempt came to.
        last: String,
    },
    /// It will not be taken in.
    #[error("{address} does not take this node into its cluster: {error}")]
    Refused {
        /// Who was asked.
        address: HostPort,
        /// Why.
        error: ClientError,
    },
    /// The node has been of another cluster before.
    #[error(
        "{address} is of the cluster {theirs}, and the data directory of this node is of the cluster {ours}: name a node of that cluster, or use an empty directory"
    )]
    AnotherCluster {
        /// Who was asked.
        address: HostPort,
        /// The id of its cluster.
        theirs: String,
        /// The id of ours.
        ours: String,
    },
    /// There is nobody whom the new node could reach.
    #[error(
        "{address} is a cluster of its own that does not listen for other nodes: restart it with inter.node.listener=HOST:PORT first"
    )]
    Alone {
        /// Who was asked.
        address: HostPort,
    },
    /// The node was told to stop.
    #[error("stopped while waiting to be taken into the cluster")]
    Stopped,
}

/// What an attempt came to that was in vain.
enum Vain {
    /// It may be otherwise the next time.
    ForNow(String),
    ForEver(JoinError),
}

impl Joining {
    /// Asks until the node has been taken in, for `patience` at most. The clock and the name are those of `options`.
    ///
    /// *Cancel-safety*: dropped, the node may have been taken in; it can be called again.
    ///
    /// # Errors
    /// See [`JoinError`].
    pub async fn join(
        &self,
        patience: Duration,
        options: Options,
        shutdown: &Shutdown,
    ) -> Result<Joined, JoinError> {
        let options = Options { timeout: options.timeout.min(limits::JOIN_REQUEST_TIMEOUT), ..options };
        let mut last = "nobody has answered".to_owned();
        tokio::select! {
            biased;
            () = shutdown.requested() => Err(JoinError::Stopped),
            joined = self.ask_until_taken_in(&options, &mut last) => joined,
            () = options.clock.sleep(patience) => Err(JoinError::TimedOut { seconds: patience.as_secs(), last }),
        }
    }

    async fn ask_until_taken_in(&self, options: &Options, last: &mut String) -> Result<Joined, JoinError> {
        loop {
            for address in &self.bootstrap {
                match self.ask(address, options).await {
                    Ok(joined) => return Ok(joined),
                    Err(Vain::ForEver(error)) => return Err(error),
                    Err(Vain::ForNow(why)) if why == *last => tracing::debug!(%why, "not joined yet"),
                    Err(Vain::ForNow(why)) => {
                        tracing::info!(%why, "the cluster has not taken this node in yet: it is asked again");
                        *last = why;
                    }
                }
            }
            options.clock.sleep(limits::JOIN_RETRY).await;
        }
    }

    async fn ask(&self, address: &HostPort, options: &Options) -> Result<Joined, Vain> {
        let refused = |error| judge(address, error);
        let client = Client::connect(address, options.clone()).await.map_err(refused)?;
        let (cluster_id, _) = client.describe_nodes().await.map_err(refused)?;
        self.check_cluster(address, &cluster_id)?;
        self.members(address, &client.describe_quorum().await.map_err(refused)?)?;
        client.add_raft_voter(Some(&cluster_id), &self.node, false).await.map_err(refused)?;
        let quorum = client.describe_quorum().await.map_err(refused)?;
        Ok(Joined { cluster_id, nodes: self.members(address, &quorum)? })
    }

    fn check_cluster(&self, address: &HostPort, theirs: &str) -> Result<(), Vain> {
        match &self.cluster_id {
            _ if theirs.is_empty() => {
                Err(Vain::ForNow(format!("the cluster of {address} has no id yet: it has not come together")))
            }
            Some(ours) if ours != theirs => Err(Vain::ForEver(JoinError::AnotherCluster {
                address: address.clone(),
                theirs: theirs.to_owned(),
                ours: ours.clone(),
            })),
            _ => Ok(()),
        }
    }

    /// Where they all are. The new node need not be known everywhere yet.
    fn members(&self, address: &HostPort, quorum: &QuorumInfo) -> Result<BTreeMap<i32, HostPort>, Vain> {
        let NewVoter { node_id, place, .. } = &self.node;
        let mut nodes = quorum.places.clone();
        nodes.insert(*node_id, place.clone());
        match (nodes.len(), &quorum.voters[..]) {
            (2.., _) => Ok(nodes),
            (_, [(voter, _)]) if voter != node_id => {
                Err(Vain::ForEver(JoinError::Alone { address: address.clone() }))
            }
            _ => Err(Vain::ForNow(format!("{address} does not know yet where the nodes of its cluster are"))),
        }
    }
}

/// Whether it is worth asking again.
fn judge(address: &HostPort, error: ClientError) -> Vain {
    let may_pass = match &error {
        ClientError::Connect { .. } | ClientError::Closed { .. } | ClientError::Timeout { .. } => true,
        ClientError::Refused { code, .. } => code.is_retriable(),
        ClientError::NoCommonVersion { .. } | ClientError::Nonsense { .. } | ClientError::Encode(_) => false,
    };
    match may_pass {
        true => Vain::ForNow(error.to_string()),
        false => Vain::ForEver(JoinError::Refused { address: address.clone(), error }),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use chronik_kafka::{ApiKey, ErrorCode};
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;
    use crate::spawn::Spawner;

    fn there() -> HostPort {
        HostPort::new("there", 9092)
    }

    fn joining(cluster_id: Option<&str>) -> Joining {
        let place = HostPort::new("here", 9192);
        let node = NewVoter { node_id: 4, directory_id: Uuid::from_u128(7), place };
        Joining {
            bootstrap: vec![HostPort::new("127.0.0.1", 1)],
            node,
            cluster_id: cluster_id.map(Into::into),
        }
    }

    fn for_now(vain: &Vain) -> bool {
        matches!(vain, Vain::ForNow(_))
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        let refused = |code| ClientError::Refused { what: String::new(), code, message: String::new() };
        let (address, api) = (there(), ApiKey::AddRaftVoter);
        let connect = io::Error::from(io::ErrorKind::ConnectionRefused);
        for (error, passes) in [
            (ClientError::Connect { address: there(), error: connect }, true),
            (ClientError::Closed { address: there(), reason: String::new() }, true),
            (ClientError::Timeout { address: there(), api, seconds: 1 }, true),
            (refused(ErrorCode::REQUEST_TIMED_OUT), true),
            (refused(ErrorCode::NOT_CONTROLLER), true),
            (refused(ErrorCode::DUPLICATE_VOTER), false),
            (refused(ErrorCode::INVALID_REQUEST), false),
            (refused(ErrorCode::INCONSISTENT_CLUSTER_ID), false),
            (ClientError::Nonsense { address: there(), api, reason: String::new() }, false),
        ] {
            let said = error.to_string();
            assert_eq!(for_now(&judge(&address, error)), passes, "{said}");
        }
    }

    #[test]
    fn a_node_joins_its_own_cluster_again_and_no_other() {
        assert!(joining(None).check_cluster(&there(), "theirs").is_ok());
        assert!(joining(Some("theirs")).check_cluster(&there(), "theirs").is_ok());
        assert!(joining(None).check_cluster(&there(), "").is_err_and(|vain| for_now(&vain)));
        let Err(Vain::ForEver(other)) = joining(Some("ours")).check_cluster(&there(), "theirs") else {
            panic!()
        };
        assert!(other.to_string().contains("of the cluster theirs"), "{other}");
    }

    #[test]
    fn the_new_node_is_among_those_it_is_told_of() {
        let mut quorum = QuorumInfo::default();
        for (voters, passes) in [(vec![], true), (vec![(1, 9), (2, 9)], true), (vec![(1, 9)], false)] {
            quorum.voters = voters;
            assert!(joining(None).members(&there(), &quorum).is_err_and(|vain| for_now(&vain) == passes));
        }
        quorum.places.insert(1, HostPort::new("one", 9192));
        let nodes = joining(None).members(&there(), &quorum).ok().expect("they can be reached");
        assert_eq!(nodes, [(1, HostPort::new("one", 9192)), (4, HostPort::new("here", 9192))].into());
    }

    #[tokio::test]
    async fn it_ends_with_the_patience_or_when_the_node_is_to_stop() {
        let shutdown = Shutdown::new();
        let options = || Options::new(Clock::system(), Spawner::threads());
        let patience = Duration::from_millis(200);
        let late = joining(None).join(patience, options(), &shutdown).await.unwrap_err();
        assert!(late.to_string().contains("cannot connect to 127.0.0.1:1"), "{late}");
        shutdown.request();
        let stopped = joining(None).join(Duration::MAX, options(), &shutdown).await;
        assert!(matches!(stopped, Err(JoinError::Stopped)));
    }
}
