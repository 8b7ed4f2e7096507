//! The state machine: who leads which partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::raft_loop::StateMachine;
use concurrency_models::sync::Mutex;
use raft::eraftpb::{Entry, Snapshot};

use crate::history::History;

/// An election: in `partition`, `leader` follows whoever led in `epoch`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Election {
    pub(crate) partition: u8,
    pub(crate) epoch: u8,
    pub(crate) leader: u8,
    /// Tells entries apart that say the same.
    pub(crate) serial: u8,
}

impl Election {
    pub(crate) fn encode(self) -> Vec<u8> {
        vec![self.partition, self.epoch, self.leader, self.serial]
    }

    pub(crate) fn decode(data: &[u8]) -> Self {
        let &[partition, epoch, leader, serial] = data else {
            panic!("an entry that nobody proposed: {data:?}")
        };
        Self { partition, epoch, leader, serial }
    }
}

/// What a member has applied, in order.
pub(crate) type Log = Vec<(u64, Vec<u8>)>;

pub(crate) struct Elections {
    epochs: BTreeMap<u8, u8>,
    log: Log,
    pub(crate) image: Arc<Image<Log>>,
    pub(crate) history: Arc<Mutex<History>>,
}

impl Elections {
    pub(crate) fn new(history: Arc<Mutex<History>>) -> Self {
        Self { epochs: BTreeMap::new(), log: Log::new(), image: Arc::new(Image::new(Log::new())), history }
    }

    /// Returns whether it was an election that came in time.
    fn elect(&mut self, index: u64, data: &[u8]) -> bool {
        self.log.push((index, data.to_vec()));
        let Election { partition, epoch, .. } = Election::decode(data);
        let now = self.epochs.entry(partition).or_default();
        let elected = *now == epoch;
        *now += u8::from(elected);
        elected
    }
}

/// Index and data of each entry: a state that has not forgotten how it came about.
fn encode(log: &Log) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, data) in log {
        bytes.extend(index.to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Log {
    const INDEX_BYTES: usize = size_of::<u64>();
    const ENTRY_BYTES: usize = INDEX_BYTES + size_of::<Election>();
    let (entries, []) = bytes.as_chunks::<ENTRY_BYTES>() else { panic!("a snapshot that nobody made") };
    let entry = |entry: &[u8; ENTRY_BYTES]| {
        let (index, data) = entry.split_first_chunk::<INDEX_BYTES>().expect("it is longer");
        (u64::from_be_bytes(*index), data.to_vec())
    };
    entries.iter().map(entry).collect()
}

impl StateMachine for Elections {
    /// Whether it was elected.
    type Applied = bool;

    fn apply(&mut self, entry: &Entry) -> Result<bool, String> {
        assert!(
            self.log.last().is_none_or(|(last, _)| *last < entry.index),
            "applied twice, or out of order"
        );
        let elected = self.elect(entry.index, &entry.data);
        let mut history = self.history.lock();
        history.applied(entry.index, &entry.data);
        if elected {
            let Election { partition, epoch, leader, .. } = Election::decode(&entry.data);
            history.elected(partition, epoch + 1, leader);
        }
        Ok(elected)
    }

    /// What a snapshot says was applied must be what was.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let restarts = self.image.version() == 0; // it has shown nothing yet
        self.history.lock().restored(restarts);
        (self.epochs, self.log) = Default::default();
        for (index, data) in decode(&snapshot.data) {
            assert!(index <= snapshot.get_metadata().index, "a snapshot of more than it says");
            self.elect(index, &data);
            self.history.lock().applied(index, &data);
        }
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        encode(&self.log)
    }

    fn publish(&mut self) {
        self.image.replace(self.log.clone());
    }
}
