//! The steps of a run. One that fails does not keep the others from running: it is red, and has a name.

use loom_tests::mutants::runner::{Run, Runner, TestFile, empty, expected, files_of, in_order};
use loom_tests::mutants::{Mutant, Verdict, read_all};
use loom_tests::report::Folders;
use loom_tests::report::results::{Results, Tried};

use crate::progress::Progress;
use crate::suites;

/// Runs everything. The results are written down as they come, so that a run that is ended early can be drawn: what is missing is red.
///
/// # Errors
/// A folder or the file for what is written cannot be made.
pub(crate) fn run(folders: &Folders, progress: &Progress) -> Result<Results, String> {
    for folder in [folders.sites(), folders.contract(), folders.calibration(), folders.lock_pairs()] {
        empty(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut results = Results::default();
    for checker in ["loom", "shuttle", "std"] {
        progress.begin(checker, None);
        match suites::run(folders, checker, progress) {
            Ok(suite) => {
                let problems = suite.problems();
                let word = if problems.is_empty() { "ok   " } else { "RED  " };
                let (tests, explored, seconds) = (suite.passed, suite.explored.len(), suite.seconds);
                progress.say(&format!(
                    "{word} {checker}: {tests} tests, {explored} explorations ({seconds:.0} s)"
                ));
                results.suites.push(suite);
            }
            Err(error) => results.failures.push(error),
        }
        results.write(&folders.results())?;
    }
    if let Err(error) = mutants(folders, progress, &mut results) {
        results.failures.push(format!("mutants: {error}"));
    }
    results.write(&folders.results())?;
    Ok(results)
}

/// Tries all mutants. That the unchanged kernels pass is what the runs of the scenarios have shown; only the tests of other packages still
/// have to show it.
fn mutants(folders: &Folders, progress: &Progress, results: &mut Results) -> Result<(), String> {
    let runner = Runner::new(&folders.traces())?;
    let mutants = in_order(read_all(&folders.mutants())?);
    progress.begin("mutants", Some(mutants.len()));
    for file in files_of(&mutants).iter().filter(|file| file.package != "loom-tests") {
        progress.doing(&format!("{}, unchanged", file.name));
        let run = runner.baseline(file);
        if run.verdict != Verdict::Passed {
            results.failures.push(format!("{}, unchanged, came to: {}", file.name, run.verdict.short()));
        }
    }
    runner.try_all(&mutants, |mutant, run| {
        let tried = tried(mutant, &run);
        let line = line(mutant, &tried);
        progress.done(&line, &line);
        if !tried.as_expected {
            progress.say(&format!("RED   {line}\n{}", run.output));
        }
        results.mutants.push(tried);
        let _written_at_the_end = results.write(&folders.results());
    })
}

fn tried(mutant: &Mutant, run: &Run) -> Tried {
    let message = match &run.verdict {
        Verdict::Assertion(message) => message.clone(),
        Verdict::Deadlock => "deadlock".to_owned(),
        _ => String::new(),
    };
    Tried {
        id: mutant.id.clone(),
        verdict: run.verdict.short(),
        as_expected: run.verdict.meets(&mutant.expectation),
        execution: run.failed_in,
        message,
        seconds: run.seconds,
    }
}

fn line(mutant: &Mutant, tried: &Tried) -> String {
    let TestFile { checker, name, .. } = TestFile::of(mutant);
    let execution = tried.execution.map(|execution| format!("in execution {execution}")).unwrap_or_default();
    format!(
        "      {:<5} {checker:<8} {name:<14} expected {:<10} got {:<10} {execution}",
        tried.id,
        expected(&mutant.expectation),
        tried.verdict
    )
}
