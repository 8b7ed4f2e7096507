//! The node lock: taken once in a round, and nothing else is waited for while it is held.

use std::sync::Arc;

use concurrency_models::raft_loop::{Event, LogStore, Outcome};
use concurrency_models::sync::event::{self, Access, Kind, Observer, observe};
use loom_tests::run::block_on;
use loom_tests::{check, check_sequence};
use raft::eraftpb::ConfChangeType::AddLearnerNode;
use raft::eraftpb::HardState;

use crate::end::end;
use crate::group::{Member, deep, member, start, stop};
use crate::messages::change;
use crate::world::serve_one;

/// Counts how often the lock around the `RawNode` is taken, and lets others see everything, too.
#[derive(Default)]
struct Acquisitions {
    count: Counter,
    others: Option<Arc<dyn Observer>>,
}

#[expect(clippy::disallowed_types, reason = "what counts locks must not be one")]
type Counter = std::sync::atomic::AtomicU64;

impl Observer for Acquisitions {
    fn event(&self, event: &event::Event) {
        let taken = matches!(event.kind, Kind::Acquired(Access::Write | Access::Read));
        if taken && event.object.guards.contains("RawNode") {
            self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        if let Some(others) = &self.others {
            others.event(event);
        }
    }
}

/// Three rounds: the entries become ready; they are committed and the change is applied; the new learner is told.
#[test]
fn a_round_takes_the_node_lock_once() {
    check_sequence(|| {
        deep(|| {
            let Member { node, events, shown, world, raft_loop, requests, .. } = member(&[1]);
            world.lock().disk.put_hard_state(&HardState { term: 1, vote: 1, ..HardState::default() });
            let changed = node.propose_conf_change(change([(AddLearnerNode, 2)]));
            assert!(events.try_send(Event::Persisted(Ok(1))).is_ok()); // the request of the first round
            drop((node, events)); // so that the loop ends when it has nothing more to do
            let taken = Arc::new(Acquisitions { others: event::observer(), ..Acquisitions::default() });
            let observing = observe(taken.clone());
            assert_eq!(block_on(raft_loop.run()), Ok(()));
            drop(observing);
            let outcome = block_on(changed.expect("it leads").outcome());
            assert_eq!(outcome, Ok(Outcome::Applied { index: 2, value: None }));
            assert_eq!(taken.count.load(std::sync::atomic::Ordering::Relaxed), 3, "one for each round");
            drop(requests);
            end(world, shown)
        })
    });
}

#[test]
fn whoever_holds_the_state_may_ask_the_node() {
    check(|| {
        deep(|| {
            let Member { node, events, shown, world, mut requests, raft_loop, .. } = member(&[1]);
            let mut waiting = node.propose(vec![7]).expect("it leads");
            let running = start(raft_loop, &world);
            serve_one(&mut requests, &events, &world);
            let seen = {
                let shown = shown.lock();
                let applied = node.status().applied;
                assert!(*shown as u64 <= applied, "nothing is shown before it is applied");
                (*shown, applied)
            };
            let outcome = block_on(waiting.outcome());
            assert!(matches!(outcome, Ok(Outcome::Applied { index: 2, .. })));
            stop(&events, running);
            (seen, outcome, end(world, shown))
        })
    });
}
