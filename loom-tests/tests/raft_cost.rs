//! What a real `RawNode` costs under loom: executions per second of a scenario with one, and of an empty model of the same shape.
#![cfg(loom)]

use std::io::Write;
use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::pending::Pending;
use concurrency_models::raft_loop::{
    self, Compaction, ElectionTimeouts, Event, MemoryStore, Outcome, StateMachine, Transport,
};
use concurrency_models::sync::RwLock;
use loom_tests::executions_per_second;
use loom_tests::run::{block_on, spawn_deep};
use raft::eraftpb::{Entry, Message, Snapshot};
use raft::{Config, RawNode};

/// A checker that spends less than this on checking would be better off with a mock-up; a busy machine is allowed for.
const SHARE_AT_LEAST: f64 = 0.4;

/// Measurements of each.
const ROUNDS: usize = 10;

struct Count(usize, Arc<Image<usize>>);

impl StateMachine for Count {
    type Applied = usize;
    fn apply(&mut self, _: &Entry) -> Result<usize, String> {
        self.0 += 1;
        Ok(self.0)
    }
    fn restore(&mut self, _: &Snapshot) -> Result<(), String> {
        Ok(())
    }
    fn snapshot(&self) -> Vec<u8> {
        Vec::new()
    }
    fn publish(&mut self) {
        self.1.replace(self.0);
    }
}

struct Nowhere;

impl Transport for Nowhere {
    fn send(&mut self, message: Message) {
        panic!("a group of one sends nothing: {message:?}");
    }
}

struct Same;

impl ElectionTimeouts for Same {
    fn next(&mut self) -> usize {
        10
    }
}

/// As in production: it is asked in each round, and never due.
const COMPACTION: Compaction =
    Compaction { after_entries: 10_000, after_bytes: 1 << 24, keep_entries: 1_000 };

/// A proposal of a single voter, from the client to the disk and back.
fn with_a_raw_node() {
    let config = Config {
        id: 1,
        election_tick: 10,
        heartbeat_tick: 1,
        min_election_tick: 10,
        max_election_tick: 11,
        ..Config::default()
    };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    let mut raw =
        RawNode::new(&config, MemoryStore::new([1]), &logger).expect("a configuration that raft takes");
    raw.campaign().expect("nobody is in the way");
    let image = Arc::new(Image::new(0));
    let (events, inbox) = mailbox::channel(16);
    let machine = Count(0, image.clone());
    let (node, raft_loop, mut requests) =
        raft_loop::new(raw, (events.clone(), inbox), machine, Nowhere, Same, COMPACTION);
    let mut waiting = node.propose(vec![7]).expect("a single voter leads");
    let running = spawn_deep(move || block_on(raft_loop.run()));
    let request = block_on(requests.recv()).expect("the loop asks");
    assert!(block_on(events.send(Event::Persisted(Ok(request.number)))).is_ok());
    assert_eq!(block_on(waiting.outcome()), Ok(Outcome::Applied { index: 2, value: Some(1) }));
    assert_eq!(*image.load(), 1);
    assert!(block_on(events.send(Event::Stop)).is_ok());
    assert_eq!(running.join(), Ok(()));
}

/// The same threads, and what they do with locks, around a number.
fn without() {
    let node = Arc::new(RwLock::new(0u64));
    let pending = Pending::<u64, usize>::new();
    let image = Arc::new(Image::new(0));
    let (events, inbox) = mailbox::channel(16);
    let (to_wal, mut requests) = mailbox::channel(16);
    let mut waiting = {
        let mut raw = node.write();
        *raw += 1;
        pending.open().expect("it is open")
    };
    let running = spawn_deep({
        let image = image.clone();
        move || empty_loop(&node, &pending, &image, inbox, &to_wal)
    });
    let request: u64 = block_on(requests.recv()).expect("the loop asks");
    assert!(block_on(events.send(Some(request))).is_ok());
    assert_eq!(block_on(waiting.outcome()), Ok(1));
    assert_eq!(*image.load(), 1);
    assert!(block_on(events.send(None)).is_ok());
    running.join();
}

fn empty_loop(
    node: &RwLock<u64>,
    pending: &Pending<u64, usize>,
    image: &Image<usize>,
    mut inbox: Receiver<Option<u64>>,
    to_wal: &Sender<u64>,
) {
    *node.write() += 1;
    assert!(to_wal.try_send(1).is_ok());
    while let Some(Some(_persisted)) = block_on(inbox.recv()) {
        if let Some(None) = inbox.try_recv() {
            break;
        }
        *node.write() += 1;
        image.replace(1usize);
        pending.complete(0, 1);
        assert!(to_wal.try_send(2).is_ok());
    }
    inbox.close();
    pending.close(|_| 0);
    image.close();
}

#[test]
fn a_real_raw_node_costs_less_than_the_checking() {
    // in turns, and the best of each: whatever else the machine does takes time from both
    let mut best = [0.0_f64; 2];
    for _ in 0..ROUNDS {
        let with = executions_per_second(|| spawn_deep(with_a_raw_node).join());
        let without = executions_per_second(|| spawn_deep(without).join());
        for (best, rate) in best.iter_mut().zip([with, without]) {
            *best = best.max(rate);
        }
    }
    let [with, without] = best;
    let share = with / without;
    let text = format!("executions/s: {with:.0} with a RawNode, {without:.0} without; share {share:.2}");
    let _unwritable = std::io::stderr().write_all(format!("{text}\n").as_bytes()); // past the capture of tests
    assert!(share >= SHARE_AT_LEAST, "{text}");
}
