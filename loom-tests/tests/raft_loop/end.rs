//! What is left to see of a member when all is over: the final state of a scenario.

use std::sync::Arc;

use concurrency_models::sync::Mutex;
use raft::Storage;
use raft::eraftpb::Message;

use crate::world::World;

/// What the readers, the disk and the other nodes have got, when the loop has ended.
#[derive(Debug)]
#[expect(dead_code, reason = "it is there to be printed")]
pub(crate) struct End {
    /// Entries that the readers were shown at last.
    pub(crate) shown: usize,
    disk: Disk,
    /// Kind, receiver, index, in the order in which they left.
    sent: Vec<String>,
}

/// What a restart would find.
#[derive(Debug)]
#[expect(dead_code, reason = "it is there to be printed")]
pub(crate) struct Disk {
    /// Number of the last request that became durable: requests differ in how much was ready at once.
    requests: u64,
    term: u64,
    vote: u64,
    commit: u64,
    /// Index of the last entry.
    last: u64,
}

/// Takes the world apart.
pub(crate) fn end(world: Arc<Mutex<World>>, shown: Arc<Mutex<usize>>) -> End {
    let world = alone(world);
    End { shown: alone(shown), disk: Disk::of(&world), sent: world.sent.iter().map(told).collect() }
}

impl Disk {
    pub(crate) fn of(world: &World) -> Self {
        let hard_state = world.disk.initial_state().expect("a log in memory").hard_state;
        Self {
            requests: world.persisted,
            term: hard_state.term,
            vote: hard_state.vote,
            commit: hard_state.commit,
            last: world.disk.last_index().expect("a log in memory"),
        }
    }
}

/// What nobody else has any more: there is nothing to lock, and so nothing more for a checker to explore.
pub(crate) fn alone<T>(shared: Arc<Mutex<T>>) -> T {
    Arc::into_inner(shared).expect("the loop has ended, and had the only other one").into_inner()
}

fn told(message: &Message) -> String {
    let refused = if message.reject { ", refused" } else { "" };
    format!("{:?} to {} at {}{refused}", message.get_msg_type(), message.to, message.index)
}
