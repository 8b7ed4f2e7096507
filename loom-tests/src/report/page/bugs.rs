//! The bugs: each with the interleaving in which it was found, and the patch.

use super::super::escape::{html, thousands};
use super::super::results::Tried;
use super::super::{Evidence, diagram};
use super::section as section_of;
use crate::mutants::runner::expected;
use crate::mutants::{Expectation, Mutant, Row};

/// All mutants, below the headings of the catalogue.
pub(super) fn section(evidence: &Evidence) -> String {
    let mut body = String::new();
    let mut heading = String::new();
    for mutant in &evidence.mutants {
        let row = evidence.catalogue.iter().find(|row| row.id == mutant.row());
        let section = row.map_or("Without a row", |row| row.section.as_str());
        if section != heading {
            section.clone_into(&mut heading);
            body.push_str(&format!("<h3>{}</h3>\n", html(section)));
        }
        body.push_str(&details(evidence, mutant, row));
    }
    let says = "Each of these was put into the kernels, one at a time. Open one to see the interleaving in which it was found, and the change itself.";
    section_of("bugs", "Bugs put back", says, &body)
}

fn details(evidence: &Evidence, mutant: &Mutant, row: Option<&Row>) -> String {
    let tried = evidence.results.mutant(&mutant.id);
    let mut body = String::new();
    if let Some(row) = row.filter(|row| row.bug != mutant.bug) {
        body.push_str(&format!("<p><span class=\"key\">In the catalogue</span> {}</p>", html(&row.bug)));
    }
    body.push_str(&facts(evidence, mutant, tried));
    body.push_str(&interleaving(evidence, mutant));
    body.push_str(&format!("<h4>The change</h4>{}", patch(mutant)));
    format!(
        "<details class=\"bug\" id=\"{id}\"><summary><span class=\"id\">{id}</span><span class=\"what\">{what}</span>{badge}</summary>\n<div class=\"body\">{body}</div></details>\n",
        id = html(&mutant.id),
        what = html(mutant.bug.trim_start_matches("no bug: ")),
        badge = badge(mutant, tried),
    )
}

/// What came out, as a coloured word.
pub(super) fn badge(mutant: &Mutant, tried: Option<&Tried>) -> String {
    let Some(tried) = tried else { return "<span class=\"badge bad\">not tried</span>".to_owned() };
    if !tried.as_expected {
        return format!("<span class=\"badge bad\">{}</span>", html(&tried.verdict));
    }
    match (mutant.expectation == Expectation::Survives, tried.execution) {
        (true, _) => "<span class=\"badge quiet\">survives</span>".to_owned(),
        (false, Some(execution)) => {
            format!("<span class=\"badge good\">{} in {}</span>", html(&tried.verdict), thousands(execution))
        }
        (false, None) => format!("<span class=\"badge good\">{}</span>", html(&tried.verdict)),
    }
}

fn facts(evidence: &Evidence, mutant: &Mutant, tried: Option<&Tried>) -> String {
    let scenario = match evidence.traces.get(&mutant.id) {
        Some(Ok(trace)) => trace.scenario.clone(),
        _ => format!("{}::{}", mutant.kernel, mutant.test),
    };
    let mut facts = vec![
        ("Checker", html(&mutant.checker)),
        ("Scenario", format!("<code>{}</code>", html(&scenario))),
        ("Expected", expected(&mutant.expectation).to_owned()),
    ];
    if let Expectation::Assertion(says) = &mutant.expectation {
        facts.push(("which says", format!("<q>{}</q>", html(says))));
    }
    if let Some(tried) = tried {
        if !tried.as_expected {
            facts.push(("Got", html(&tried.verdict)));
        }
        if let Some(execution) = tried.execution {
            facts.push(("In execution", thousands(execution)));
        }
        facts.push(("It ran", format!("{:.2} s", tried.seconds)));
    }
    let facts: String =
        facts.iter().map(|(key, value)| format!("<div><dt>{key}</dt><dd>{value}</dd></div>")).collect();
    format!("<dl class=\"facts\">{facts}</dl>")
}

/// The diagram, or why there is none.
pub(super) fn interleaving(evidence: &Evidence, mutant: &Mutant) -> String {
    let trace = match evidence.traces.get(&mutant.id) {
        None => return String::new(),
        Some(Err(error)) => return super::missing(&format!("no failing interleaving: {error}")),
        Some(Ok(trace)) => trace,
    };
    let tried = evidence.results.mutant(&mutant.id);
    let message = match mutant.expectation {
        Expectation::Assertion(_) => Some(tried.map_or("", |tried| tried.message.as_str())),
        _ => None,
    };
    let words: String = match message {
        Some(message) => format!("<li>An assertion fails: <code>{}</code></li>", html(message)),
        None => diagram::words(trace).iter().map(|words| format!("<li>{}</li>", html(words))).collect(),
    };
    if trace.steps.is_empty() {
        return format!(
            "<h4>What happens</h4><ul class=\"words\">{words}</ul><p>One thread, and no lock: a decision of values.</p>"
        );
    }
    format!(
        "<h4>The interleaving</h4><ul class=\"words\">{words}</ul><div class=\"wide canvas\">{}</div>{}",
        diagram::draw(trace, message),
        every_step(evidence, mutant)
    )
}

/// More lines than this are left to the file.
const STEPS_AT_MOST: usize = 400;

fn every_step(evidence: &Evidence, mutant: &Mutant) -> String {
    let Some(Ok(trace)) = evidence.traces.get(&mutant.id) else { return String::new() };
    let lines = diagram::lines(trace);
    let more = lines.len().saturating_sub(STEPS_AT_MOST);
    let mut text: String = lines.iter().take(STEPS_AT_MOST).map(|line| format!("{}\n", html(line))).collect();
    if more > 0 || trace.lost > 0 {
        text.push_str(&format!("and {} more\n", more + trace.lost));
    }
    format!(
        "<details class=\"steps\"><summary>Every step, {} in all</summary><pre>{text}</pre></details>",
        trace.steps.len()
    )
}

fn patch(mutant: &Mutant) -> String {
    let text = std::fs::read_to_string(&mutant.file).unwrap_or_default();
    let Some((_, diff)) = text.split_once("\n\n") else {
        return super::missing("the patch cannot be read");
    };
    format!("<pre class=\"patch\">{}</pre>", coloured(diff))
}

/// The lines of a diff, each with the class of its sign.
fn coloured(diff: &str) -> String {
    let class = |line: &str| match line {
        _ if line.starts_with("+++") || line.starts_with("---") => "file",
        _ if line.starts_with("@@") => "at",
        _ if line.starts_with('+') => "plus",
        _ if line.starts_with('-') => "minus",
        _ => "same",
    };
    diff.trim_end()
        .lines()
        .map(|line| format!("<span class=\"{}\">{}</span>", class(line), html(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_patch_are_coloured_by_their_sign_and_are_text() {
        let text = coloured("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-Vec<u8>\n+x && y\n same\n");
        assert_eq!(
            text,
            "<span class=\"file\">--- a/x</span><span class=\"file\">+++ b/x</span><span class=\"at\">@@ -1 +1 @@</span>\
             <span class=\"minus\">-Vec&lt;u8&gt;</span><span class=\"plus\">+x &amp;&amp; y</span><span class=\"same\"> same</span>"
        );
    }
}
