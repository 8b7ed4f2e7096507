//! Who is behind a log that was compacted, step by step: what it gets, and when.

use concurrency_models::raft_loop::{Compaction, Event, MemoryStore, Outcome, Role};
use loom_tests::check_sequence;
use loom_tests::run::block_on;
use raft::RaftState;
use raft::eraftpb::ConfChangeType::{AddLearnerNode, AddNode};
use raft::eraftpb::{ConfState, Message, MessageType, Snapshot};

use crate::group::{ELECTION_TIMEOUT, MAILBOX, member_of, member_with};
use crate::messages::{append_entries, change, change_entry, entry, message, snapshot};
use crate::steps::{Steps, acknowledges};

/// Node 1, whose log is compacted after four entries, of which it keeps two.
fn compacting(voters: &[u64]) -> Steps {
    let compaction = Compaction { after_entries: 4, after_bytes: u64::MAX, keep_entries: 2 };
    Steps::of(member_of(MemoryStore::new(voters), voters == [1], MAILBOX, compaction))
}

/// Entries as many as this, proposed and applied.
fn grow(steps: &mut Steps, entries: u8) {
    for data in 0..entries {
        let mut waiting = steps.node().propose(vec![data]).expect("it leads");
        steps.settle();
        assert!(matches!(block_on(waiting.outcome()), Ok(Outcome::Applied { .. })));
    }
}

/// From node 2 as a follower in term 1: the entry before those that were sent is not there; its log ends with this index.
fn refuses(index: u64, its_last: u64) -> Message {
    let mut response = acknowledges(index);
    (response.reject, response.reject_hint) = (true, its_last);
    response.log_term = u64::from(its_last > 0);
    response
}

/// What it was sent: kind, and index of the entry before, or of the snapshot.
fn sent(steps: &mut Steps) -> Vec<(MessageType, u64)> {
    let place = |message: &Message| match message.get_msg_type() {
        MessageType::MsgSnapshot => message.get_snapshot().get_metadata().index,
        _ => message.index,
    };
    let sent = steps.sent_to(2);
    sent.iter().map(|message| (message.get_msg_type(), place(message))).collect()
}

/// A leader whose learner, node 2, has not been heard of since it was added, at index 2.
fn leader_of_a_learner() -> Steps {
    let mut steps = compacting(&[1]);
    let mut added = steps.node().propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
    steps.settle();
    assert!(matches!(block_on(added.outcome()), Ok(Outcome::Applied { index: 2, .. })));
    grow(&mut steps, 3); // the second one makes a snapshot due
    let status = steps.node().status();
    assert_eq!((status.first_index, status.last_index, status.applied), (3, 5, 5));
    sent(&mut steps);
    steps
}

#[test]
fn who_lags_a_little_gets_entries() {
    check_sequence(|| {
        let mut steps = leader_of_a_learner();
        steps.on_message(acknowledges(2)); // it has what was forgotten, and nothing of what is here
        let one_by_one = [2, 3, 4].map(|before| (MessageType::MsgAppend, before));
        assert_eq!(sent(&mut steps), one_by_one);
    });
}

/// And the entries behind it, when it has that.
#[test]
fn who_lags_far_gets_the_snapshot() {
    check_sequence(|| {
        let mut steps = leader_of_a_learner();
        steps.on_message(refuses(1, 0));
        let messages = steps.sent_to(2);
        let [message] = &messages[..] else { panic!("one: {messages:?}") };
        let snapshot = message.get_snapshot();
        assert_eq!((snapshot.get_metadata().index, snapshot.get_metadata().term), (4, 1));
        assert_eq!(snapshot.get_metadata().get_conf_state().learners, [2]);
        assert_eq!(snapshot.data[..], [0, 1]);
        steps.on_message(acknowledges(4));
        assert_eq!(sent(&mut steps), [(MessageType::MsgAppend, 4)]);
    });
}

