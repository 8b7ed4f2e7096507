//! The three fixes, each with its evidence.

use super::super::escape::{html, prose, thousands};
use super::super::{Evidence, Fix};
use super::bugs::{badge, interleaving};
use super::section as section_of;

pub(super) fn section(evidence: &Evidence) -> String {
    let cards: String = evidence.fixes.iter().map(|fix| card(evidence, fix)).collect();
    let says = "An earlier Chronik server froze in production three times. These are the three bugs, what must hold instead, and what stands behind that claim.";
    section_of(
        "fixes",
        "The three fixes",
        says,
        &format!("<div class=\"cards\">{cards}</div>{}", second_bug(evidence)),
    )
}

fn card(evidence: &Evidence, fix: &Fix) -> String {
    let problems = fix.problems();
    let (class, status) = if problems.is_empty() { ("good", "proven") } else { ("bad", "red") };
    let places: String = fix
        .places
        .iter()
        .map(|(symbol, place)| {
            let place = match place {
                Ok(location) => format!("<span class=\"place\">{}</span>", html(&location.to_string())),
                Err(error) => format!("<span class=\"missing\">{}</span>", prose(error)),
            };
            format!("<li><code>{}</code> {place}</li>", html(symbol))
        })
        .collect();
    let taken_back: String = fix
        .mutants
        .iter()
        .map(|(id, tried)| {
            let mutant = evidence.mutants.iter().find(|mutant| mutant.id == *id);
            match mutant {
                Some(mutant) => {
                    format!("<li><a href=\"#{id}\">{id}</a> {}</li>", badge(mutant, tried.as_ref()))
                }
                None => format!("<li>{id} <span class=\"badge bad\">missing</span></li>"),
            }
        })
        .collect();
    let prefix = format!("fix {}: ", fix.claim.number);
    let short = problems.iter().map(|problem| problem.trim_start_matches(&prefix));
    let problems: String = short.map(|problem| format!("<li>{}</li>", prose(problem))).collect();
    let problems =
        if problems.is_empty() { problems } else { format!("<ul class=\"problems\">{problems}</ul>") };
    format!(
        "<article class=\"card {class}\"><h3>Fix {number} <span class=\"badge {class}\">{status}</span></h3>\
         <p>{issue}.</p><p><span class=\"key\">Must hold</span> {holds}.</p>{problems}\
         <p class=\"key\">Where it is</p><ul class=\"plain\">{places}</ul>\
         <p class=\"key\">Explored whole</p><p>{scenarios} scenarios, <b>{executions}</b> interleavings, {certificates} certificates</p>\
         <p class=\"key\">Taken back</p><ul class=\"plain\">{taken_back}</ul></article>",
        number = fix.claim.number,
        issue = prose(fix.claim.issue),
        holds = prose(fix.claim.holds),
        scenarios = fix.scenarios,
        executions = thousands(fix.executions),
        certificates = fix.certificates,
    )
}

const SECOND_BUG: &str = "\
<h3>What the second bug was</h3>\n<p class=\"prose\">The old server's report gives this root cause for fix #2: the timeout monitor called the election, \
which waited for the Raft lock, while the Raft loop held it. <b>As written, that could not have happened: the call made a future, and nobody awaited it.</b> \
No code of the election ever ran there. So there are two mutants, and they fail in two ways.</p>";

fn second_bug(evidence: &Evidence) -> String {
    let column = |id: &str, title: &str, seen: &str| {
        let tried = evidence.results.mutant(id);
        let Some(mutant) = evidence.mutants.iter().find(|mutant| mutant.id == id) else {
            return format!(
                "<div><h4>{id}: {title}</h4>{}</div>",
                super::missing(&format!("mutant {id} is missing"))
            );
        };
        format!(
            "<div><h4>{id}: {title} {}</h4><p>{}</p><p><span class=\"key\">Users would have seen</span> {seen}.</p>{}</div>",
            badge(mutant, tried),
            html(&mutant.bug),
            interleaving(evidence, mutant)
        )
    };
    format!(
        "{SECOND_BUG}<div class=\"two\">{}{}</div>",
        column("S2", "as it was reported", "the node freezes"),
        column("S2b", "as the code was", "the node goes on, and a dead leader is never replaced")
    )
}
