//! One `cargo test` over all scenarios, read line by line as it runs.

use serde::{Deserialize, Serialize};

/// What a run of all scenarios under one checker came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Suite {
    /// `loom`, `shuttle` or `std`.
    pub checker: String,
    /// Tests that passed.
    pub passed: usize,
    /// Names of those that failed.
    pub failed: Vec<String>,
    /// Test files that ended without a result: loom ends the process when it finds a deadlock.
    pub aborted: Vec<String>,
    /// The test file that runs.
    pub running: Option<String>,
    /// What the harness said about each exploration.
    pub explored: Vec<Explored>,
    /// Whether cargo ended with success.
    pub success: bool,
    /// How long it took, with the build.
    pub seconds: f64,
}

/// One scenario, explored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explored {
    /// The scenario: `mailbox::nothing_is_lost_between_two_senders`.
    pub scenario: String,
    /// How often it ran.
    pub executions: u64,
    /// How long that took.
    pub seconds: f64,
}

impl Suite {
    /// Nothing has run yet.
    pub fn new(checker: &str) -> Self {
        Self { checker: checker.to_owned(), ..Self::default() }
    }

    /// Takes note of a line of the output, of either stream. What one test says may come behind the name of another that has just begun, or behind its
    /// result.
    pub fn line(&mut self, line: &str) {
        let (test, said) = line.split_at(end_of_another_test(line, &self.checker));
        self.part(test.trim());
        self.part(said.trim());
    }

    fn part(&mut self, line: &str) {
        if let Some(file) = line.strip_prefix("Running ").and_then(|running| running.split_once(" (")) {
            self.aborted.extend(self.running.replace(file.0.to_owned()));
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.running = None;
            self.passed += count_before(result, " passed").unwrap_or(0);
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|test| test.split_once(" ... ")).and_then(failed)
        {
            self.failed.push(name);
        } else if let Some(explored) = Explored::read(line, &self.checker) {
            self.explored.push(explored);
        }
    }

    /// The run is over: with success, or not.
    pub fn end(&mut self, success: bool) {
        self.aborted.extend(self.running.take());
        self.success = success;
    }

    /// What is wrong with the run; nothing passes quietly.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut say = |problem: String| problems.push(format!("{}: {problem}", self.checker));
        for name in &self.failed {
            say(format!("{name} failed"));
        }
        if self.passed == 0 {
            say("no test has passed".to_owned());
        }
        if self.explored.is_empty() {
            say("no scenario was explored".to_owned());
        }
        for file in &self.aborted {
            say(format!("{file} was aborted"));
        }
        if !self.success && problems.is_empty() {
            problems.push(format!("{}: cargo test failed", self.checker));
        }
        problems
    }

    /// The executions of `scenario`; of the largest exploration, if it explores several times.
    pub fn executions(&self, scenario: &str) -> Option<u64> {
        let explored = self.explored.iter().filter(|explored| explored.scenario == scenario);
        explored.map(|explored| explored.executions).max()
    }
}

impl Explored {
    /// Reads `loom    mailbox::a    1,183 executions    0.10 s`, whatever else stands between.
    fn read(line: &str, checker: &str) -> Option<Self> {
        let rest = line.strip_prefix(checker)?.strip_prefix(' ')?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        let executions = words.iter().position(|word| word.trim_end_matches(',') == "executions")?;
        let seconds = words.iter().rposition(|word| *word == "s")?;
        Some(Self {
            scenario: words.first().filter(|name| name.contains("::"))?.to_string(),
            executions: words.get(executions.checked_sub(1)?)?.replace(',', "").parse().ok()?,
            seconds: words.get(seconds.checked_sub(1)?)?.parse().ok()?,
        })
    }
}

/// Where, on a line that begins with a test, something begins that a scenario says; 0 if there is nothing of the kind.
fn end_of_another_test(line: &str, checker: &str) -> usize {
    let Some((name, result)) = line.split_once(" ... ") else { return 0 };
    let said = |rest: &str| rest.strip_prefix(checker).is_some_and(|rest| rest.starts_with(' '));
    let ended = ["", "ok", "FAILED"].into_iter().find(|end| result.strip_prefix(end).is_some_and(said));
    ended.map_or(0, |end| name.len() + " ... ".len() + end.len())
}

fn failed((name, result): (&str, &str)) -> Option<String> {
    let name = name.trim_end_matches(" - should panic");
    result.starts_with("FAILED").then(|| name.to_owned())
}

/// The number that stands before `word`.
fn count_before(text: &str, word: &str) -> Option<usize> {
    text.split(word).next()?.rsplit([' ', '.']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(lines: &[&str], success: bool) -> Suite {
        let mut suite = Suite::new("loom");
        lines.iter().for_each(|line| suite.line(line));
        suite.end(success);
        suite
    }

    const GOOD: [&str; 5] = [
        "     Running tests/mailbox.rs (target/debug/deps/mailbox-1)",
        "loom    mailbox::a                 1,183 executions    0.10 s",
        "loom    mailbox::b     proof,      7 executions, 3 final states, certificate ok    0.25 s",
        "test a ... ok",
        "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
    ];

    #[test]
    fn what_comes_behind_the_name_of_another_test_is_heard() {
        for (end, failed) in [("", false), ("ok", false), ("FAILED", true)] {
            let said =
                "loom    mailbox::a   proof, 1,183 executions, 1 final state, certificate ok    0.10 s";
            let suite = suite(&[&format!("test other ... {end}{said}")], true);
            assert_eq!(suite.executions("mailbox::a"), Some(1_183), "{end}");
            assert_eq!(suite.failed, ["other"][..usize::from(failed)], "{end}");
        }
    }

    #[test]
    fn a_run_is_read() {
        let suite = suite(&GOOD, true);
        assert_eq!((suite.passed, suite.success), (2, true));
        assert_eq!(suite.executions("mailbox::a"), Some(1183));
        assert_eq!(suite.executions("mailbox::b"), Some(7));
        assert_eq!(suite.executions("mailbox::c"), None);
        assert_eq!(suite.problems(), [""; 0]);
    }

    #[test]
    fn nothing_passes_quietly() {
        assert_eq!(
            suite(&[], true).problems(),
            ["loom: no test has passed", "loom: no scenario was explored"]
        );
        assert_eq!(suite(&GOOD, false).problems(), ["loom: cargo test failed"]);
        let failing = [&GOOD[..4], &["test b - should panic ... FAILED"], &GOOD].concat();
        let problems = suite(&failing, false).problems();
        assert_eq!(problems, ["loom: b failed", "loom: tests/mailbox.rs was aborted"]);
        assert_eq!(
            suite(&GOOD[..4], false).problems(),
            ["loom: no test has passed", "loom: tests/mailbox.rs was aborted"]
        );
    }
}
