//! What a run of a test came to, read from its output.

use super::Expectation;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The checker found a deadlock.
    Deadlock,
    /// An assertion failed with this message.
    Assertion(String),
    /// All tests passed.
    Passed,
    /// It did not end in time.
    Timeout,
    /// Something else: no verdict that a mutant may have.
    Unusable(&'static str),
}

/// What to look for, the decisive things first.
const UNUSABLE: [(&str, &str); 5] = [
    ("stack overflow", "stack overflow"),
    ("has overflowed its stack", "stack overflow"),
    ("exceeded maximum number of branches", "loom gave up: too many branches"),
    ("running 0 tests", "no such test"),
    ("changes what the checker explores", "a variable of the checker is set"),
];

/// Judges the output of a test binary that ended (`passed`: with success), or was ended after its time.
pub fn judge(output: &str, passed: Option<bool>) -> Verdict {
    if let Some((_, reason)) = UNUSABLE.iter().find(|(sign, _)| output.contains(sign)) {
        return Verdict::Unusable(reason);
    }
    let message = first_panic(output);
    match (passed, message) {
        (None, _) => Verdict::Timeout,
        (Some(true), _) => Verdict::Passed,
        (Some(false), Some(message)) if message.starts_with("deadlock") => Verdict::Deadlock,
        (Some(false), Some(message)) => Verdict::Assertion(message),
        (Some(false), None) => Verdict::Unusable("it failed without a panic"),
    }
}

/// The message of the first panic: up to the backtrace.
fn first_panic(output: &str) -> Option<String> {
    let mut lines = output.lines().skip_while(|line| !line.contains(" panicked at ")).skip(1);
    let first = lines.next()?.to_owned();
    let more = lines.take_while(|line| !line.starts_with("stack backtrace") && !line.starts_with("note: "));
    Some(more.fold(first, |message, line| format!("{message} {}", line.trim())))
}

impl Verdict {
    /// Whether this is what was expected.
    pub fn meets(&self, expectation: &Expectation) -> bool {
        match (self, expectation) {
            (Self::Deadlock, Expectation::Deadlock) | (Self::Passed, Expectation::Survives) => true,
            (Self::Assertion(message), Expectation::Assertion(says)) => message.contains(says.as_str()),
            _ => false,
        }
    }

    /// In a word or two.
    pub fn short(&self) -> String {
        match self {
            Self::Deadlock => "deadlock".to_owned(),
            Self::Assertion(_) => "assertion".to_owned(),
            Self::Passed => "survives".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Unusable(reason) => (*reason).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOM_DEADLOCK: &str = "running 1 test\nloom: failed in execution 2\n\
        thread 'x' (1) panicked at loom/src/rt/execution.rs:216:13:\n\
        deadlock; threads = [(Id(0), Blocked(Location(None)))]\nstack backtrace:\n";
    const SHUTTLE_DEADLOCK: &str = "running 1 test\n\
        thread 'x' (1) panicked at shuttle/src/runtime/execution.rs:1:1:\ndeadlock! blocked tasks: [main-thread]\n";
    const ASSERTION: &str =
        "running 1 test\nthread 'x' panicked at tests/watermark.rs:9:9:\nwent back from 2 to 1\n";

    #[test]
    fn deadlocks_of_both_checkers_are_read() {
        assert_eq!(judge(LOOM_DEADLOCK, Some(false)), Verdict::Deadlock);
        assert_eq!(judge(SHUTTLE_DEADLOCK, Some(false)), Verdict::Deadlock);
    }

    #[test]
    fn an_assertion_counts_only_with_its_own_message() {
        let verdict = judge(ASSERTION, Some(false));
        assert!(verdict.meets(&Expectation::Assertion("went back".to_owned())));
        assert!(!verdict.meets(&Expectation::Assertion("two files are live".to_owned())));
        assert!(!verdict.meets(&Expectation::Deadlock));
    }

    #[test]
    fn what_proves_nothing_is_never_accepted() {
        for output in ["running 1 test\nstack overflow\n", "running 0 tests\n", "running 1 test\nSIGSEGV\n"] {
            let verdict = judge(output, Some(false));
            assert!(matches!(verdict, Verdict::Unusable(_)), "{output}");
        }
        assert_eq!(judge("running 1 test\n", None), Verdict::Timeout);
        assert!(!Verdict::Timeout.meets(&Expectation::Deadlock));
    }
}
