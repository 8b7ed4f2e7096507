//! The controller as everybody sees it: where commands are proposed and the metadata is read.
//!
//! A command is an entry of the Raft log. It is committed, applied to the metadata, given to the logs of this node, published, and only then
//! answered: who has the answer finds its effect in the image, and its partitions in storage.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concurrency_models::image::Image;
use concurrency_models::raft_loop;
use concurrency_models::watermark::{Closed, Watermark};
use serde::{Deserialize, Serialize};

use super::command::{Applied, Command, Proposal, Refusal};
use super::fencing::{BrokerLease, Fencing};
use super::raft::{Node, Outcome, PROPOSE, Trouble, node_id, peer_id};
use super::state::ClusterState;
use crate::clock::Clock;
use crate::limits;
use crate::peer::{Peers, RequestError};
use crate::storage::StorageError;
use crate::telemetry::Metrics;

/// Why a proposal came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It contradicts the state.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored, or its partitions could not. It may come to pass later.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Nothing was proposed.
    #[error("the change has {bytes} bytes of metadata, and one may have {max}: make it in several steps", max = limits::MAX_COMMAND_BYTES)]
    TooLarge {
        /// Bytes of the command.
        bytes: usize,
    },
    /// Another node has to be asked, or nobody leads. Nothing was proposed.
    #[error("the metadata is led by {}, not by this node", leader.map_or("nobody yet".to_owned(), |id| format!("node {id}")))]
    NotController {
        /// Node id of who leads, if anybody.
        leader: Option<i32>,
    },
    /// Whoever leads does not take it for a command: nothing was proposed, and nothing would come of asking again.
    #[error("node {leader}, which leads the metadata, does not take the change: {why}")]
    NotTaken {
        /// Node id of who leads.
        leader: i32,
        /// Its words.
        why: String,
    },
    /// It is not known whether it will come to pass.
    #[error("it was proposed, and it is not known yet whether it comes to pass: {0}")]
    Unknown(Cow<'static, str>),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
}

/// Where commands are proposed and the state is read. Clones propose to the same controller.
#[derive(Clone)]
pub struct Controller(Arc<Inner>);

struct Inner {
    node_id: i32,
    node: Node,
    clock: Clock,
    served: Served,
    /// What keeps the Raft log from being written.
    raft_trouble: Trouble,
    /// Whoever leads may be among them.
    peers: Option<Peers>,
    fencing: Fencing,
    lease: BrokerLease,
    metrics: Metrics,
}

/// Why a node did not have a command proposed by itself, as it tells the one that has asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Denied {
    /// It does not lead, or not yet: nothing was proposed.
    NotNow,
    /// It was proposed.
    Unknown(String),
    /// It is no command that this node knows: nothing was proposed, and nobody is to ask again. A node that does not know this answer takes it for one that makes no sense, and
    /// does not ask again either.
    NotTaken(String),
}

/// The metadata as this node serves it: the logs of its partitions are there.
#[derive(Clone)]
pub struct Served {
    /// What requests see.
    pub(super) image: Arc<Image<ClusterState>>,
    /// Version of the state in it.
    pub(super) version: Arc<Watermark>,
    /// What keeps the logs from being made.
    pub(super) trouble: Trouble,
}

impl Served {
    /// Nothing is served yet.
    pub(super) fn nothing() -> Self {
        Self {
            image: Arc::new(Image::new(ClusterState::default())),
            version: Arc::new(Watermark::new(-1)),
            trouble: Arc::new(Image::new(None)),
        }
    }

    /// Nothing more will be served.
    pub(super) fn close(&self) {
        self.image.close();
        self.version.close();
    }
}

impl Controller {
    #[expect(clippy::too_many_arguments, reason = "what it stands on, once")]
    pub(super) fn new(
        node_id: i32,
        node: Node,
        peers: Option<Peers>,
        (fencing, lease): (Fencing, BrokerLease),
        raft_trouble: Trouble,
        served: Served,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self(Arc::new(Inner { node_id, node, clock, served, raft_trouble, peers, fencing, lease, metrics }))
    }

