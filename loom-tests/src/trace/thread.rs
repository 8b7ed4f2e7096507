//! Which thread takes a step, and who records it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

#[cfg(loom)]
use loom::thread_local as of_each_thread;
#[cfg(shuttle)]
use shuttle::thread_local as of_each_thread;
#[cfg(not(any(loom, shuttle)))]
use std::thread_local as of_each_thread;

use super::{Action, Recorder, Recording, hand_over};

thread_local! {
    /// Under loom and shuttle all threads of a scenario run on one thread of the process.
    pub(super) static CURRENT: RefCell<Option<Arc<Recorder>>> = const { RefCell::new(None) };
}

of_each_thread! {
    /// The number of a thread of the scenario.
    static NUMBER: Cell<u32> = Cell::default();
}

pub(super) fn with_current(tell: impl FnOnce(&Recorder)) {
    let current = CURRENT.try_with(|current| current.borrow().clone());
    if let Some(recorder) = current.ok().flatten() {
        tell(&recorder);
    }
}

pub(super) fn number() -> u32 {
    NUMBER.try_with(Cell::get).unwrap_or(0)
}

/// The recorder, if there is one, for a thread that is about to be started.
#[derive(Clone)]
pub(crate) struct Handed(Option<(Arc<Recorder>, u32)>);

impl Handed {
    /// Numbers the new thread.
    pub(crate) fn to_new_thread() -> Self {
        crate::checker::count::thread();
        let current = CURRENT.with_borrow(Clone::clone);
        Self(current.map(|recorder| {
            let number = recorder.change(|trace| {
                trace.threads += 1;
                trace.threads - 1
            });
            recorder.add(Action::Spawned(number));
            (recorder, number)
        }))
    }

    /// The recorder for a thread that stands for this one.
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn to_same_thread() -> Self {
        Self(CURRENT.with_borrow(Clone::clone).map(|recorder| (recorder, number())))
    }

    /// To be called on the new thread, and kept while it runs.
    pub(crate) fn start(self) -> Option<Started> {
        let (recorder, number) = self.0?;
        NUMBER.with(|of_thread| of_thread.set(number));
        Some(Started { recording: hand_over_to_thread(recorder) })
    }

    /// The thread that joins the new one begins to wait.
    pub(crate) fn joining(&self) {
        self.tell(Action::Joining);
    }

    pub(crate) fn joined(&self) {
        self.tell(Action::Joined);
    }

    fn tell(&self, action: impl FnOnce(u32) -> Action) {
        if let Some((recorder, number)) = &self.0 {
            recorder.add(action(*number));
        }
    }
}

/// Under a checker the recorder is there already: its threads are this one.
fn hand_over_to_thread(recorder: Arc<Recorder>) -> Option<Recording> {
    if cfg!(any(loom, shuttle)) { None } else { Some(hand_over(recorder)) }
}

/// A thread that is recorded.
pub(crate) struct Started {
    recording: Option<Recording>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            with_current(|recorder| recorder.add(Action::Ended));
        }
        self.recording.take();
    }
}
