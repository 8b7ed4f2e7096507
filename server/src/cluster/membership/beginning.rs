//! How a node with an empty data directory comes to a Raft log.
//!
//! It may have been a member before, and have lost its disk: then it has forgotten whom it voted for and what it has acknowledged, and must not vote again. So
//! it asks first, and votes only if all nodes that the cluster begins with are at the beginning themselves, or if the cluster, which has begun without it, says
//! that it was never there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::command::{Command, Endpoint};
use super::super::controller::Controller;
use super::super::raft::{BEGINNING, RaftLog, peer_id, raft_id};
use crate::clock::Clock;
use crate::config::HostPort;
use crate::limits;
use crate::peer::Peers;

/// Kind of the request that asks whether a node may begin.
pub(in super::super) const BEGIN: u16 = 5;

/// How a node with an empty data directory comes into its cluster. One that has a Raft log knows its cluster from there.
pub enum Origin {
    /// The cluster begins with these nodes, by node id, and the places where the others reach them; this one is among them.
    Voters(BTreeMap<i32, HostPort>),
    /// There is a cluster, which takes it in.
    Joins(Join),
}

/// Has a newcomer taken in; returns where the other nodes are. It goes on trying until somebody answers.
pub type Join =
    Box<dyn Fn(Newcomer) -> BoxFuture<'static, Result<BTreeMap<i32, HostPort>, JoinError>> + Send + Sync>;

/// Why a cluster does not take a newcomer in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JoinError(pub String);

/// A node that wants to belong to a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newcomer {
    /// `node.id`
    pub node_id: i32,
    /// Of its data directory.
    pub directory_id: Uuid,
    /// Where the others reach it.
    pub endpoint: Endpoint,
}

/// What a node that is to begin asks each other one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Question {
    newcomer: Newcomer,
    /// Node ids of those that the cluster begins with, as it is told.
    voters: BTreeSet<i32>,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Answer {
    /// This node has no entry of a Raft log, and has never voted.
    AtTheBeginning,
    /// The cluster has begun, and waits for the newcomer, who was never there.
    Welcome,
    /// It must not begin.
    Refused(String),
    /// This node cannot say.
    NotNow,
}

/// How far the node that is asked is itself.
#[derive(Clone)]
pub(in super::super) enum Standing {
    /// It asks, too; the cluster begins with these, as it is told.
    Beginning(BTreeSet<i32>),
    /// It has a Raft log, and does not run yet.
    Recovered,
    /// It is a member.
    Member(Controller),
}

impl Standing {
    /// What another node understands that asks.
    pub(in super::super) async fn answer(&self, question: &[u8]) -> Option<Bytes> {
        let question: Question = serde_json::from_slice(question).ok()?;
        let answer = match self {
            Self::Beginning(voters) => at_the_beginning(voters, &question),
            Self::Recovered => Answer::NotNow,
            Self::Member(controller) => controller.may_begin(question).await,
        };
        serde_json::to_vec(&answer).ok().map(Bytes::from)
    }
}

fn at_the_beginning(voters: &BTreeSet<i32>, question: &Question) -> Answer {
    if *voters == question.voters {
        return Answer::AtTheBeginning;
    }
    let listed = |ids: &BTreeSet<i32>| ids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    Answer::Refused(format!(
        "its controller.quorum.voters names the nodes {}, and that of node {} the nodes {}: all nodes of a cluster begin with the same",
        listed(voters),
        question.newcomer.node_id,
        listed(&question.voters)
    ))
}

impl Controller {
    async fn may_begin(&self, question: Question) -> Answer {
        let status = self.raft().status();
        let members: BTreeSet<u64> = self.raft().membership().voters.into_iter().collect();
        let Newcomer { node_id, directory_id, endpoint } = question.newcomer.clone();
        if status.last_index <= BEGINNING && status.leadership.term <= BEGINNING {
            let voters = members.into_iter().filter_map(super::super::raft::node_id).collect();
            return at_the_beginning(&voters, &question);
        }
        // A node keeps its directory as long as it belongs to the cluster: whoever knows another one need not ask a majority, which there may not be.
        if let Err(refusal) = self.state().admit(node_id, directory_id) {
            return Answer::Refused(refusal.to_string());
        }
        if status.leadership.leader_id == 0 {
            return Answer::NotNow;
        }
        if !members.contains(&raft_id(node_id)) && !self.state().was_removed(node_id) {
            return Answer::Refused(format!(
                "the cluster has begun without node {node_id}: let it join (start --join), without controller.quorum.voters"
            ));
        }
        // Whoever leads knows everything that was said of the node before.
        match self.commit(&Command::AddNode { node_id, directory_id, endpoint }).await {
            Ok(outcome) => outcome
                .result
                .map_or_else(|refusal| Answer::Refused(refusal.to_string()), |_| Answer::Welcome),
            Err(_) => Answer::NotNow,
        }
    }
}

