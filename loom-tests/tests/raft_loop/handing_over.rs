//! A leader hands over while others propose: whoever proposed hears what has become of it, and the next one is told to lead when it has everything.

use std::sync::Arc;

use concurrency_models::raft_loop::{MemoryStore, Node, Outcome, ProposeError, Proposed};
use concurrency_models::sync::Mutex;
use loom_tests::check;
use loom_tests::run::{Running, block_on, spawn_deep};
use raft::eraftpb::{Message, MessageType};

use crate::end::{End, end};
use crate::group::{Member, deep, leader_of_two, start, stop};
use crate::messages::{arrives, message};
use crate::world::{World, serve_until};

type Made = Result<Proposed<usize>, ProposeError>;

/// Another client proposes.
fn proposes(node: &Node<MemoryStore, usize>) -> Running<Made> {
    let node = node.clone();
    spawn_deep(move || node.propose(vec![7]))
}

/// Node 2 has everything up to this index.
fn acknowledged(index: u64) -> Message {
    let mut response = message(MessageType::MsgAppendResponse);
    (response.term, response.index) = (1, index);
    response
}

/// Whether node 2 was told to lead, once.
fn is_told_to_lead(world: &Arc<Mutex<World>>) -> bool {
    let told = |message: &&Message| message.get_msg_type() == MessageType::MsgTimeoutNow;
    world.lock().sent.iter().filter(told).count() == 1
}

/// What was proposed before is committed first; what comes later is refused at once.
#[test]
fn who_is_to_lead_is_told_so_when_it_has_what_was_proposed_before() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = leader_of_two();
            let client = proposes(&node);
            assert_eq!(node.transfer_leadership(2), Ok(()));
            let made = client.join();
            let running = start(raft_loop, &world);
            let outcome = match made {
                Ok(mut waiting) => {
                    serve_until(2, &mut requests, &events, &world);
                    assert!(events.try_send(arrives(acknowledged(2))).is_ok());
                    let outcome = block_on(waiting.outcome()).expect("answered");
                    assert_eq!(outcome, Outcome::Applied { index: 2, value: Some(0) });
                    Ok(outcome)
                }
                Err(error) => {
                    assert_eq!(error, ProposeError::Dropped, "it leads, and is about to lead no longer");
                    Err(error)
                }
            };
            drop((node, events)); // the loop does what it has to do, and ends
            assert_eq!(running.join(), Ok(()));
            assert!(is_told_to_lead(&world), "nobody leads if it is not");
            (outcome, end(world, shown))
        })
    });
}

/// What became of a proposal and of the handing over, and the end.
type Seen = (Result<Outcome<usize>, ProposeError>, Result<(), ProposeError>, End);

/// Node 2 leads already, without what is proposed here: whoever waits for that hears it, and whoever comes later is sent there.
fn another_takes_over(proposes_first: bool) -> Seen {
    let Member { node, events, shown, world, requests, raft_loop, .. } = leader_of_two();
    assert!(events.try_send(arrives(message(MessageType::MsgHeartbeat))).is_ok()); // of term 2
    let running = start(raft_loop, &world);
    let before = proposes_first.then(|| node.propose(vec![7]));
    let handed_over = node.transfer_leadership(2);
    assert!(matches!(handed_over, Ok(()) | Err(ProposeError::NotLeader { leader_id: 2 })));
    let made = before.unwrap_or_else(|| node.propose(vec![7]));
    let learned = made.map(|mut waiting| block_on(waiting.outcome()).expect("answered"));
    match &learned {
        Ok(outcome) => assert_eq!((outcome, proposes_first), (&Outcome::LeaderChanged, true)),
        Err(ProposeError::NotLeader { leader_id }) => assert_eq!(*leader_id, 2),
        Err(error) => assert_eq!((error, proposes_first), (&ProposeError::Dropped, false)),
    }
    stop(&events, running);
    drop(requests);
    (learned, handed_over, end(world, shown))
}

#[test]
fn a_proposal_before_another_takes_over_is_answered() {
    check(|| deep(|| another_takes_over(true)));
}

#[test]
fn a_proposal_while_another_takes_over_is_answered() {
    check(|| deep(|| another_takes_over(false)));
}

/// The loop sleeps when it is asked to hand over: it is woken for that, and for nothing else.
#[test]
fn a_loop_that_sleeps_hands_over_at_once() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, requests, raft_loop, .. } = leader_of_two();
            let running = start(raft_loop, &world);
            assert_eq!(node.transfer_leadership(2), Ok(()));
            drop((node, events));
            assert_eq!(running.join(), Ok(()));
            assert!(is_told_to_lead(&world), "it slept on");
            drop(requests);
            end(world, shown)
        })
    });
}
