//! Puts every mutant into a copy of the kernels and demands that the checker notices: `cargo mutants [id...]`.
//!
//! A harness that cannot fail proves nothing. First the unchanged copy must pass, then each patch must come to the verdict that its
//! header names, and the controls must survive.

mod workspace;

use std::process::ExitCode;
use std::time::Instant;

use loom_tests::mutants::{Expectation, Mutant, Patch, Verdict, read_all};
use workspace::{TestFile, Workspace};

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all mutants, or those named on the command line. Returns how many came to another verdict than expected.
fn run() -> Result<usize, String> {
    let workspace = Workspace::copy()?;
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let mut mutants = read_all(&workspace.mutants())?;
    mutants.retain(|mutant| chosen.is_empty() || chosen.contains(&mutant.id));
    if mutants.is_empty() {
        return Err("no such mutant".to_owned());
    }
    println!(
        "{:<5} {:<14} {:<8} {:<10} {:<10} {:>10} {:>7}  ",
        "id", "test", "checker", "expected", "got", "execution", "seconds"
    );
    let mut missed = baseline(&workspace, &mutants)?;
    for mutant in &mutants {
        missed += usize::from(!put_to_the_test(&workspace, mutant)?);
    }
    let lines = mutants.len() + checked_files(&mutants).len();
    println!("{} passed, {missed} failed", lines - missed);
    Ok(missed)
}

/// The unchanged copy passes every file that a mutant is tried with. Returns how many do not.
fn baseline(workspace: &Workspace, mutants: &[Mutant]) -> Result<usize, String> {
    let mut missed = 0;
    for file in checked_files(mutants) {
        let started = now();
        let run = workspace.test(&file, "*")?;
        let line = Line { id: "-", file, expected: "survives", seconds: started.elapsed().as_secs_f64() };
        missed += usize::from(!line.print(&run, run.verdict == Verdict::Passed));
    }
    Ok(missed)
}

/// The test files that the mutants need, each once.
fn checked_files(mutants: &[Mutant]) -> Vec<TestFile<'_>> {
    let mut files: Vec<_> = mutants.iter().map(TestFile::of).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// Applies, runs, takes back. Returns whether the verdict is the expected one.
fn put_to_the_test(workspace: &Workspace, mutant: &Mutant) -> Result<bool, String> {
    let started = now();
    let named = |error: String| format!("{}: {error}", mutant.file_name());
    let originals = mutant.patch.apply(workspace.root()).map_err(|error| named(error.to_string()))?;
    let run = workspace.test(&TestFile::of(mutant), &mutant.test);
    Patch::restore(&originals).map_err(|error| named(error.to_string()))?;
    let run = run.map_err(named)?;
    let expected = match &mutant.expectation {
        Expectation::Deadlock => "deadlock",
        Expectation::Assertion(_) => "assertion",
        Expectation::Survives => "survives",
    };
    let seconds = started.elapsed().as_secs_f64();
    let line = Line { id: &mutant.id, file: TestFile::of(mutant), expected, seconds };
    Ok(line.print(&run, run.verdict.meets(&mutant.expectation)))
}

struct Line<'a> {
    id: &'a str,
    file: TestFile<'a>,
    expected: &'a str,
    seconds: f64,
}

impl Line<'_> {
    /// Prints it, with the whole output if it is not as it should be. Returns whether it is.
    fn print(&self, run: &workspace::Run, as_expected: bool) -> bool {
        let Self { id, file: TestFile { checker, name, .. }, expected, seconds } = self;
        let ending = match (as_expected, *expected) {
            (false, _) => "NOT AS EXPECTED",
            (true, "survives") => "survived",
            (true, _) => "killed",
        };
        let got = run.verdict.short();
        let execution = run.failed_in.as_deref().unwrap_or("");
        println!(
            "{id:<5} {name:<14} {checker:<8} {expected:<10} {got:<10} {execution:>10} {seconds:>7.1}  {ending}"
        );
        if !as_expected {
            println!("{}", run.output);
        }
        as_expected
    }
}

#[expect(clippy::disallowed_methods, reason = "the runner reports how long each mutant took")]
fn now() -> Instant {
    Instant::now()
}