/// It, or the answer to it; nobody has to say so. raft alone would wait for the answer, and send nothing else.
#[test]
fn a_snapshot_that_is_lost_is_sent_again() {
    check_sequence(|| {
        let mut steps = leader_of_a_learner();
        steps.on_message(refuses(1, 0));
        assert_eq!(sent(&mut steps), [(MessageType::MsgSnapshot, 4)]);
        let mut alive = message(MessageType::MsgHeartbeatResponse);
        alive.term = 1;
        steps.on_message(alive.clone());
        assert_eq!(sent(&mut steps), [(MessageType::MsgAppend, 4)], "it may be on its way");
        steps.on_message(refuses(4, 0));
        assert_eq!(sent(&mut steps), [(MessageType::MsgSnapshot, 4)]);
        steps.on_message(alive);
        steps.on_message(acknowledges(5)); // of what followed it
        assert_eq!(steps.node().progress().map(|members| members[1].matched_index), Some(5));
    });
}

/// raft would send the old one for ever, and the learner refuse it: it is no member in it.
#[test]
fn who_joins_after_a_compaction_gets_a_snapshot_that_it_is_a_member_in() {
    check_sequence(|| {
        let mut steps = compacting(&[1]);
        grow(&mut steps, 3);
        assert_eq!(steps.node().status().first_index, 3);
        let mut added = steps.node().propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
        steps.disk_catches_up();
        assert!(matches!(block_on(added.outcome()), Ok(Outcome::Applied { index: 5, .. })));
        steps.on_message(refuses(4, 0));
        assert_eq!(sent(&mut steps).iter().filter(|(kind, _)| *kind == MessageType::MsgSnapshot).count(), 0);
        let requests = steps.disk_catches_up();
        assert!(matches!(&requests[..], [one] if one.snapshot.is_some()), "{requests:?}");
        let mut alive = message(MessageType::MsgHeartbeatResponse);
        alive.term = 1;
        steps.on_message(alive);
        let snapshots = steps.sent_to(2);
        let [.., snapshot] = &snapshots[..] else { panic!("nothing was sent") };
        assert_eq!(snapshot.get_snapshot().get_metadata().get_conf_state().learners, [2]);
    });
}

/// Member 2 of a snapshot's group, and of no other: the membership must be that of the snapshot's index, whatever is applied while the disk works.
#[test]
fn the_membership_in_a_snapshot_is_that_of_its_index() {
    check_sequence(|| {
        let mut steps = compacting(&[1]);
        let mut added = steps.node().propose_conf_change(change([(AddLearnerNode, 2)])).expect("it leads");
        steps.settle();
        assert!(matches!(block_on(added.outcome()), Ok(Outcome::Applied { index: 2, .. })));
        grow(&mut steps, 1);
        let mut last = steps.node().propose(vec![9]).expect("it leads");
        steps.disk_catches_up();
        assert!(matches!(block_on(last.outcome()), Ok(Outcome::Applied { index: 4, .. })));
        // the snapshot of the first four is on its way to the disk, and so is the next change, after it
        let mut promoted = steps.node().propose_conf_change(change([(AddNode, 2)])).expect("it leads");
        steps.disk_catches_up();
        assert!(matches!(block_on(promoted.outcome()), Ok(Outcome::Applied { index: 5, .. })));
        sent(&mut steps);
        steps.on_message(refuses(1, 0));
        let messages = steps.sent_to(2);
        let [message] = &messages[..] else { panic!("one: {messages:?}") };
        let metadata = message.get_snapshot().get_metadata();
        let membership = metadata.get_conf_state();
        assert_eq!(
            (metadata.index, &membership.voters[..], &membership.learners[..]),
            (4, &[1][..], &[2][..])
        );
    });
}

