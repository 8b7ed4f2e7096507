//! Tries mutants: each is built in the copy, and runs while the next one is built.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{ScopedJoinHandle, scope, sleep};
use std::time::{Duration, Instant};

pub use super::workspace::{TestFile, Workspace, cargo, without_influence};
use super::{Expectation, Mutant, Patch, Verdict, judge};
use crate::trace;

/// A test that is not done by then is ended.
const TIME_LIMIT: Duration = Duration::from_secs(300);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// What came of a test binary.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it ended.
    pub verdict: Verdict,
    /// The number of the execution that failed, if the checker has said one.
    pub failed_in: Option<u64>,
    /// All that it printed; what the compiler said, if it does not build.
    pub output: String,
    /// How long it ran, without the build.
    pub seconds: f64,
}

/// Runs test binaries of the copy.
#[derive(Debug)]
pub struct Runner {
    workspace: Workspace,
    /// Where failing executions are written to.
    traces: PathBuf,
}

impl Runner {
    /// A runner that has failing executions written to the folder `traces`, a file `<id>.jsonl` for each mutant. What is in there is removed.
    ///
    /// # Errors
    /// The copy cannot be made, or the folder not be emptied.
    pub fn new(traces: &Path) -> Result<Self, String> {
        empty(traces).map_err(|error| format!("{}: {error}", traces.display()))?;
        Ok(Self { workspace: Workspace::copy()?, traces: traces.to_owned() })
    }

    /// The copy.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Runs a whole test file of the unchanged copy.
    pub fn baseline(&self, file: &TestFile) -> Run {
        match self.workspace.build(file, "unchanged") {
            Ok(binary) => self.run(&binary, "*", None),
            Err(error) => Run::unusable("it does not build", error),
        }
    }

    /// Tries `mutants` in their order. `done` hears of each, in that order, when it is done.
    ///
    /// # Errors
    /// The copy cannot be restored.
    #[expect(clippy::disallowed_methods, reason = "it waits for a child process; no scenario sees it")]
    pub fn try_all(&self, mutants: &[Mutant], mut done: impl FnMut(&Mutant, Run)) -> Result<(), String> {
        scope(|scope| {
            let mut running: Option<(&Mutant, ScopedJoinHandle<'_, Run>)> = None;
            for mutant in mutants {
                let built = self.build_mutated(mutant)?; // while the one before it runs
                if let Some((before, run)) = running.take() {
                    done(before, join(run));
                }
                running = Some((mutant, scope.spawn(move || self.run_mutated(mutant, built))));
            }
            if let Some((last, run)) = running {
                done(last, join(run));
            }
            Ok(())
        })
    }

    /// Applies, builds, takes back. What does not apply or build is a verdict, though none that a mutant may have.
    fn build_mutated(&self, mutant: &Mutant) -> Result<Result<PathBuf, Run>, String> {
        let originals = match mutant.patch.apply(self.workspace.root()) {
            Ok(originals) => originals,
            Err(error) => return Ok(Err(Run::unusable("it does not apply", error.to_string()))),
        };
        let built = self.workspace.build(&TestFile::of(mutant), &mutant.id);
        Patch::restore(&originals).map_err(|error| format!("{}: {error}", mutant.file_name()))?;
        Ok(built.map_err(|error| Run::unusable("it does not build", error)))
    }

    fn run_mutated(&self, mutant: &Mutant, built: Result<PathBuf, Run>) -> Run {
        let binary = match built {
            Ok(binary) => binary,
            Err(unusable) => return unusable,
        };
        let run = self.run(&binary, &mutant.test, Some(&trace_of(&self.traces, &mutant.id)));
        let _still_there_next_time = fs::remove_file(binary);
        run
    }

    fn run(&self, binary: &Path, test: &str, trace: Option<&Path>) -> Run {
        let mut command = self.workspace.command(binary, test);
        if let Some(file) = trace {
            command.env(trace::VARIABLE, file);
        }
        let started = now();
        let log = binary.with_extension("txt");
        let ended = run_for_a_while(&mut command, &log).and_then(|passed| Ok((passed, fs::read(&log)?)));
        let _still_there_next_time = fs::remove_file(log);
        match ended {
            Ok((passed, output)) => {
                Run::of(String::from_utf8_lossy(&output).into_owned(), passed, started.elapsed())
            }
            Err(error) => Run::unusable("it does not run", error.to_string()),
        }
    }
}

/// Where the failing execution of a mutant is written to.
pub fn trace_of(traces: &Path, id: &str) -> PathBuf {
    traces.join(format!("{id}.jsonl"))
}

/// Makes an empty folder of it.
pub fn empty(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
}

impl Run {
    fn of(output: String, passed: Option<bool>, took: Duration) -> Self {
        let verdict = judge(&output, passed);
        Self { verdict, failed_in: failed_in(&output), seconds: took.as_secs_f64(), output }
    }

    fn unusable(reason: &'static str, output: String) -> Self {
        Self { verdict: Verdict::Unusable(reason), failed_in: None, output, seconds: 0.0 }
    }
}

/// The number of the execution that a checker says has failed.
fn failed_in(output: &str) -> Option<u64> {
    output.lines().find_map(|line| line.split_once("failed in execution ")?.1.trim().parse().ok())
}

/// In the order in which they are best tried: what is built alike together.
pub fn in_order(mut mutants: Vec<Mutant>) -> Vec<Mutant> {
    mutants.sort_by_cached_key(|mutant| (TestFile::of(mutant), mutant.id.clone()));
    mutants
}

/// The test files that the mutants need, each once.
pub fn files_of(mutants: &[Mutant]) -> Vec<TestFile> {
    let mut files: Vec<_> = mutants.iter().map(TestFile::of).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// What is expected, in a word.
pub fn expected(expectation: &Expectation) -> &'static str {
    match expectation {
        Expectation::Deadlock => "deadlock",
        Expectation::Assertion(_) => "assertion",
        Expectation::Survives => "survives",
    }
}

fn join(run: ScopedJoinHandle<'_, Run>) -> Run {
    run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs a command, but not longer than the time limit. Returns whether it succeeded; `None` if it was ended.
fn run_for_a_while(command: &mut Command, output: &Path) -> std::io::Result<Option<bool>> {
    let log = File::create(output)?;
    let mut child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    let started = now();
    while started.elapsed() < TIME_LIMIT {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        sleep(LOOK_AGAIN_AFTER);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

#[expect(clippy::disallowed_methods, reason = "the runner reports how long each mutant took")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_execution_is_read_whoever_says_it() {
        assert_eq!(failed_in("x\nloom: failed in execution 17\ny"), Some(17));
        assert_eq!(failed_in("mailbox::a: shuttle: failed in execution 3\n"), Some(3));
        assert_eq!(failed_in("loom: failed in execution\n"), None);
        assert_eq!(failed_in("test result: ok"), None);
    }

    #[test]
    fn what_does_not_build_has_no_verdict_that_counts() {
        let run = Run::unusable("it does not build", "error".to_owned());
        for expectation in
            [Expectation::Deadlock, Expectation::Assertion(String::new()), Expectation::Survives]
        {
            assert!(!run.verdict.meets(&expectation));
        }
    }
}
