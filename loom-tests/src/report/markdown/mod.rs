//! The committed file: the same on every machine. No times, no dates, no paths of a machine, and no line numbers, which any edit moves.

mod bugs;
mod fixes;
mod measured;
mod scenarios;

use super::Evidence;

const INTRODUCTION: &str = "\
# Verification

<!-- Written by `cargo run --release -p loom-tests --bin verify`. Do not edit: CI runs `verify --check`, which fails if this file is out of date. -->

What is claimed of Chronik's locks and channels, and what was run for it. The kernels in `concurrency-models/` are the source that serves production
and the source that the checkers explore; a *scenario* is a few threads that use a kernel, and assertions on what they saw. loom explores **every** interleaving
of a scenario; shuttle draws some at random from fixed seeds; a plain build repeats it on real threads. A *mutant* puts one real bug back into a kernel, and
the checkers must find it.

";

/// All of it.
pub fn markdown(evidence: &Evidence) -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str(&standing(&evidence.problems()));
    text.push_str(&fixes::section(evidence));
    text.push_str(&bugs::section(evidence));
    text.push_str(&scenarios::section(evidence));
    text.push_str(&measured::sites(evidence));
    text.push_str(&measured::contract(evidence));
    text.push_str(&measured::calibration(evidence));
    text.push_str(&measured::lock_pairs(evidence));
    text.push_str(HOW);
    text
}

const HOW: &str = "\
## Run it

```sh
cargo run --release -p loom-tests --bin verify
```

runs all of it, writes this file, and draws `target/verification/index.html`: each bug's failing interleaving as a diagram, with lines and times. With
`-- --check` it compares this file instead, and fails if anything differs or is red.
";

fn standing(problems: &[String]) -> String {
    if problems.is_empty() {
        return "**Everything is green.**\n\n".to_owned();
    }
    let mut text = match problems.len() {
        1 => "**One thing is red:**\n\n".to_owned(),
        number => format!("**{number} things are red:**\n\n"),
    };
    for problem in problems {
        text.push_str(&format!("* {}\n", super::escape::cell(problem)));
    }
    text.push('\n');
    text
}

/// A table.
struct Table(String);

impl Table {
    /// With these columns; those that begin with `>` are of numbers.
    fn new(columns: &[&str]) -> Self {
        let names: Vec<&str> = columns.iter().map(|column| column.trim_start_matches('>')).collect();
        let rules = columns.iter().map(|column| if column.starts_with('>') { "---:" } else { "---" });
        Self(format!("| {} |\n|{}|\n", names.join(" | "), rules.collect::<Vec<_>>().join("|")))
    }

    /// Adds a row of cells that are escaped already.
    fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.0.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    /// The table, and an empty line.
    fn end(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}

/// What stands in place of a section that has nothing to show.
fn missing(why: &str) -> String {
    format!("**RED**: {}\n\n", super::escape::cell(why))
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{nothing_ran, tried};
    use super::super::results::Results;
    use super::super::suite::{Explored, Suite};
    use super::*;

    #[test]
    fn a_table_has_a_rule_and_as_many_cells_as_columns() {
        let mut table = Table::new(&["scenario", ">executions"]);
        table.row(["`a`", "1"]);
        assert_eq!(table.end(), "| scenario | executions |\n|---|---:|\n| `a` | 1 |\n\n");
    }

    #[test]
    fn what_is_red_is_named_first() {
        assert_eq!(standing(&[]), "**Everything is green.**\n\n");
        let text = standing(&["mutant S2 is missing".to_owned()]);
        assert_eq!(text, "**One thing is red:**\n\n* mutant S2 is missing\n\n");
    }

    /// All that differs between two machines: how long it took, and where it is.
    #[test]
    fn the_file_is_the_same_on_every_machine() {
        let run = |seconds| {
            let mut tried = tried("A1", true, Some(3));
            tried.seconds = seconds;
            let explored = Explored { scenario: "gate::a".to_owned(), executions: 7, seconds };
            let suite =
                Suite { explored: vec![explored], passed: 1, success: true, seconds, ..Suite::new("loom") };
            markdown(&nothing_ran(Results {
                suites: vec![suite],
                mutants: vec![tried],
                failures: Vec::new(),
            }))
        };
        let text = run(0.5);
        assert_eq!(text, run(77.25));
        let root = super::super::Folders::here().root;
        assert!(!text.contains(&*root.to_string_lossy()));
        assert!(text.contains("| `gate::a` | 7 |"), "{text}");
    }

    #[test]
    fn no_line_of_a_table_has_more_cells_than_its_heading() {
        let text = markdown(&nothing_ran(Results::default()));
        let mut columns = None;
        for line in text.lines() {
            let cells = line.replace("\\|", "").matches('|').count();
            match columns {
                _ if !line.starts_with('|') => columns = None,
                None => columns = Some(cells),
                Some(columns) => assert_eq!(cells, columns, "{line}"),
            }
        }
    }
}
