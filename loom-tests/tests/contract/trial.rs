//! One trial of one case, in a process of its own: a call that blocks never returns, and a deadlock found by loom ends the process.

use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use loom_tests::certificate::MUTATED_VARIABLE;
use loom_tests::mutants::{Verdict, judge};
use loom_tests::{coverage, sites};

/// Names the case to the process that tries it.
const VARIABLE: &str = "CHRONIK_CONTRACT_CASE";
/// The test that tries it, from the root of this crate.
const TEST: &str = "matrix::a_case_in_a_process_of_its_own";

/// A process that is not done by then has something else than a call that blocks: those notice it themselves.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// What is tried: returns, or is blocked for ever.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    /// On one thread.
    Alone(fn()),
    /// With other threads, which the case starts.
    Among(fn()),
}

/// What loom says of a second read by one thread: it keeps the readers of a lock by their threads, and the first guard that goes takes the thread out.
const REFUSED_BY_LOOM: &str = "invalid internal loom state";

/// Whether the call of the case `name` blocks. Where loom refuses it, it does: no scenario gets past it.
///
/// # Panics
/// If it neither blocks nor returns, but fails.
pub(crate) fn blocks(name: &str) -> bool {
    let program = std::env::current_exe().expect("this test has a file");
    let child = Command::new(program)
        .args(["--exact", TEST, "--ignored", "--nocapture"])
        .env(VARIABLE, name)
        .env("RUST_BACKTRACE", "0")
        .env(MUTATED_VARIABLE, "1") // a trial proves nothing about a kernel, and has no certificate
        // All trials have the name of a function pointer: what one wrote, the next would replace.
        .env_remove(coverage::VARIABLE)
        .env_remove(sites::VARIABLE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let output = end_of(child.expect("it can be run again"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    match judge(&said, Some(output.status.success())) {
        Verdict::Deadlock => true,
        Verdict::Passed => false,
        Verdict::Assertion(message) if cfg!(loom) && message.contains(REFUSED_BY_LOOM) => true,
        other => panic!("{name}: {other:?}\n{said}"),
    }
}

fn end_of(mut child: Child) -> Output {
    for _ in 0..TIME_LIMIT.as_millis() / LOOK_AGAIN_AFTER.as_millis() {
        if child.try_wait().expect("it is ours").is_some() {
            return child.wait_with_output().expect("it is ours");
        }
        sleep(LOOK_AGAIN_AFTER);
    }
    child.kill().expect("it is ours");
    panic!("a case has neither returned nor found that it is blocked");
}

/// The case that this process is to try, if it is one of those.
pub(crate) fn asked_for() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

impl Case {
    /// Tries it with the checker of this build. A call that blocks ends in a panic that begins with `deadlock`, whoever finds it.
    #[cfg(any(loom, shuttle))]
    pub(crate) fn attempt(self) {
        match self {
            Self::Alone(case) => drop(loom_tests::check_sequence(case)),
            Self::Among(case) => drop(loom_tests::check(case)),
        }
    }

    /// Tries it on real threads: several times if it depends on their order.
    #[cfg(not(any(loom, shuttle)))]
    pub(crate) fn attempt(self) {
        let (case, times) = match self {
            Self::Alone(case) => (case, 1),
            Self::Among(case) => (case, real::ATTEMPTS),
        };
        (0..times).for_each(|_| real::Thread::start(case).end_or_deadlock());
    }
}

#[cfg(not(any(loom, shuttle)))]
mod real {
    use std::sync::mpsc;
    use std::thread::{JoinHandle, sleep};
    use std::time::Duration;

    /// One order of threads may be missed, in which a call would have blocked.
    pub(super) const ATTEMPTS: usize = 10;
    /// How often the thread is looked at before it counts as blocked. Looks, not seconds: on a machine that is slow for the thread the looks are
    /// slow as well.
    const LOOKS: usize = 100;
    const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

    /// A thread that may be blocked for ever, and is left behind then: the process ends.
    pub(super) struct Thread(JoinHandle<()>);

    impl Thread {
        /// Returns when the thread runs.
        #[expect(
            clippy::disallowed_methods,
            reason = "the harness starts it, and hears from it by a channel that it does not test"
        )]
        pub(super) fn start(case: fn()) -> Self {
            let (about_to_call, hears) = mpsc::channel();
            let thread = std::thread::spawn(move || {
                about_to_call.send(()).expect("it is listened to");
                case();
            });
            hears.recv().expect("the thread says so first");
            Self(thread)
        }

        pub(super) fn end_or_deadlock(self) {
            for _ in 0..LOOKS {
                if self.0.is_finished() {
                    return self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                }
                sleep(LOOK_AGAIN_AFTER);
            }
            panic!("deadlock: the call has not returned");
        }
    }
}
