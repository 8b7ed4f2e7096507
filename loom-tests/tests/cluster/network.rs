//! The network: what was sent and has not arrived. What becomes of it is not decided here.

use std::collections::VecDeque;
use std::sync::Arc;

use concurrency_models::raft_loop::Transport;
use concurrency_models::sync::Mutex;
use raft::eraftpb::Message;

use crate::history::History;

/// Messages on their way at most; more are lost.
const ON_THE_WAY: usize = 64;

#[derive(Clone, Default)]
pub(crate) struct Network {
    on_the_way: Arc<Mutex<VecDeque<Message>>>,
    pub(crate) history: Arc<Mutex<History>>,
}

impl Network {
    /// The message that has been on its way for longest, or another.
    pub(crate) fn take(&self, choose: impl FnOnce(usize) -> usize) -> Option<Message> {
        let mut on_the_way = self.on_the_way.lock();
        let count = on_the_way.len();
        if count == 0 { None } else { on_the_way.remove(choose(count)) }
    }

    pub(crate) fn put_back(&self, message: Message) {
        let mut on_the_way = self.on_the_way.lock();
        if on_the_way.len() < ON_THE_WAY {
            on_the_way.push_back(message);
        }
    }
}

impl Transport for Network {
    fn send(&mut self, message: Message) {
        self.history.lock().sent(&message);
        self.put_back(message);
    }
}
