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
}

impl StateMachine for Elections {
    /// Whether it was elected.
    type Applied = bool;

    fn apply(&mut self, entry: &Entry) -> bool {
        assert!(
            self.log.last().is_none_or(|(last, _)| *last < entry.index),
            "applied twice, or out of order"
        );
        self.log.push((entry.index, entry.data.to_vec()));
        let Election { partition, epoch, leader, .. } = Election::decode(&entry.data);
        let now = self.epochs.entry(partition).or_default();
        let elected = *now == epoch;
        if elected {
            *now += 1;
        }
        let mut history = self.history.lock();
        history.applied(entry);
        if elected {
            history.elected(partition, epoch + 1, leader);
        }
        elected
    }

    fn restore(&mut self, snapshot: &Snapshot) {
        panic!("nobody makes snapshots: {snapshot:?}");
    }

    fn publish(&mut self) {
        self.image.replace(self.log.clone());
    }
}