/// What a round of questions comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is a voter of a cluster that begins, or has begun without it.
    Begin,
    /// Node id of who refuses, and why.
    Refused(i32, String),
    /// For those of these ids, or for a leader.
    Wait(Vec<i32>),
}

fn verdict(answers: &BTreeMap<i32, Option<Answer>>) -> Verdict {
    let refused = answers.iter().find_map(|(id, answer)| match answer {
        Some(Answer::Refused(why)) => Some(Verdict::Refused(*id, why.clone())),
        _ => None,
    });
    if let Some(refused) = refused {
        return refused;
    }
    let welcome = answers.values().any(|answer| *answer == Some(Answer::Welcome));
    let others = answers.iter().filter(|(_, answer)| **answer != Some(Answer::AtTheBeginning));
    let missing: Vec<i32> = others.map(|(id, _)| *id).collect();
    if welcome || missing.is_empty() { Verdict::Begin } else { Verdict::Wait(missing) }
}

/// A node that has no Raft log.
pub(in super::super) struct Beginner {
    pub(in super::super) newcomer: Newcomer,
    pub(in super::super) clock: Clock,
}

/// It must not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {by} refuses: {why}")]
pub struct MustNotBegin {
    /// Node id of who says so.
    by: i32,
    /// What is wrong, and what to do.
    why: String,
}

impl Beginner {
    /// The log of a cluster that begins with these nodes, and its first record, as soon as it is certain that this one has not been there before.
    pub(in super::super) async fn voter(
        &self,
        voters: &BTreeSet<i32>,
        peers: &Peers,
    ) -> Result<(RaftLog, Bytes), MustNotBegin> {
        let mut said = None;
        loop {
            let started = self.clock.uptime();
            match verdict(&self.ask(voters, peers).await) {
                Verdict::Begin => {
                    return Ok(RaftLog::beginning(voters.iter().map(|id| raft_id(*id)).collect()));
                }
                Verdict::Refused(by, why) => return Err(MustNotBegin { by, why }),
                Verdict::Wait(missing) => {
                    if said.is_none_or(|said: Duration| started >= said + limits::BEGIN_REMINDER) {
                        said = Some(started);
                        tracing::warn!(
                            nodes = ?missing,
                            "the data directory is empty: before this node votes, all nodes that the cluster begins with must say that theirs are, too, or a majority that has \
                             begun must take it in. Waiting for these"
                        );
                    }
                }
            }
            self.clock.sleep(limits::BEGIN_INTERVAL).await;
        }
    }

    async fn ask(&self, voters: &BTreeSet<i32>, peers: &Peers) -> BTreeMap<i32, Option<Answer>> {
        let question = Question { newcomer: self.newcomer.clone(), voters: voters.clone() };
        let question =
            Bytes::from(serde_json::to_vec(&question).expect("a question has only keys that are strings"));
        let others = voters.iter().filter(|id| **id != self.newcomer.node_id);
        let ask = |id: i32| {
            let question = question.clone();
            async move {
                let answer = peers.request(peer_id(id), BEGIN, question, limits::BEGIN_TIMEOUT).await;
                (id, answer.ok().and_then(|answer| serde_json::from_slice(&answer).ok()))
            }
        };
        join_all(others.map(|id| ask(*id))).await.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_begins_with_all_or_when_it_is_welcome_and_never_when_it_is_refused() {
        let refused = || Some(Answer::Refused("a lost disk".into()));
        let no = |by| Verdict::Refused(by, "a lost disk".into());
        let fresh = || Some(Answer::AtTheBeginning);
        let table = [
            (vec![], Verdict::Begin),
            (vec![fresh(), fresh()], Verdict::Begin),
            (vec![fresh(), None], Verdict::Wait(vec![3])),
            (vec![Some(Answer::NotNow), fresh()], Verdict::Wait(vec![2])),
            (vec![Some(Answer::NotNow), None], Verdict::Wait(vec![2, 3])),
            (vec![Some(Answer::Welcome), None], Verdict::Begin),
            (vec![fresh(), refused()], no(3)),
            (vec![refused(), Some(Answer::Welcome)], no(2)),
        ];
        for (answers, expected) in table {
            let answers = (2..).zip(answers).collect();
            assert_eq!(verdict(&answers), expected, "{answers:?}");
        }
    }

    #[test]
    fn all_begin_with_the_same_nodes() {
        let newcomer = Newcomer {
            node_id: 3,
            directory_id: Uuid::nil(),
            endpoint: Endpoint { host: "h".into(), port: 1 },
        };
        let question = Question { newcomer, voters: [1, 2, 3].into() };
        assert_eq!(at_the_beginning(&[1, 2, 3].into(), &question), Answer::AtTheBeginning);
        let Answer::Refused(why) = at_the_beginning(&[1, 2].into(), &question) else { panic!("they differ") };
        assert!(why.contains("names the nodes 1, 2, and that of node 3 the nodes 1, 2, 3"), "{why}");
    }
}
