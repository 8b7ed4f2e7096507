//! The checkers find what there is, in the fragment that the kernels are written in. Each fragment is a line, and the JSON that a report reads.
#![cfg(any(loom, shuttle))]

use std::process::Command;

use loom_tests::built;
use loom_tests::calibration::oracle::{Endings, endings};
use loom_tests::calibration::program::{Fragment, Program};
use loom_tests::calibration::{Summary, explore};

/// Steps of a program, at most. shuttle's depth-first search leaves out nothing, however alike two schedules are, and loom tries each value that an atomic could have:
/// they get smaller programs.
fn steps(fragment: Fragment) -> usize {
    match fragment {
        _ if cfg!(shuttle) => 4,
        Fragment::Atomic => 5,
        _ => 6,
    }
}

/// Programs per fragment.
const PROGRAMS: u64 = 150;

/// Names a program to a process that explores only this one: its fragment and its seed.
const PROGRAM: &str = "CHRONIK_CALIBRATION_PROGRAM";

fn program(fragment: Fragment, seed: u64) -> Program {
    Program::random(fragment, seed, steps(fragment))
}

fn calibrate(fragment: Fragment) -> Summary {
    let mut summary = Summary::new(fragment);
    for seed in 0..PROGRAMS {
        let program = program(fragment, seed);
        let endings = endings(&program);
        summary.programs += 1;
        if endings.deadlock {
            summary.verdicts_right += u64::from(deadlocks(fragment, seed));
        } else {
            compare(&mut summary, &program, &endings);
        }
    }
    summary.tell().expect("the folder can be written to");
    summary
}

/// A checker that finds a deadlock here fails the test: there is none.
fn compare(summary: &mut Summary, program: &Program, endings: &Endings) {
    let (executions, found) = explore(program);
    let there_are = endings.outcomes.iter().map(|outcome| format!("{outcome:?}")).collect();
    summary.without_deadlock += 1;
    summary.verdicts_right += 1;
    summary.executions += executions;
    summary.outcomes_missed_in += u64::from(!found.is_superset(&there_are));
    summary.outcomes_added_in += u64::from(!found.is_subset(&there_are));
}

/// Whether the checker finds a deadlock: in a process of its own, because loom ends it.
fn deadlocks(fragment: Fragment, seed: u64) -> bool {
    let run = Command::new(std::env::current_exe().expect("this test has a file"))
        .args(["--exact", "explores_one_program", "--ignored", "--nocapture"])
        .env(PROGRAM, format!("{fragment:?} {seed}"))
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it can be run again");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    !run.status.success() && said.lines().any(|line| line.starts_with("deadlock"))
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn explores_one_program() {
    let named = std::env::var(PROGRAM).expect("a program is named");
    let (fragment, seed) = named.split_once(' ').expect("fragment and seed");
    let all = [Fragment::Mutex, Fragment::RwLock, Fragment::Condvar, Fragment::Atomic];
    let fragment = all.into_iter().find(|it| format!("{it:?}") == fragment).expect("one of these");
    explore(&program(fragment, seed.parse().expect("a number")));
}

/// And some programs do deadlock, and some do not: or nothing was measured.
fn is_complete(fragment: Fragment) {
    let summary = calibrate(fragment);
    assert!(summary.is_complete(), "{summary}");
    assert!(summary.without_deadlock >= 20 && summary.programs - summary.without_deadlock >= 3, "{summary}");
}

#[test]
fn complete_for_mutexes() {
    is_complete(Fragment::Mutex);
}

#[test]
fn complete_for_readers_and_writers() {
    is_complete(Fragment::RwLock);
}

#[test]
fn complete_for_condition_variables() {
    is_complete(Fragment::Condvar);
}

/// loom is not: that is why a kernel has no atomics. Should this ever fail under loom, that rule can be thought over.
#[test]
fn atomics_are_complete_under_shuttle_only() {
    let summary = calibrate(Fragment::Atomic);
    assert_eq!(summary.is_complete(), built() == "shuttle", "{summary}");
    assert_eq!(summary.verdicts_right, summary.programs, "nothing waits");
}
