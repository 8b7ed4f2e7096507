//! Longer stories, step by step on one thread: a task that waits must be able to say so, which under loom it cannot.

use std::pin::{Pin, pin};
use std::task::Poll;

use concurrency_models::raft_loop::{Event, Node, Outcome, Persist, ProposeError, RaftLoopError, Role};
use loom_tests::check_sequence;
use loom_tests::run::{block_on, poll_once};
use raft::eraftpb::ConfChangeType::{AddLearnerNode, AddNode, RemoveNode};
use raft::eraftpb::{ConfChangeV2, Message, MessageType};

use crate::group::{ELECTION_TIMEOUT, Member, member};
use crate::messages::{append_entries, arrives, change, change_entry, entry, joint, message, snapshot};

/// A member whose loop runs only when it is told to.
pub(crate) struct Steps {
    pub(crate) member: Member<Waiting>,
}

pub(crate) type Waiting = Pin<Box<dyn Future<Output = Result<(), RaftLoopError>>>>;

impl Steps {
    fn new(voters: &[u64]) -> Self {
        Self::of(member(voters))
    }

    pub(crate) fn of(member: Member) -> Self {
        Self { member: member.map(|raft_loop| Box::pin(raft_loop.run()) as Waiting) }
    }

    pub(crate) fn node(&self) -> &Node<concurrency_models::raft_loop::MemoryStore, usize> {
        &self.member.node
    }

    /// The loop does all that it can, and waits.
    pub(crate) fn run(&mut self) {
        assert_eq!(poll_once(pin!(self.member.raft_loop.as_mut())), Poll::Pending);
    }

    /// Something happens, and the loop does all that it can.
    pub(crate) fn on(&mut self, event: Event) {
        assert!(self.member.events.try_send(event).is_ok());
        self.run();
    }

    pub(crate) fn on_message(&mut self, message: Message) {
        self.on(arrives(message));
    }

    /// What the disk was asked and has not done yet; it does it and says so for the last, as after one sync.
    pub(crate) fn disk_catches_up(&mut self) -> Vec<Persist> {
        self.run();
        let requests: Vec<Persist> = std::iter::from_fn(|| self.member.requests.try_recv()).collect();
        for request in &requests {
            self.member.world.lock().persist(request);
        }
        if let Some(last) = requests.last() {
            self.on(Event::Persisted(Ok(last.number)));
        }
        requests
    }

    /// Until the disk has nothing to do any more.
    pub(crate) fn settle(&mut self) {
        while !self.disk_catches_up().is_empty() {}
    }

    /// Kinds of the messages sent to node 2 since the last call.
    fn sent(&mut self) -> Vec<MessageType> {
        self.sent_to(2).iter().map(Message::get_msg_type).collect()
    }

    /// What was sent to this node since the last call.
    pub(crate) fn sent_to(&mut self, node_id: u64) -> Vec<Message> {
        let sent = std::mem::take(&mut self.member.world.lock().sent);
        sent.into_iter().filter(|message| message.to == node_id).collect()
    }
}

/// From node 2 as a follower in term 1: it has everything up to `index`.
pub(crate) fn acknowledges(index: u64) -> Message {
    let mut response = message(MessageType::MsgAppendResponse);
    (response.term, response.index) = (1, index);
    response
}

#[test]
fn a_learner_becomes_a_voter_whose_acknowledgement_counts_and_is_removed() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1]);
        for (step, index) in [(AddLearnerNode, 2), (AddNode, 3), (RemoveNode, 4)].into_iter().zip(2..) {
            let mut changed =
                steps.node().propose_conf_change(change([(step.0, 2)])).expect("none is under way");
            steps.settle();
            if step.0 == RemoveNode {
                assert_eq!(steps.node().status().applied, 3, "one of two voters is no majority");
            }
            steps.on_message(acknowledges(index));
            assert_eq!(block_on(changed.outcome()), Ok(Outcome::Applied { index, value: None }));
            assert!(steps.sent().contains(&MessageType::MsgAppend), "the other is told of {step:?}");
        }
        let mut alone = steps.node().propose(vec![7]).expect("it leads");
        steps.settle();
        assert_eq!(block_on(alone.outcome()), Ok(Outcome::Applied { index: 5, value: Some(0) }));
    });
}

#[test]
fn a_joint_change_lasts_until_it_is_left_explicitly() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1]);
        let both = joint([(AddLearnerNode, 2), (AddLearnerNode, 3)]);
        let mut entered = steps.node().propose_conf_change(both).expect("none is under way");
        steps.settle();
        assert!(matches!(block_on(entered.outcome()), Ok(Outcome::Applied { index: 2, .. })));
        let third = steps.node().propose_conf_change(change([(AddLearnerNode, 4)])).err();
        assert!(matches!(third, Some(ProposeError::Impossible(_))), "the joint one comes to its end first");
        let mut left = steps.node().propose_conf_change(ConfChangeV2::default()).expect("it is joint");
        steps.settle();
        assert!(matches!(block_on(left.outcome()), Ok(Outcome::Applied { index: 3, .. })));
        assert!(steps.node().propose_conf_change(change([(AddLearnerNode, 4)])).is_ok());
    });
}