    /// Until when this node may lead partitions.
    pub fn lease(&self) -> &BrokerLease {
        &self.0.lease
    }

    /// `node.id`
    pub(super) fn node_id(&self) -> i32 {
        self.0.node_id
    }

    pub(super) fn raft(&self) -> &Node {
        &self.0.node
    }

    /// The way to the other members, for everything but data; `None` if there are none.
    pub fn peers(&self) -> Option<&Peers> {
        self.0.peers.as_ref()
    }

    pub(super) fn fencing(&self) -> &Fencing {
        &self.0.fencing
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The state now.
    pub fn state(&self) -> Arc<ClusterState> {
        self.0.served.image.load()
    }

    /// The state now, and the number of its image, for [`image_after`](Self::image_after).
    pub fn image(&self) -> (i64, Arc<ClusterState>) {
        let seen = self.0.served.image.version(); // what is loaded is this or later
        (seen, self.0.served.image.load())
    }

    /// Waits for an image that is later than number `seen`; there need not be one for each change of the state.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// There will be none: the node is shutting down.
    pub async fn image_after(&self, seen: i64) -> Result<(i64, Arc<ClusterState>), Closed> {
        self.0.served.image.at_least(seen + 1).await?;
        Ok(self.image())
    }

    /// Node id of whoever leads the metadata, as far as this node knows.
    pub fn leader(&self) -> Option<i32> {
        node_id(self.0.node.leadership().load().leader_id)
    }

    /// The Raft term in which this node leads the metadata; `None` while it does not.
    pub fn leads_in_term(&self) -> Option<u64> {
        let leadership = self.0.node.leadership().load();
        leadership.is_leader.then_some(leadership.term)
    }

    /// Has `command` carried out. With the answer, the image shows its effect; with a refusal, what it contradicts.
    ///
    /// *Cancel-safety*: dropped, the command may or may not be carried out.
    ///
    /// # Errors
    /// Refused, not stored, not here, or shutting down.
    pub async fn propose(&self, command: Command) -> Result<Applied, ProposeError> {
        let Outcome { version, result } = self.commit(&command).await?;
        self.0.served.version.reached(version).await.map_err(|_| ProposeError::Closed)?;
        let applied = result?;
        let needs_logs = matches!(applied, Applied::Created { .. } | Applied::PartitionsCreated { .. });
        match &*self.0.served.trouble.load() {
            Some(trouble) if needs_logs => Err(trouble.clone().into()),
            _ => Ok(applied),
        }
    }

    /// Has `command` committed. This node's image may show its effect later.
    pub(super) async fn commit(&self, command: &Command) -> Result<Outcome, ProposeError> {
        let started = self.0.clock.uptime();
        let outcome = self.decide(command, started + limits::PROPOSE_TIMEOUT).await;
        self.0.metrics.raft_proposal_duration.observe((self.0.clock.uptime() - started).as_secs_f64());
        outcome
    }

    /// Has it proposed by this node or by another as soon as somebody leads, and waits for the outcome.
    async fn decide(&self, command: &Command, deadline: Duration) -> Result<Outcome, ProposeError> {
        let data = entry_of(command)?;
        loop {
            let leadership = self.0.node.leadership();
            let seen = leadership.version();
            let denied = match self.0.node.propose(data.clone()) {
                Ok(waiting) => return self.outcome(waiting, deadline).await,
                Err(raft_loop::ProposeError::Stopped) => return Err(ProposeError::Closed),
                Err(raft_loop::ProposeError::NotLeader { leader_id }) => {
                    match self.ask(leader_id, &data, deadline).await {
                        Ok(outcome) => return Ok(outcome),
                        Err(denied) => denied,
                    }
                }
                Err(_) => Denied::NotNow,
            };
            match denied {
                Denied::NotNow => {}
                Denied::Unknown(why) => return Err(ProposeError::Unknown(why.into())),
                Denied::NotTaken(why) => {
                    return Err(ProposeError::NotTaken { leader: self.leader().unwrap_or(-1), why });
                }
            }
            tokio::select! {
                biased;
                changed = leadership.at_least(seen + 1) => drop(changed.map_err(|_| ProposeError::Closed)?),
                () = self.0.clock.sleep(limits::PROPOSE_RETRY) => {}
            }
            if self.0.clock.uptime() >= deadline {
                return Err(ProposeError::NotController { leader: self.leader() });
            }
        }
    }

    /// Asks whoever leads to propose a command.
    async fn ask(&self, leader_id: u64, command: &[u8], deadline: Duration) -> Result<Outcome, Denied> {
        let (Some(peers), Some(leader)) = (&self.0.peers, node_id(leader_id)) else {
            return Err(Denied::NotNow);
        };
        let left = deadline.saturating_sub(self.0.clock.uptime());
        let asked = peers.request(peer_id(leader), PROPOSE, Bytes::copy_from_slice(command), left);
        match asked.await {
            Ok(answer) => {
                serde_json::from_slice::<Result<Outcome, Denied>>(&answer).unwrap_or_else(|error| {
                    Err(Denied::Unknown(format!("what node {leader} answers makes no sense: {error}")))
                })
            }
            Err(RequestError::Unsent(_) | RequestError::Overloaded(_) | RequestError::Unsupported(_)) => {
                Err(Denied::NotNow)
            }
            Err(error) => Err(Denied::Unknown(error.to_string())),
        }
    }

    /// Proposes a command of another node's, if this one leads; returns what [`ask`](Self::ask) understands.
    pub(super) async fn propose_for_another(&self, command: Vec<u8>) -> Bytes {
        let outcome = self.decide_for_another(command).await;
        serde_json::to_vec(&outcome).expect("an outcome has only keys that are strings").into()
    }

    async fn decide_for_another(&self, command: Vec<u8>) -> Result<Outcome, Denied> {
        let deadline = self.0.clock.uptime() + limits::PROPOSE_TIMEOUT;
        self.leads_in_term().ok_or(Denied::NotNow)?; // another one, of a later version, may know the command
        is_command(&command).map_err(Denied::NotTaken)?;
        let waiting = self.0.node.propose(command).map_err(|_| Denied::NotNow)?;
        self.outcome(waiting, deadline).await.map_err(|error| Denied::Unknown(error.to_string()))
    }

    async fn outcome(
        &self,
        mut waiting: raft_loop::Proposed<Outcome>,
        deadline: Duration,
    ) -> Result<Outcome, ProposeError> {
        let outcome = tokio::select! {
            biased;
            outcome = waiting.outcome() => outcome,
            trouble = self.raft_trouble() => return Err(trouble.into()),
            () = self.sleep_until(deadline) => return Err(ProposeError::Unknown("there is no majority that answers".into())),
        };
        match outcome {
            Ok(raft_loop::Outcome::Applied { value: Some(outcome), .. }) => {
                if let Ok(applied) = &outcome.result {
                    applied.count_elections(&self.0.metrics);
                }
                Ok(outcome)
            }
            Ok(raft_loop::Outcome::LeaderChanged) => {
                Err(ProposeError::Unknown("another node leads the metadata now".into()))
            }
            Ok(raft_loop::Outcome::Stopped) | Err(_) => Err(ProposeError::Closed),
            Ok(other) => unreachable!("a command came to {other:?}"),
        }
    }

    /// Waits until the Raft log cannot be written.
    async fn raft_trouble(&self) -> StorageError {
        let trouble = &self.0.raft_trouble;
        loop {
            let seen = trouble.version();
            if let Some(trouble) = &*trouble.load() {
                return trouble.clone();
            }
            if trouble.at_least(seen + 1).await.is_err() {
                return StorageError::Closed;
            }
        }
    }

    async fn sleep_until(&self, deadline: Duration) {
        self.0.clock.sleep(deadline.saturating_sub(self.0.clock.uptime())).await;
    }
}

/// The data of the entry that stands for a command.
fn entry_of(command: &Command) -> Result<Vec<u8>, ProposeError> {
    let proposal = Proposal::new(command);
    let data = serde_json::to_vec(&proposal).expect("a command has only keys that are strings");
    match data.len() {
        bytes if bytes > limits::MAX_COMMAND_BYTES => Err(ProposeError::TooLarge { bytes }),
        _ => Ok(data),
    }
}

/// Whether each member could apply these bytes: once they are committed, one that cannot stops, at each start anew.
fn is_command(data: &[u8]) -> Result<(), String> {
    if data.len() > limits::MAX_COMMAND_BYTES {
        return Err(ProposeError::TooLarge { bytes: data.len() }.to_string());
    }
    let known = serde_json::from_slice::<Proposal>(data);
    known.map(drop).map_err(|error| {
        format!("it is no command that this node knows ({error}). If the node that asks is of a later version, upgrade all nodes first")
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cluster::ConfigResource;

    #[test]
    fn a_command_that_the_log_would_not_take_is_not_proposed() {
        let with_value = |bytes| Command::AlterConfigs {
            resource: ConfigResource::Topic(Uuid::nil()),
            replaces: [].into(),
            configs: [("key".to_owned(), "v".repeat(bytes))].into(),
        };
        let around = entry_of(&with_value(0)).unwrap().len();
        let most = limits::MAX_COMMAND_BYTES;
        assert_eq!(entry_of(&with_value(most - around)).map(|data| data.len()), Ok(most));
        let refused = entry_of(&with_value(most - around + 1)).unwrap_err();
        assert_eq!(refused, ProposeError::TooLarge { bytes: most + 1 });
        assert!(refused.to_string().contains("1048577 bytes"), "{refused}");
    }

    #[test]
    fn what_no_member_could_apply_is_not_proposed_for_another() {
        let good = entry_of(&Command::AllocateProducerIds { count: 1 }).unwrap();
        assert_eq!(is_command(&good), Ok(()));
        let later_field = br#"{"type":"allocate-producer-ids","count":1,"why":"later"}"#;
        assert_eq!(is_command(later_field), Ok(()), "a field that a later version adds");
        let long = [&good[..], &vec![b' '; limits::MAX_COMMAND_BYTES]].concat();
        for (data, why) in [
            (&b""[..], "no command"),
            (b"{}", "no command"),
            (b"\xff\0", "no command"),
            (br#"{"type":"later"}"#, "no command"),
            (br#"{"type":"allocate-producer-ids"}"#, "no command"),
            (br#"{"type":"allocate-producer-ids","count":1,"max_partitions":"many"}"#, "no command"),
            (&long, "1048577 bytes of metadata"),
        ] {
            let said = is_command(data).unwrap_err();
            let why = why.replace("1048577", &data.len().to_string());
            assert!(said.contains(&why), "{said}");
        }
    }

    /// What the nodes of earlier versions know goes on as it was.
    #[test]
    fn answers_are_read_as_they_were() {
        for (denied, json) in [
            (Denied::NotNow, r#"{"Err":"NotNow"}"#),
            (Denied::Unknown("lost".into()), r#"{"Err":{"Unknown":"lost"}}"#),
            (Denied::NotTaken("no".into()), r#"{"Err":{"NotTaken":"no"}}"#),
        ] {
            let answer: Result<Outcome, Denied> = Err(denied);
            assert_eq!(serde_json::to_string(&answer).unwrap(), json);
            assert_eq!(serde_json::from_str::<Result<Outcome, Denied>>(json).unwrap(), answer);
        }
    }
}
