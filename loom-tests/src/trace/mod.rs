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
use std::sync::{Arc, PoisonError};

use concurrency_models::sync::event::{Event, Observer, Observing, observe};

use crate::checker::count;
use crate::coverage::{self, Coverage};
use crate::sites::{self, Collector};

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

/// Keeps the steps of the execution that runs, and which sites any has reached. Its locks are none that a checker knows: they are never
/// held while a thread of the scenario can be switched.
pub(crate) struct Recorder {
    scenario: String,
    /// Where a failing execution is written to.
    file: Option<PathBuf>,
    /// `None` if steps are not asked for.
    trace: Option<Lock<Trace>>,
    /// `None` if sites are not asked for.
    sites: Option<Lock<Collector>>,
    /// `None` if pairs of lines are not asked for.
    pairs: Option<Lock<coverage::Collector>>,
}

#[expect(clippy::disallowed_types, reason = "the recorder must not show up in what it records")]
type Lock<T> = std::sync::Mutex<T>;
type LockGuard<'a, T> = std::sync::MutexGuard<'a, T>;

fn locked<T>(lock: &Lock<T>) -> LockGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    fn change<R: Default>(&self, change: impl FnOnce(&mut Trace) -> R) -> R {
        self.trace.as_ref().map(|trace| change(&mut locked(trace))).unwrap_or_default()
    }

    fn add(&self, action: Action) {
        self.change(|trace| {
            let thread = thread::number();
            if trace.steps.len() < STEPS_AT_MOST {
                trace.steps.push(Step { thread, action });
            } else {
                trace.lost += 1;
            }
        });
    }

    /// Forgets the last execution.
    fn start(&self) {
        if let Some(pairs) = &self.pairs {
            locked(pairs).start_execution();
        }
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
        count::event();
        self.add(Action::Event(*event));
        if let Some(sites) = &self.sites {
            locked(sites).add(event.site);
        }
        if let Some(pairs) = &self.pairs {
            locked(pairs).add(event);
        }
    }
}

/// Records the executions of a scenario while it lives: on this thread and on those that a scenario spawns.
#[must_use = "dropped at once, nothing is recorded"]
pub(crate) struct Recording {
    before: Option<Arc<Recorder>>,
    _observing: Observing,
}

/// Records the executions of a scenario while it lives, and then writes which sites they have reached.
#[must_use = "dropped at once, nothing is recorded"]
pub(crate) struct Session {
    recorder: Arc<Recorder>,
    _recording: Recording,
}

/// Starts to count events, and to record what the environment asks for, if anything.
pub(crate) fn record(scenario: &str) -> Session {
    let file = file();
    let sites = sites::collector(scenario, crate::built()).map(Lock::new);
    let trace = file.is_some().then(Lock::default);
    // Real threads do not take their steps one after the other.
    let asks_for_pairs = cfg!(shuttle) || cfg!(loom) && coverage::folder().is_some();
    let pairs = asks_for_pairs.then(Lock::default);
    let recorder = Arc::new(Recorder { scenario: scenario.to_owned(), file, trace, sites, pairs });
    Session { recorder: recorder.clone(), _recording: hand_over(recorder) }
}

impl Session {
    /// Which pairs of lines were seen so far, if that is asked for. Writes them to the folder that the environment names, if it does.
    pub(crate) fn coverage(&self) -> Option<Coverage> {
        let pairs = self.recorder.pairs.as_ref()?;
        let coverage = locked(pairs).coverage(&self.recorder.scenario, crate::built());
        if let Some(folder) = coverage::folder() {
            coverage.write(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        }
        Some(coverage)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(sites) = &self.recorder.sites else { return };
        if let Err(error) = locked(sites).write() {
            eprintln!("the sites of {}: {error}", self.recorder.scenario);
        }
    }
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
    let trace = Some(Lock::default());
    let recorder =
        Arc::new(Recorder { scenario: String::new(), file: None, trace, sites: None, pairs: None });
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