/// A follower's snapshot is on its way to the disk when the leader's comes. It leads afterwards, and has only the newer one to send.
#[test]
fn a_snapshot_of_the_leader_stays_when_an_older_one_becomes_durable() {
    check_sequence(|| {
        let mut steps = compacting(&[1, 2]);
        let log = (1..=4).map(|index| entry(index, vec![1])).collect();
        steps.on_message(append_entries(log, 4));
        steps.disk_catches_up(); // its snapshot is due now
        steps.on_message(snapshot(9, &[1, 2]));
        let requests = steps.disk_catches_up();
        let snapshots = requests.iter().map(|request| {
            let snapshot = request.snapshot.as_ref().expect("all there is");
            (snapshot.get_metadata().index, request.hard_state.as_ref().map(|state| state.commit))
        });
        assert_eq!(snapshots.collect::<Vec<_>>(), [(4, Some(4)), (9, Some(9))]);
        for _ in 0..2 * ELECTION_TIMEOUT {
            steps.on(Event::Tick);
        }
        steps.settle();
        let term = steps.node().status().leadership.term;
        let mut vote = message(MessageType::MsgRequestVoteResponse);
        vote.term = term;
        steps.on_message(vote);
        steps.settle();
        let mut refused = refuses(9, 0);
        refused.term = term;
        steps.sent_to(2);
        steps.on_message(refused);
        assert_eq!(sent(&mut steps), [(MessageType::MsgSnapshot, 9)]);
    });
}

/// Entries that are not committed yet, and the vote, are behind the snapshot in its request, and nowhere else.
#[test]
fn what_a_restart_finds_behind_a_snapshot_is_in_its_request() {
    check_sequence(|| {
        let mut steps = compacting(&[1, 2]);
        let mut log: Vec<_> = (1..=4).map(|index| entry(index, vec![1])).collect();
        log.push(change_entry(5, &change([(AddLearnerNode, 3)])));
        steps.on_message(append_entries(log, 4));
        steps.disk_catches_up();
        let requests = steps.disk_catches_up();
        let [request] = &requests[..] else { panic!("one: {requests:?}") };
        let behind: Vec<u64> = request.entries.iter().map(|entry| entry.index).collect();
        let hard_state = request.hard_state.as_ref().map(|state| (state.term, state.commit));
        assert_eq!((behind, hard_state, request.must_sync), (vec![5], Some((2, 4)), true));
        assert!(steps.node().membership().learners.is_empty());
    });
}

/// Enough is applied for a second snapshot while the disk works on the first.
#[test]
fn one_compaction_is_under_way_at_a_time() {
    check_sequence(|| {
        let mut steps = compacting(&[1, 2]);
        steps.on_message(append_entries((1..=8).map(|index| entry(index, vec![1])).collect(), 4));
        steps.disk_catches_up();
        let first = steps.member.requests.try_recv().expect("the first snapshot");
        let mut committed = message(MessageType::MsgHeartbeat);
        committed.commit = 8;
        steps.on_message(committed.clone());
        let second = steps.member.requests.try_recv().expect("the commit index alone");
        assert_eq!((first.snapshot.is_some(), second.snapshot.is_some()), (true, false));
        assert_eq!(steps.node().status().applied, 8);
        for request in [&first, &second] {
            steps.member.world.lock().persist(request);
        }
        steps.on(Event::Persisted(Ok(second.number)));
        steps.on_message(committed); // a round with anything to do
        let third = steps.disk_catches_up();
        assert!(matches!(&third[..], [one] if one.snapshot.is_some()));
        assert_eq!(steps.node().status().first_index, 7);
    });
}

#[test]
fn a_leader_knows_how_far_each_member_has_come() {
    check_sequence(|| {
        let mut steps = leader_of_a_learner();
        steps.on_message(acknowledges(3));
        let members = steps.node().progress().expect("it leads");
        let seen: Vec<_> = members.iter().map(|m| (m.node_id, m.is_voter, m.matched_index)).collect();
        assert_eq!(seen, [(1, true, 5), (2, false, 3)]);
        assert!(members.iter().all(|member| member.recently_active));
        assert!(!steps.node().status().is_learner);
        steps.on_message(message(MessageType::MsgHeartbeat)); // of another leader
        assert_eq!(steps.node().progress(), None);
    });
}

#[test]
fn a_learner_is_a_follower_without_a_vote() {
    check_sequence(|| {
        let conf_state = ConfState { voters: vec![2], learners: vec![1], ..ConfState::default() };
        let state = RaftState { conf_state, ..RaftState::default() };
        let disk = MemoryStore::recovered(state, Snapshot::default(), Vec::new());
        let mut steps = Steps::of(member_with(disk, false));
        steps.run();
        let status = steps.node().status();
        assert_eq!((status.role, status.is_learner), (Role::Follower, true));
        assert_eq!(steps.node().membership().voters, [2]);
    });
}
