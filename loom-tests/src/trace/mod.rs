//! What the threads of one execution did, step by step: what a sequence diagram is drawn from.
//!
//! With `CHRONIK_TRACE` set to the name of a file, every step of the execution that runs is kept, and a panic writes them there: one JSON
//! object per line. It is the hook of the panic that writes, because a deadlock that loom finds aborts the process.
//!
//! ```text
//! {"scenario":"mailbox::...","checker":"loom","execution":17,"threads":["main","1","2"]}
//! {"thread":1,"step":"acquired","access":"lock","object":0,"guards":"mailbox::State<u32>","created":"...","site":"...:101"}
//! {"thread":0,"step":"joining","other":1}
//! {"thread":1,"blocked":"requested","object":0,"by":[0]}
//! ```
//!
//! The lines that say `blocked` are last: who is stuck when the execution ends, at what, and who is in the way.

mod blocked;
mod json;
mod thread;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use concurrency_models::sync::event::{Event, Observer, Observing, observe};

pub(crate) use thread::Handed;

/// Names the file that a failing execution is written to.
pub const VARIABLE: &str = "CHRONIK_TRACE";

/// More steps than an execution has; what comes after is counted, not kept.
const STEPS_AT_MOST: usize = 100_000;

/// One thing that a thread did.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which thread: 0 is the one that the scenario starts on, the others are numbered as they are spawned.
    pub thread: u32,
    /// What it did.
    pub action: Action,
}

/// What a thread does.
#[derive(Clone, Copy, Debug)]
pub enum Action {
    /// Something with a lock.
    Event(Event),
    /// Starts this thread.
    Spawned(u32),
    /// Waits for the end of this thread.
    Joining(u32),
    /// This thread has ended, and was waited for.
    Joined(u32),
    /// Ends.
    Ended,
}

/// The steps of one execution.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// In the order in which they were taken.
    pub steps: Vec<Step>,
    /// How many came after those that are kept.
    pub lost: usize,
    /// How many threads there were.
    pub threads: u32,
    /// Which execution it is, from 1.
    pub execution: u64,
}

/// Keeps the steps of the execution that runs.
pub(crate) struct Recorder {
    scenario: String,
    /// Where a failing execution is written to.
    file: Option<PathBuf>,
    /// A lock that no checker knows: it is never held while a thread of the scenario can be switched.
    trace: Lock<Trace>,
}

#[expect(clippy::disallowed_types, reason = "the recorder must not show up in what it records")]
type Lock<T> = std::sync::Mutex<T>;

impl Recorder {
    fn change<R>(&self, change: impl FnOnce(&mut Trace) -> R) -> R {
        let mut trace = self.trace.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut trace)
    }

    fn add(&self, action: Action) {
        let thread = thread::number();
        self.change(|trace| {
            if trace.steps.len() < STEPS_AT_MOST {
                trace.steps.push(Step { thread, action });
            } else {
                trace.lost += 1;
            }
        });
    }

    /// Forgets the last execution.
    fn start(&self) {
        self.change(|trace| {
            trace.steps.clear();
            trace.lost = 0;
            trace.threads = 1;
            trace.execution += 1;
        });
    }
}

impl Observer for Recorder {
    fn event(&self, event: &Event) {
        self.add(Action::Event(*event));
    }
}

/// Records the executions of a scenario while it lives: on this thread and on those that a scenario spawns.
#[must_use = "dropped at once, nothing is recorded"]
pub(crate) struct Recording {
    before: Option<Arc<Recorder>>,
    _observing: Observing,
}

/// Starts to record, if the environment names a file.
pub(crate) fn record(scenario: &str) -> Option<Recording> {
    file().map(|file| {
        begin(Recorder { scenario: scenario.to_owned(), file: Some(file), trace: Lock::default() })
    })
}

fn begin(recorder: Recorder) -> Recording {
    hand_over(Arc::new(recorder))
}

fn hand_over(recorder: Arc<Recorder>) -> Recording {
    Recording { before: thread::CURRENT.replace(Some(recorder.clone())), _observing: observe(recorder) }
}

impl Drop for Recording {
    fn drop(&mut self) {
        thread::CURRENT.set(self.before.take());
    }
}

/// Records `scenario` run once on real threads and returns what it did, for tests of what looks at traces.
#[cfg(not(any(loom, shuttle)))]
pub fn of(scenario: impl FnOnce()) -> Trace {
    let recorder = Arc::new(Recorder { scenario: String::new(), file: None, trace: Lock::default() });
    let recording = hand_over(recorder.clone());
    recorder.start();
    scenario();
    drop(recording);
    recorder.change(|trace| trace.clone())
}

/// To be called at the start of each execution.
pub(crate) fn start_execution() {
    thread::with_current(Recorder::start);
}

/// Writes what the execution that runs has done so far. To be called when it panics: nothing in here may touch a checker.
pub(crate) fn write_failure() {
    thread::with_current(|recorder| {
        let Some(file) = &recorder.file else { return };
        let text = recorder.change(|trace| json::write(trace, &recorder.scenario, crate::built()));
        if let Err(error) = std::fs::write(file, text) {
            eprintln!("{}: {error}", file.display());
        }
    });
}

fn file() -> Option<PathBuf> {
    let name: OsString = std::env::var_os(VARIABLE)?;
    (!name.is_empty()).then(|| name.into())
}
