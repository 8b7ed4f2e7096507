//! Puts every mutant into a copy of the kernels and demands that the checker notices: `cargo mutants [id...]`.
//!
//! A harness that cannot fail proves nothing. First the unchanged copy must pass, then each patch must come to the verdict that its
//! header names, and the controls must survive.

#[cfg(any(loom, shuttle))]
fn main() {}

#[cfg(not(any(loom, shuttle)))]
fn main() -> std::process::ExitCode {
    match plain::run() {
        Ok(0) => std::process::ExitCode::SUCCESS,
        Ok(_) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(any(loom, shuttle)))]
mod plain {
    use std::path::Path;

    use loom_tests::mutants::runner::{Run, Runner, TestFile, expected, files_of, in_order};
    use loom_tests::mutants::{Mutant, Verdict, read_all};

    /// Where the failing interleavings are left.
    const TRACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/mutants/traces");

    /// Runs all mutants, or those named on the command line. Returns how many came to another verdict than expected.
    pub(super) fn run() -> Result<usize, String> {
        let runner = Runner::new(Path::new(TRACES))?;
        let chosen: Vec<String> = std::env::args().skip(1).collect();
        let mut mutants = read_all(&runner.workspace().mutants())?;
        mutants.retain(|mutant| chosen.is_empty() || chosen.contains(&mutant.id));
        if mutants.is_empty() {
            return Err("no such mutant".to_owned());
        }
        let mutants = in_order(mutants);
        println!(
            "{:<5} {:<14} {:<8} {:<10} {:<10} {:>10} {:>7}  ",
            "id", "test", "checker", "expected", "got", "execution", "seconds"
        );
        let mut missed = 0;
        for file in files_of(&mutants) {
            let run = runner.baseline(&file);
            let as_expected = run.verdict == Verdict::Passed;
            missed += usize::from(!print("-", &file, "survives", &run, as_expected));
        }
        runner.try_all(&mutants, |mutant, run| {
            let (file, expected) = (TestFile::of(mutant), expected(&mutant.expectation));
            missed += usize::from(!print(&mutant.id, &file, expected, &run, as_expected(mutant, &run)));
        })?;
        let lines = mutants.len() + files_of(&mutants).len();
        println!("{} passed, {missed} failed", lines - missed);
        Ok(missed)
    }

    fn as_expected(mutant: &Mutant, run: &Run) -> bool {
        run.verdict.meets(&mutant.expectation)
    }

    /// Prints a line, with the whole output if it is not as it should be. Returns whether it is.
    fn print(id: &str, file: &TestFile, expected: &str, run: &Run, as_expected: bool) -> bool {
        let TestFile { checker, name, .. } = file;
        let ending = match (as_expected, expected) {
            (false, _) => "NOT AS EXPECTED",
            (true, "survives") => "survived",
            (true, _) => "killed",
        };
        let got = run.verdict.short();
        let execution = run.failed_in.map(|execution| execution.to_string()).unwrap_or_default();
        let seconds = run.seconds;
        println!(
            "{id:<5} {name:<14} {checker:<8} {expected:<10} {got:<10} {execution:>10} {seconds:>7.1}  {ending}"
        );
        if !as_expected {
            println!("{}", run.output);
        }
        as_expected
    }
}
