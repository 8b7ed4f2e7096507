//! Composition: two nodes with a log each, a produce that waits, and leaders that change under it. *Acknowledged implies in the log of every later
//! leader.*
//!
//! As in the server, the log of a node is changed by one thread, which takes turns: what a produce or the leader has queued, and to lead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use concurrency_models::epoch::Leadership;
use concurrency_models::isr::{Acknowledgement, Appended, Assignment, Isr, Sent};
use loom_tests::check;
use loom_tests::run::{Running, block_on, spawn};
use loom_tests::turns::Turns;

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
    log: Turns<Work, Log>,
}

/// What is on the disk.
#[derive(Default)]
struct Log {
    records: Vec<u32>,
    /// What the leader is told of: those that came from it and were written.
    received: Vec<u32>,
}

/// What is queued for a log.
enum Work {
    /// To append a record of this node's, which leads.
    Append(u32),
    /// The same with one of the leader's, which this node follows.
    Receive(Sent<u32>),
    /// To become what the leader's log is: to be cut, and filled.
    Become(Sent<Vec<u32>>),
    /// To lead in this epoch, from the end of the log on. A record that is given is appended then, if there is none.
    Lead(i32, Option<u32>),
}

impl Node {
    fn new(id: i32) -> Self {
        Self { isr: Arc::new(Isr::new(id, 0)), log: Turns::new(Log::default()) }
    }

    fn records(&self) -> Vec<u32> {
        self.log.read(|log| log.records.clone())
    }

    /// Queues, waits until it is carried out and synced, and looks at the log.
    fn carry_out<R>(&self, work: Work, look: impl FnOnce(&Log) -> R) -> R {
        self.log.queue(work);
        self.flush(look)
    }

    fn flush<R>(&self, look: impl FnOnce(&Log) -> R) -> R {
        let take_turn = |log: &mut Log, work| match work {
            Work::Append(record) => log.records.push(record),
            Work::Receive(sent) => {
                if let Ok(record) = self.isr.in_turn(sent) {
                    log.records.push(record);
                    log.received.push(record);
                }
            }
            Work::Become(sent) => {
                if let Ok(records) = self.isr.in_turn(sent) {
                    log.records = records;
                }
            }
            Work::Lead(epoch, first) => {
                let replicas = BTreeMap::from([(A, 1), (B, 1)]);
                let both = Assignment { replicas, in_sync: BTreeSet::from([A, B]), partition_epoch: 0 };
                let end = log.records.len() as i64;
                self.isr.lead(epoch, both, end, 0).expect("a newer epoch");
                log.records.extend(first.filter(|_| end == 0));
            }
        };
        self.log.take(take_turn, look)
    }

    /// What the produce request does before it waits: append, sync, acknowledge for this node.
    fn append(&self, epoch: i32, record: u32) -> Result<Appended<()>, ()> {
        let queue = || self.log.queue(Work::Append(record));
        let appended = self.isr.append(epoch, 0, queue).map_err(|_not_the_leader| ())?;
        self.flush(|_| ());
        self.acknowledge(epoch, A, 1);
        Ok(appended)
    }

    fn committed(&self, appended: &Appended<()>) -> Result<(), ()> {
        block_on(self.isr.committed(appended, 1)).map(|_| ()).map_err(|_unknown| ())
    }

    /// The whole produce request, on a thread of its own.
    fn produce(&self, epoch: i32, record: u32) -> Running<Result<(), ()>> {
        let node = self.clone();
        spawn(move || node.committed(&node.append(epoch, record)?))
    }

    fn acknowledge(&self, epoch: i32, replica: i32, offset: i64) {
        let _fenced =
            self.isr.acknowledge(epoch, Acknowledgement { replica, broker_epoch: 1, offset, at_ms: 0 });
    }
}

/// A leads in epoch 1, and B follows.
fn cluster() -> (Node, Node) {
    let (a, b) = (Node::new(A), Node::new(B));
    a.carry_out(Work::Lead(1, None), |_| ());
    b.isr.follow(1, A).expect("the first epoch");
    (a, b)
}

/// The receiver on B: a record of epoch 1 arrives and is queued. What was written in its turn, and only that, is acknowledged.
fn replicate(a: &Node, b: &Node) -> Running<()> {
    let (a, b) = (a.clone(), b.clone());
    spawn(move || {
        let sent = Work::Receive(Sent::new(Leadership::follower(1, A), OLD));
        if b.carry_out(sent, |log| log.received.contains(&OLD)) {
            a.acknowledge(1, B, 1);
        }
    })
}

/// The metadata on both nodes: B leads in epoch 2 and appends if its log is empty; A follows, and its log becomes that of B; A leads
/// again in epoch 3, and the position that it had in epoch 1 is reached and committed.
fn depose(a: &Node, b: &Node) {
    let records = b.carry_out(Work::Lead(2, Some(NEW)), |log| log.records.clone());
    a.isr.follow(2, B).expect("newer");
    a.carry_out(Work::Become(Sent::new(Leadership::follower(2, B), records)), |_| ());
    b.isr.follow(3, A).expect("newer");
    a.carry_out(Work::Lead(3, None), |_| ());
    a.acknowledge(3, A, 1);
    a.acknowledge(3, B, 1);
}

#[test]
fn what_is_acknowledged_is_in_the_log_of_every_later_leader() {
    check(|| {
        let (a, b) = cluster();
        let appended = a.append(1, OLD).expect("leads");
        let producer = spawn({
            let a = a.clone();
            move || a.committed(&appended)
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
        let producer = a.produce(1, OLD);
        depose(&a, &b); // B has never seen the record
        assert_eq!(a.records(), [NEW]);
        assert_eq!(producer.join(), Err(()), "acknowledged, and gone");
    });
}

#[test]
fn a_produce_a_change_of_leader_and_a_shutdown_end() {
    check(|| {
        let (a, b) = cluster();
        let producer = a.produce(1, OLD);
        let shutdown = spawn({
            let a = a.clone();
            move || a.isr.close()
        });
        let deposed = a.isr.follow(2, B);
        a.carry_out(Work::Become(Sent::new(Leadership::follower(2, B), vec![NEW])), |_| ());
        shutdown.join();
        assert_eq!(producer.join(), Err(()), "acknowledged by one of two replicas");
        let records = a.records();
        assert!(deposed.is_ok() || !records.contains(&NEW), "a closed partition was written to");
        assert!(!records.contains(&NEW) || records == [NEW], "what was appended comes after the truncation");
        assert_eq!((a.isr.waiting(), b.records()), (0, vec![]));
        (deposed, records)
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
                let appended = a.append(1, OLD).ok()?;
                give_up_after(1, a.isr.committed(&appended, 1))
            }
        });
        depose(&a, &b);
        let outcome = gives_up.join();
        assert!(!matches!(outcome, Some(Ok(_))), "acknowledged by one of two replicas");
        assert_eq!(a.isr.waiting(), 0, "a produce that is gone still waits");
    });
}
