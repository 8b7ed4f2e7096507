//! One line per scenario, written straight to standard error: the test harness captures what goes through `eprintln!`.

use std::cell::Cell;
use std::io::Write;
use std::time::Instant;

use super::Exploration;

thread_local! {
    /// The execution that runs on this thread. Under loom and shuttle all threads of a scenario run on this one.
    static EXECUTION: Cell<u64> = const { Cell::new(0) };
}

/// Counts executions from here.
pub(super) fn start_counting() {
    EXECUTION.set(0);
}

/// To be called at the start of each execution.
pub(super) fn count_execution() {
    EXECUTION.set(EXECUTION.get() + 1);
    crate::trace::start_execution();
}

/// How many executions were started.
pub(super) fn counted() -> u64 {
    EXECUTION.get()
}

pub(super) fn print(name: &str, exploration: &Exploration) {
    let Exploration { checker, executions, final_states, seconds } = exploration;
    let executions = with_thousands(*executions);
    let states = match final_states.len() {
        1 => "1 final state".to_owned(),
        several => format!("{several} final states"),
    };
    write_line(&format!("{checker:<7} {name:<70} {executions:>9} executions, {states:<15} {seconds:>7.2} s"));
}

/// Makes a panic say in which execution it came: also when the process is about to abort, as it does when loom finds a deadlock.
#[expect(clippy::disallowed_types, reason = "the hook belongs to the process, not to a scenario")]
pub(super) fn announce_failures() {
    static INSTALLED: std::sync::Once = std::sync::Once::new();
    INSTALLED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if counted() > 0 {
                write_line(&format!("{}: failed in execution {}", super::chosen::NAME, counted()));
            }
            crate::trace::write_failure();
            usual(panic);
        }));
    });
}

fn write_line(line: &str) {
    let _unwritable = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// 1183 as `1,183`.
fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// How long an exploration took: outside of every scenario, where time may be read.
pub(super) struct Clock(Instant);

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the harness reports how long it took; no scenario sees it"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::with_thousands;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(with_thousands(7), "7");
        assert_eq!(with_thousands(999), "999");
        assert_eq!(with_thousands(1_183), "1,183");
        assert_eq!(with_thousands(1_000_000), "1,000,000");
    }
}
