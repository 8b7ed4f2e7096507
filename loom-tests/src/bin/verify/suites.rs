//! The scenarios under one checker: a `cargo test` with its flags.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use loom_tests::mutants::runner::{cargo, without_influence};
use loom_tests::report::suite::Suite;
use loom_tests::report::{Folders, calibration, contract, lock_pairs};
use loom_tests::sites;

use crate::progress::Progress;

/// Runs all scenarios under `checker`, and the unit tests of the kernels and of this package. What they print is kept in a file.
///
/// # Errors
/// cargo cannot be started, or the file not be written.
pub(crate) fn run(folders: &Folders, checker: &str, progress: &Progress) -> Result<Suite, String> {
    let log = folders.output.join(format!("{checker}.log"));
    let started = now();
    let mut suite = Suite::new(checker);
    let mut command = command(folders, checker);
    let success = follow(&mut command, &log, |line| {
        let explored = suite.explored.len();
        suite.line(line);
        match suite.explored.last() {
            Some(last) if suite.explored.len() > explored => progress.done("", &last.scenario),
            _ => progress.doing(line.trim()),
        }
    });
    suite.end(success.map_err(|error| format!("{checker}: {error}"))?);
    suite.seconds = started.elapsed().as_secs_f64();
    Ok(suite)
}

fn command(folders: &Folders, checker: &str) -> Command {
    let mut command = cargo(&folders.root, checker);
    command.args(["test", "--no-fail-fast", "-p", "concurrency-models", "-p", "loom-tests"]);
    without_influence(&mut command);
    command
        .env("CHRONIK_CHECKER", checker)
        .env(sites::VARIABLE, folders.sites())
        .env(contract::VARIABLE, folders.contract())
        .env(calibration::VARIABLE, folders.calibration())
        .env(lock_pairs::VARIABLE, folders.lock_pairs());
    command
}

/// Runs a command, writes both its streams to `log`, and shows each line to `line`. Returns whether it succeeded.
fn follow(command: &mut Command, log: &Path, mut line: impl FnMut(&str)) -> std::io::Result<bool> {
    let (reader, writer) = std::io::pipe()?;
    let mut log = File::create(log)?;
    let mut child = command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).spawn()?;
    command.stdout(Stdio::null()).stderr(Stdio::null()); // lets go of the pipe, which then ends with the child
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes)? > 0 {
        log.write_all(&bytes)?;
        line(&String::from_utf8_lossy(&bytes));
        bytes.clear();
    }
    Ok(child.wait()?.success())
}

#[expect(clippy::disallowed_methods, reason = "the page says how long it took; no scenario sees it")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_seen_and_kept_and_a_failure_is_one() {
        let log = std::env::temp_dir().join(format!("follow-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let mut seen = Vec::new();
        let success = follow(&mut command, &log, |line| seen.push(line.trim().to_owned()));
        assert!(!success.expect("sh runs"));
        seen.sort();
        assert_eq!(seen, ["err", "out"]);
        assert_eq!(std::fs::read_to_string(log).expect("it was kept").len(), 8);
    }
}