/// With entries behind the removal that become durable after it.
#[test]
fn a_leader_that_is_removed_steps_down() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1]);
        let mut added = steps.node().propose_conf_change(change([(AddNode, 2)])).expect("none is under way");
        steps.settle();
        assert!(matches!(block_on(added.outcome()), Ok(Outcome::Applied { index: 2, .. })));
        let mut removed =
            steps.node().propose_conf_change(change([(RemoveNode, 1)])).expect("as is this one");
        steps.settle();
        let mut behind = steps.node().propose(vec![7]).expect("it leads");
        steps.on_message(acknowledges(3));
        assert!(matches!(block_on(removed.outcome()), Ok(Outcome::Applied { index: 3, .. })));
        assert_eq!(block_on(behind.outcome()), Ok(Outcome::LeaderChanged));
        steps.settle();
        assert!(!steps.node().status().leadership.is_leader);
        assert_eq!(steps.node().propose(vec![8]).err(), Some(ProposeError::NotLeader { leader_id: 0 }));
    });
}

/// The other voter has removed itself, and this one's disk is behind: raft takes it for granted that a leader's log is durable.
#[test]
fn the_last_voter_leads_only_when_its_disk_has_caught_up() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1, 2]);
        let log = || vec![change_entry(1, &change([(RemoveNode, 2)])), entry(2, vec![7])];
        steps.on_message(append_entries(log()[..1].to_vec(), 0));
        steps.settle();
        steps.on_message(append_entries(log(), 1)); // the first is committed; the disk does not get to the second
        for _ in 0..2 * ELECTION_TIMEOUT {
            steps.on(Event::Tick);
        }
        assert!(!steps.node().status().leadership.is_leader);
        steps.settle();
        for _ in 0..2 * ELECTION_TIMEOUT {
            steps.on(Event::Tick);
        }
        steps.settle();
        assert!(steps.node().status().leadership.is_leader);
        assert_eq!(*steps.member.image.load(), [vec![7]]);
    });
}

#[test]
fn requests_that_came_while_the_disk_worked_need_one_sync() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1]);
        steps.settle();
        let mut waiting = Vec::new();
        for data in 0..3 {
            waiting.push(steps.node().propose(vec![data]).expect("it leads"));
            steps.run(); // a round of its own
        }
        assert_eq!(steps.disk_catches_up().len(), 3);
        for (at, mut waiting) in waiting.into_iter().enumerate() {
            assert!(
                matches!(block_on(waiting.outcome()), Ok(Outcome::Applied { value: Some(n), .. }) if n == at)
            );
        }
    });
}

/// Nothing of a heartbeat is written, but while something is, its answer waits: the term in it may not be durable yet.
#[test]
fn an_answer_with_nothing_to_write_waits_for_what_was_asked_before_it() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1, 2]);
        steps.on_message(message(MessageType::MsgHeartbeat)); // the first of term 2, which must be written
        steps.on_message(message(MessageType::MsgHeartbeat));
        assert_eq!(steps.sent(), []);
        steps.settle();
        assert_eq!(steps.sent(), [MessageType::MsgHeartbeatResponse; 2]);
        steps.on_message(message(MessageType::MsgHeartbeat));
        assert_eq!(steps.sent(), [MessageType::MsgHeartbeatResponse], "nothing to wait for");
    });
}

#[test]
fn what_follows_a_snapshot_in_the_same_round_follows_it_on_the_disk() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1, 2]);
        assert!(steps.member.events.try_send(arrives(snapshot(5, &[1, 2]))).is_ok());
        steps.on_message(append_entries(vec![entry(6, vec![6])], 6));
        assert_eq!(steps.node().status().applied, 0, "nothing of it is durable");
        let requests = steps.disk_catches_up();
        assert!(matches!(&requests[..], [one] if one.snapshot.is_some() && one.entries.len() == 1));
        assert_eq!(steps.node().status().applied, 6);
        assert_eq!(*steps.member.image.load(), [vec![9], vec![6]]);
    });
}

/// raft looks for changes of membership that are not applied before it asks for votes, and does not find what the snapshot stands for.
#[test]
fn who_waits_for_a_snapshot_to_be_durable_asks_for_no_votes() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1, 2]);
        let campaigns = |steps: &mut Steps| {
            for _ in 0..2 * ELECTION_TIMEOUT {
                steps.on(Event::Tick);
            }
            steps.on_message(message(MessageType::MsgTimeoutNow)); // the leader hands over
            steps.node().status().role == Role::Candidate
        };
        steps.on_message(snapshot(5, &[1, 2]));
        assert!(!campaigns(&mut steps));
        steps.settle();
        assert!(campaigns(&mut steps));
    });
}

/// Another voter has to confirm that it still leads; instead, it hears of a newer leader.
#[test]
fn a_read_of_a_deposed_leader_is_answered() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1]);
        let mut added = steps.node().propose_conf_change(change([(AddNode, 2)])).expect("none is under way");
        steps.settle();
        assert!(matches!(block_on(added.outcome()), Ok(Outcome::Applied { index: 2, .. })));
        let mut read = steps.node().read_index().expect("it leads");
        steps.settle();
        assert_eq!(poll_once(pin!(read.outcome())), Poll::Pending);
        steps.on_message(message(MessageType::MsgHeartbeat)); // of term 2
        assert_eq!(block_on(read.outcome()), Ok(Outcome::LeaderChanged));
    });
}

#[test]
fn a_loop_that_is_dropped_leaves_nobody_waiting() {
    check_sequence(|| {
        let mut steps = Steps::new(&[1]);
        let mut waiting = steps.node().propose(vec![7]).expect("it leads");
        steps.run();
        let Member { node, events, mut requests, raft_loop, .. } = steps.member;
        drop(raft_loop);
        assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Stopped));
        assert_eq!(node.propose(vec![8]).err(), Some(ProposeError::Stopped));
        assert!(block_on(events.send(Event::Tick)).is_err());
        assert!(requests.try_recv().is_some(), "what was asked may still be done");
        assert_eq!(block_on(requests.recv()), None);
    });
}
