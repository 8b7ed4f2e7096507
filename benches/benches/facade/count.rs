//! Instructions of this very program, counted by valgrind's callgrind.

use std::process::{Command, Stdio};

/// Whether instructions can be counted here.
pub(crate) fn available() -> bool {
    let version =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Instructions of one operation: two runs that differ only in how often they do it, so that start and end fall away.
pub(crate) fn per_operation(side: &str, operation: &str) -> f64 {
    const TIMES: u32 = 5_000;
    let (once, twice) = (of_run(side, operation, TIMES), of_run(side, operation, 2 * TIMES));
    let more = u32::try_from(twice - once).expect("some hundred instructions each");
    f64::from(more) / f64::from(TIMES)
}

fn of_run(side: &str, operation: &str, times: u32) -> u64 {
    let program = std::env::current_exe().expect("this program has a file");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([side, operation, &times.to_string()])
        .output()
        .expect("valgrind has just been there");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{side} {operation}: {said}");
    collected(&said).unwrap_or_else(|| panic!("callgrind counts nothing: {said}"))
}

/// The number of its line `==123== Collected : 456`.
fn collected(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}
