//! One line per scenario, written straight to standard error: the test harness captures what goes through `eprintln!`.

use std::cell::RefCell;
use std::io::Write;
use std::time::Instant;

use super::{Exploration, count};
use crate::certificate::{Kind, Standing};
use crate::coverage::Coverage;

pub(super) fn print(
    name: &str,
    kind: Kind,
    exploration: &Exploration,
    standing: Standing,
    coverage: Option<&Coverage>,
) {
    let Exploration { checker, executions, final_states, seconds, .. } = exploration;
    let executions = with_thousands(*executions);
    let kind = match kind {
        _ if !cfg!(loom) => String::new(),
        Kind::Proof => "proof, ".to_owned(),
        Kind::Search { preemption_bound } => format!("search to {preemption_bound} preemptions, "),
    };
    let states = match final_states.len() {
        1 => "1 final state".to_owned(),
        several => format!("{several} final states"),
    };
    let pairs = coverage.map(pairs).unwrap_or_default();
    write_line(&format!(
        "{checker:<7} {name:<70} {kind}{executions:>7} executions, {states}, {standing}{pairs} {seconds:>7.2} s"
    ));
}

/// How much contention was met, and whether more executions would meet more.
fn pairs(coverage: &Coverage) -> String {
    let (pairs, last_new) = (coverage.pairs.len(), with_thousands(coverage.last_new));
    match coverage.is_level() {
        _ if pairs == 0 || coverage.executions == 1 => String::new(),
        true => format!(", {pairs} lock pairs, level since {last_new}"),
        false => format!(", {pairs} lock pairs, NOT LEVEL: a new one in {last_new}"),
    }
}

thread_local! {
    /// The scenario that runs on this thread.
    static SCENARIO: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What loom says when an execution is too long.
const TOO_MANY_BRANCHES: &str = "exceeded maximum number of branches";

/// How to make a scenario smaller.
pub(super) const NARROW: &str = "narrow it: fewer threads or operations, a smaller kernel below it, or one thread that does in turn what \
     two did; a composition that stays too large is for `search` or for shuttle";

/// Makes a panic say in which execution it came: also when the process is about to abort, as it does when loom finds a deadlock.
#[expect(clippy::disallowed_types, reason = "the hook belongs to the process, not to a scenario")]
pub(super) fn announce_failures(name: &str) {
    static INSTALLED: std::sync::Once = std::sync::Once::new();
    SCENARIO.set(name.to_owned());
    INSTALLED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            announce(panic.payload_as_str().unwrap_or_default());
            crate::trace::write_failure();
            usual(panic);
        }));
    });
}

fn announce(message: &str) {
    if count::executions() == 0 {
        return;
    }
    let name = SCENARIO.with_borrow(Clone::clone);
    let checker = super::chosen::NAME;
    write_line(&format!("{name}: {checker}: failed in execution {}", count::executions()));
    if message.contains(TOO_MANY_BRANCHES) {
        let limit = super::chosen::BRANCHES_AT_MOST.map_or_else(String::new, with_thousands);
        write_line(&format!("{name}: an execution has more than {limit} branches: {NARROW}"));
    }
}

pub(crate) fn write_line(line: &str) {
    let _unwritable = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// 1183 as `1,183`.
pub(crate) fn with_thousands(number: u64) -> String {
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
#[derive(Clone, Copy)]
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
