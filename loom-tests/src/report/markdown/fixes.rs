//! The three fixes: the table of the report that was once written by hand, from what was run.

use super::super::escape::{cell, code, thousands};
use super::super::results::Tried;
use super::super::{Evidence, Fix};
use super::Table;

/// The table, and the two faces of the second bug.
pub(super) fn section(evidence: &Evidence) -> String {
    let mut table = Table::new(&["fix", "issue", "location", "status", "confidence"]);
    for fix in &evidence.fixes {
        table.row([
            &format!("**{}**", fix.claim.number),
            &format!("{}. *Must hold:* {}", cell(fix.claim.issue), cell(fix.claim.holds)),
            &location(fix),
            &status(fix),
            &confidence(fix),
        ]);
    }
    format!("## The three fixes\n\n{}{}", table.end(), second_bug(evidence))
}

fn location(fix: &Fix) -> String {
    let place = |(symbol, place): &(&str, Result<super::super::Location, String>)| match place {
        Ok(location) => format!("[`{symbol}`]({0}) in `{0}`", location.file),
        Err(_) => format!("`{symbol}`: **missing**"),
    };
    fix.places.iter().map(place).collect::<Vec<_>>().join("<br>")
}

fn status(fix: &Fix) -> String {
    let problems = fix.problems();
    if problems.is_empty() {
        return "✅ proven".to_owned();
    }
    let prefix = format!("fix {}: ", fix.claim.number);
    let problems: Vec<String> =
        problems.iter().map(|problem| cell(problem.trim_start_matches(&prefix))).collect();
    format!("❌ **RED**: {}", problems.join("; "))
}

/// Evidence in place of "high".
fn confidence(fix: &Fix) -> String {
    let mut evidence = vec![format!(
        "{} scenarios, {} interleavings: all there are ({} certificates)",
        fix.scenarios,
        thousands(fix.executions),
        fix.certificates
    )];
    for (id, tried) in &fix.mutants {
        evidence.push(match tried {
            None => format!("`{id}`: **missing**"),
            Some(tried) => format!(
                "taken back ({}): {}, schedule `target/verification/traces/{id}.jsonl`",
                code(id),
                killed(tried)
            ),
        });
    }
    evidence.join("<br>")
}

/// `deadlock in execution 2`.
pub(super) fn killed(tried: &Tried) -> String {
    match tried.execution {
        Some(execution) => format!("{} in execution {}", cell(&tried.verdict), thousands(execution)),
        None => cell(&tried.verdict),
    }
}

const SECOND_BUG: &str = "\
### What the second bug was

The old server's report gives this root cause for fix #2: the timeout monitor called the election, which waited for the Raft lock, while the Raft loop held it. **As
written, that could not have happened: the call made a future, and nobody awaited it.** No code of the election ever ran there. So there are two mutants, and
they fail in two ways:

";

fn second_bug(evidence: &Evidence) -> String {
    let mut table = Table::new(&["", "S2: as it was reported", "S2b: as the code was"]);
    let of = |get: &dyn Fn(&str) -> String| ["S2", "S2b"].map(get);
    let bug = of(&|id| {
        let mutant = evidence.mutants.iter().find(|mutant| mutant.id == id);
        mutant.map_or("**missing**".to_owned(), |mutant| cell(&mutant.bug))
    });
    let verdict = of(&|id| evidence.results.mutant(id).map_or("**missing**".to_owned(), killed));
    let message =
        of(&|id| evidence.results.mutant(id).map_or(String::new(), |tried| first_line(&tried.message)));
    table.row(["bug", &bug[0], &bug[1]]);
    table.row(["verdict", &verdict[0], &verdict[1]]);
    table.row(["the checker says", &message[0], &message[1]]);
    table.row([
        "what users would have seen",
        "the node freezes",
        "the node goes on, and a dead leader is never replaced",
    ]);
    format!("{SECOND_BUG}{}", table.end())
}

/// Up to the first line's end or the details of a deadlock, which differ with every line of source.
fn first_line(message: &str) -> String {
    code(message.split([';', '\n']).next().unwrap_or_default())
}
