//! Failing schedules: kept as files, and replayed before anything else is explored.
//!
//! A schedule says which thread takes each step. Those of `loom-tests/schedules` are replayed in every run: bugs that were found once. A new one is kept
//! beside the build, to be copied there. The text is ours and not shuttle's, so that it outlives a version of shuttle and a change of the kernel: it is
//! followed as far as it can be, and where it does not fit any more each thread has its turn.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// Names the folder that schedules are replayed from and kept in, instead of the two usual ones.
const VARIABLE: &str = "CHRONIK_SCHEDULES";

/// The threads that took the steps of the execution that runs.
pub(super) type Steps = Rc<RefCell<Vec<usize>>>;

/// Another scheduler, and what it chose.
pub(super) struct Recording<S> {
    chooses: S,
    taken: Steps,
}

impl<S: Scheduler> Recording<S> {
    pub(super) fn of(chooses: S) -> (Self, Steps) {
        let taken = Steps::default();
        (Self { chooses, taken: taken.clone() }, taken)
    }
}

impl<S: Scheduler> Scheduler for Recording<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.taken.borrow_mut().clear();
        self.chooses.new_execution()
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, yields: bool) -> Option<TaskId> {
        let next = self.chooses.next_task(runnable, current, yields)?;
        self.taken.borrow_mut().push(next.into());
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        self.chooses.next_u64()
    }
}

/// One execution that follows a schedule.
pub(super) struct Replay {
    steps: Vec<usize>,
    at: usize,
    started: bool,
}

impl Replay {
    pub(super) fn of(steps: Vec<usize>) -> Self {
        Self { steps, at: 0, started: false }
    }
}

impl Scheduler for Replay {
    fn new_execution(&mut self) -> Option<Schedule> {
        let first = !std::mem::replace(&mut self.started, true);
        first.then(|| Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, _yields: bool) -> Option<TaskId> {
        let asked = self.steps.get(self.at).copied();
        self.at += 1;
        let ids = || runnable.iter().map(|task| task.id());
        let next_in_turn = || ids().find(|id| Some(*id) > current).or_else(|| ids().next());
        ids().find(|id| Some(usize::from(*id)) == asked).or_else(next_in_turn)
    }

    /// No kernel draws a number.
    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// Where the schedules of one scenario are.
pub(super) struct Kept {
    scenario: String,
    /// To be replayed from.
    folders: Vec<PathBuf>,
    /// Where a new one is kept.
    new: PathBuf,
}

impl Kept {
    pub(super) fn of(scenario: &str) -> Self {
        let named = std::env::var_os(VARIABLE).map(PathBuf::from);
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("schedules");
        let new = named.clone().unwrap_or_else(beside_the_build);
        Self { scenario: scenario.to_owned(), folders: vec![named.unwrap_or(committed)], new }
    }

    /// The file with this number.
    fn file(&self, folder: &Path, number: usize) -> PathBuf {
        folder.join(format!("{}-{number}.txt", self.scenario.replace("::", ".")))
    }

    /// All that are to be replayed, with the names of their files: they are numbered from 1 without a gap.
    pub(super) fn all(&self) -> io::Result<Vec<(PathBuf, Vec<usize>)>> {
        let mut all = Vec::new();
        for folder in &self.folders {
            for file in (1..).map(|number| self.file(folder, number)).take_while(|file| file.exists()) {
                let steps = parse(&fs::read_to_string(&file)?)
                    .ok_or_else(|| io::Error::other(format!("{} is no schedule", file.display())))?;
                all.push((file, steps));
            }
        }
        Ok(all)
    }

    /// Keeps a schedule, unless it is there already; returns its file.
    pub(super) fn keep(&self, steps: &[usize], failure: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.new)?;
        let failure = failure.lines().next().unwrap_or_default();
        let steps: Vec<String> = steps.iter().map(usize::to_string).collect();
        let text = format!("# {}: {failure}\n{}\n", self.scenario, steps.join(" "));
        for file in (1..).map(|number| self.file(&self.new, number)) {
            match fs::read_to_string(&file) {
                Ok(present) if present != text => {}
                Ok(_) => return Ok(file),
                Err(_) => return fs::write(&file, text).map(|()| file),
            }
        }
        unreachable!("there is always another number")
    }
}

/// `schedules` in the folder of the build's profile: `target/debug/schedules`.
fn beside_the_build() -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors().nth(2).unwrap_or(Path::new(".")).join("schedules")
}

/// Lines that begin with `#` say what failed; the others are the numbers of threads, the first one's 0.
fn parse(text: &str) -> Option<Vec<usize>> {
    let numbers = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    numbers.map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_numbers_and_remarks() {
        assert_eq!(parse("# a::b: deadlock!\n0 0 1\n2\n"), Some(vec![0, 0, 1, 2]));
        assert_eq!(parse("0 x\n"), None);
    }
}
