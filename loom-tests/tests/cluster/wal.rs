//! A member's disk and the thread that writes to it.

use std::sync::Arc;

use concurrency_models::mailbox::{Receiver, Sender};
use concurrency_models::raft_loop::{Event, LogStore, MemoryStore, Persist};
use concurrency_models::sync::Mutex;
use loom_tests::run::{Running, block_on, spawn_deep};
use raft::RaftState;

use crate::history::History;

/// What is on the disk, and what the operating system has of it.
pub(crate) struct Disk {
    /// Survives a power cut.
    pub(crate) synced: MemoryStore,
    /// Written since the last sync: lost with the power.
    written: Vec<Persist>,
    /// The power is off.
    pub(crate) off: bool,
    history: Arc<Mutex<History>>,
}

impl Disk {
    pub(crate) fn new(synced: MemoryStore, history: Arc<Mutex<History>>) -> Self {
        Self { synced, written: Vec::new(), off: false, history }
    }

    /// Writes all of it in order, and syncs if one of it asks for that. Returns the number of the last one, or nothing without power.
    fn write(&mut self, requests: Vec<Persist>) -> Option<u64> {
        if self.off {
            self.history.lock().seen.cut_short |= requests.iter().any(|request| request.snapshot.is_some());
            return None;
        }
        self.written.extend(requests);
        if self.written.iter().any(|request| request.must_sync) {
            let synced = &mut self.synced;
            let last = self.written.drain(..).inspect(|request| put(synced, request)).last()?;
            return Some(last.number);
        }
        self.written.last().map(|last| last.number)
    }
}

/// A request with a snapshot is all there is.
fn put(disk: &mut MemoryStore, request: &Persist) {
    if let Some(snapshot) = &request.snapshot {
        let hard_state = request.hard_state.clone().expect("a request with a snapshot has a hard state");
        let conf_state = snapshot.get_metadata().get_conf_state().clone();
        let state = RaftState { hard_state, conf_state };
        *disk = MemoryStore::recovered(state, snapshot.clone(), request.entries.clone());
        return;
    }
    disk.put_entries(&request.entries);
    if let Some(hard_state) = &request.hard_state {
        disk.put_hard_state(hard_state);
    }
}

/// The WAL thread: takes what is there, writes it, says so; until the loop is gone.
pub(crate) fn start(
    mut requests: Receiver<Persist>,
    events: Sender<Event>,
    disk: Arc<Mutex<Disk>>,
) -> Running<()> {
    spawn_deep(move || {
        while let Some(first) = block_on(requests.recv()) {
            let mut batch = vec![first];
            batch.extend(std::iter::from_fn(|| requests.try_recv()));
            if let Some(number) = disk.lock().write(batch) {
                let _ended = block_on(events.send(Event::Persisted(Ok(number))));
            }
        }
    })
}
