//! The one thread that changes a log, as small as a checker needs it.

use std::sync::Arc;

use concurrency_models::sync::Mutex;

/// A log and the queue of what is to be done with it. What is queued is carried out in order, group by group, while others queue more.
///
/// In the server a thread of its own does that. Here it is done by whoever has queued something and holds the log: which thread it is makes no difference
/// to anybody, and there is one less to interleave.
pub struct Turns<W, L>(Arc<Inner<W, L>>);

struct Inner<W, L> {
    queue: Mutex<Vec<W>>,
    /// Held by whoever carries out what is queued. The lock of `queue` is taken under it.
    log: Mutex<L>,
}

impl<W, L> Turns<W, L> {
    /// Over a log for which nothing is queued.
    pub fn new(log: L) -> Self {
        Self(Arc::new(Inner { queue: Mutex::new(Vec::new()), log: Mutex::new(log) }))
    }

    /// Queues something.
    pub fn queue(&self, work: W) {
        self.0.queue.lock().push(work);
    }

    /// Has `carry_out` do what is queued, and looks at the log then: all that was queued before has been done.
    pub fn take<R>(&self, mut carry_out: impl FnMut(&mut L, W), look: impl FnOnce(&L) -> R) -> R {
        let mut log = self.0.log.lock();
        let group = std::mem::take(&mut *self.0.queue.lock());
        group.into_iter().for_each(|work| carry_out(&mut log, work));
        look(&log)
    }

    /// Looks at the log between two turns.
    pub fn read<R>(&self, look: impl FnOnce(&L) -> R) -> R {
        look(&self.0.log.lock())
    }
}

impl<W, L> Clone for Turns<W, L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
