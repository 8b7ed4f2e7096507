//! Enter, close, drained: who is inside finishes, nobody new gets in, and the one who closed learns when the last is out.

use std::sync::Arc;

use crate::monitor::{Monitor, WaitQueue};

struct State {
    inside: usize,
    closed: bool,
    draining: WaitQueue,
}

/// The door to something that will be shut down. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Monitor<State>>);

/// Being inside. The work it covers may use what the gate protects; it ends with the drop.
#[derive(Debug)]
#[must_use = "dropped at once, it protects nothing"]
pub struct Pass(Gate);

impl Gate {
    /// An open gate.
    pub fn new() -> Self {
        Self(Arc::new(Monitor::new(State { inside: 0, closed: false, draining: WaitQueue::new() })))
    }

    /// Goes in; `None` once the gate is closed.
    pub fn enter(&self) -> Option<Pass> {
        let entered = self.0.with(|state| {
            if !state.closed {
                state.inside += 1;
            }
            !state.closed
        });
        entered.then(|| Pass(self.clone()))
    }

    /// Lets nobody in any more.
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            if state.inside == 0 {
                wakes.all(&mut state.draining);
            }
        });
    }

    /// Waits until the gate is closed and nobody is inside.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    pub async fn drained(&self) {
        let drained = self.0.wait(
            |state| &mut state.draining,
            (),
            |state, _| (state.closed && state.inside == 0).then_some(()),
        );
        drained.await;
    }

    /// How many are inside.
    pub fn inside(&self) -> usize {
        self.0.with(|state| state.inside)
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.0.update(|state, wakes| {
            state.inside -= 1;
            if state.closed && state.inside == 0 {
                wakes.all(&mut state.draining);
            }
        });
    }
}
