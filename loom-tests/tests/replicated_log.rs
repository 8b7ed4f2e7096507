//! Composition: two nodes with a log each, a produce that waits, and leaders that change under it. *Acknowledged implies in the log of every later
//! leader.*

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use concurrency_models::epoch::Leadership;
use concurrency_models::isr::{Acknowledgement, Assignment, Isr};
use concurrency_models::sync::Mutex;
use loom_tests::check;
use loom_tests::run::{Running, block_on, spawn};

const A: i32 = 1;
const B: i32 = 2;
/// Appended in epoch 1, by A.
const OLD: u32 = 1;
/// Appended in epoch 2, by B.
const NEW: u32 = 2;

/// A partition on one node.
#[derive(Clone)]
struct Node {
    isr: Arc<Isr>,
    /// The records, all of them synced. Locked inside of the critical section of `isr`, if both are.
    log: Arc<Mutex<Vec<u32>>>,
}

impl Node {
    fn new(id: i32) -> Self {
        Self { isr: Arc::new(Isr::new(id, 0)), log: Arc::default() }
    }

    fn records(&self) -> Vec<u32> {
        self.log.lock().clone()
    }

    fn end(&self) -> i64 {
        self.log.lock().len() as i64
    }

    fn lead(&self, epoch: i32) {
        let both = Assignment {
            replicas: BTreeMap::from([(A, 1), (B, 1)]),
            in_sync: BTreeSet::from([A, B]),
            partition_epoch: 0,
        };
        self.isr.lead(epoch, both, self.end(), 0).expect("a newer epoch");
    }

    /// What the produce request does: append, sync, acknowledge for this node, wait.
    fn produce(&self, epoch: i32, record: u32) -> Result<(), ()> {
        let append = || self.log.lock().push(record);
        let appended = self.isr.append(epoch, 0, append).map_err(|_not_the_leader| ())?;
        self.acknowledge(epoch, A, 1);
        block_on(self.isr.committed(&appended, 1)).map(|_| ()).map_err(|_unknown| ())
    }

    fn acknowledge(&self, epoch: i32, replica: i32, offset: i64) {
        let _fenced =
            self.isr.acknowledge(epoch, Acknowledgement { replica, broker_epoch: 1, offset, at_ms: 0 });
    }
}

/// A leads in epoch 1, and B follows.
fn cluster() -> (Node, Node) {
    let (a, b) = (Node::new(A), Node::new(B));
    a.lead(1);
    b.isr.follow(1, A, || ()).expect("the first epoch");
    (a, b)
}

/// The receiver on B: a record of epoch 1 arrives, is synced while that epoch holds, and is acknowledged.
fn replicate(a: &Node, b: &Node) -> Running<()> {
    let (a, b) = (a.clone(), b.clone());
    spawn(move || {
        let written = b.isr.append_as_follower(Leadership::follower(1, A), || b.log.lock().push(OLD));
        if written.is_ok() {
            a.acknowledge(1, B, 1);
        }
    })
}

/// The metadata on both nodes: B leads in epoch 2 and appends if its log is empty; A follows, its log cut and filled to be that of B; A leads
/// again in epoch 3, and the position that it had in epoch 1 is reached and committed.
fn depose(a: &Node, b: &Node) {
    b.lead(2);
    if b.end() == 0 {
        b.log.lock().push(NEW);
    }
    a.isr.follow(2, B, || *a.log.lock() = b.records()).expect("newer");
    b.isr.follow(3, A, || ()).expect("newer");
    a.lead(3);
    a.acknowledge(3, A, 1);
    a.acknowledge(3, B, 1);
}

#[test]
fn what_is_acknowledged_is_in_the_log_of_every_later_leader() {
    check(|| {
        let (a, b) = cluster();
        let producer = spawn({
            let a = a.clone();
            move || a.produce(1, OLD)
        });
        let receiver = replicate(&a, &b);
        depose(&a, &b);
        receiver.join();
        let acknowledged = producer.join();
        assert_eq!(a.isr.high_watermark(), 1);
        let records = a.records();
        assert_eq!(records, b.records(), "two logs, both committed");
        assert!(acknowledged.is_err() || records == [OLD], "acknowledged, and gone");
        (acknowledged, records)
    });
}

#[test]
fn a_produce_that_is_deposed_is_not_acknowledged_by_what_comes_in_its_place() {
    check(|| {
        let (a, b) = cluster();
        let producer = spawn({
            let a = a.clone();
            move || a.produce(1, OLD)
        });
        depose(&a, &b); // B has never seen the record
        assert_eq!(a.records(), [NEW]);
        assert_eq!(producer.join(), Err(()), "acknowledged, and gone");
    });
}

#[test]
fn a_produce_a_change_of_leader_and_a_shutdown_end() {
    check(|| {
        let (a, b) = cluster();
        let producer = spawn({
            let a = a.clone();
            move || a.produce(1, OLD)
        });
        let shutdown = spawn({
            let a = a.clone();
            move || a.isr.close()
        });
        let deposed = a.isr.follow(2, B, || a.log.lock().clear());
        shutdown.join();
        assert_eq!(producer.join(), Err(()), "acknowledged by one of two replicas");
        assert!(deposed.is_err() || a.records().is_empty(), "what was appended comes after the truncation");
        assert_eq!((a.isr.waiting(), b.end()), (0, 0));
        deposed
    });
}

#[cfg(not(loom))]
#[test]
fn a_produce_that_is_given_up_leaves_no_waiter_on_a_deposed_leader() {
    use loom_tests::run::give_up_after;
    check(|| {
        let (a, b) = cluster();
        let gives_up = spawn({
            let a = a.clone();
            move || {
                let appended = a.isr.append(1, 0, || a.log.lock().push(OLD)).ok()?;
                give_up_after(1, a.isr.committed(&appended, 1))
            }
        });
        depose(&a, &b);
        let outcome = gives_up.join();
        assert!(!matches!(outcome, Some(Ok(_))), "acknowledged by one of two replicas");
        assert_eq!(a.isr.waiting(), 0, "a produce that is gone still waits");
    });
}
