//! The page: one file without anything from outside, for somebody who has never used a model checker.

mod bugs;
mod fixes;
mod measured;
mod scenarios;

use super::Evidence;
use super::escape::{html, prose, thousands};
use crate::mutants::Expectation;

const STYLE: &str = include_str!("style.css");
const INTRODUCTION: &str = include_str!("introduction.html");

/// All of it.
pub fn page(evidence: &Evidence) -> String {
    let problems = evidence.problems();
    let sections = [
        fixes::section(evidence),
        bugs::section(evidence),
        scenarios::section(evidence),
        measured::sites(evidence),
        measured::contract(evidence),
        measured::calibration(evidence),
        measured::lock_pairs(evidence),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Chronik: verification</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         {}\n<main>\n{INTRODUCTION}\n{}\n{}</main>\n</body>\n</html>\n",
        header(evidence, &problems),
        red(&problems),
        sections.join("\n")
    )
}

fn header(evidence: &Evidence, problems: &[String]) -> String {
    let (controls, bugs): (Vec<_>, Vec<_>) =
        evidence.mutants.iter().partition(|mutant| mutant.expectation == Expectation::Survives);
    let found = bugs
        .iter()
        .filter(|mutant| evidence.results.mutant(&mutant.id).is_some_and(|tried| tried.as_expected));
    let loom = evidence.results.suite("loom").map(|loom| loom.explored.as_slice()).unwrap_or_default();
    let interleavings: u64 = loom.iter().map(|explored| explored.executions).sum();
    let sites = evidence.coverage.as_ref().map(|coverage| {
        let unreached = coverage.unreached().count();
        format!("{} of {}", coverage.rows.len() - unreached, coverage.rows.len())
    });
    let badge = if problems.is_empty() {
        "<span class=\"badge good\">everything is green</span>".to_owned()
    } else {
        format!("<a class=\"badge bad\" href=\"#red\">{} red</a>", problems.len())
    };
    let figures = [
        (thousands(interleavings), "interleavings explored by loom"),
        (format!("{} of {}", found.count(), bugs.len()), "bugs put back and found"),
        (controls.len().to_string(), "harmless changes that survive"),
        (sites.unwrap_or("–".to_owned()), "sync sites reached"),
    ];
    let figures: String = figures
        .iter()
        .map(|(number, of)| format!("<div><b>{}</b><span>{of}</span></div>", html(number)))
        .collect();
    format!(
        "<header><div class=\"inner\"><h1>Chronik <span>verification</span></h1>{badge}<div class=\"figures\">{figures}</div>\
         <nav><a href=\"#read\">How to read this</a><a href=\"#fixes\">The three fixes</a><a href=\"#bugs\">Bugs put back</a>\
         <a href=\"#scenarios\">Scenarios</a><a href=\"#sites\">Sync sites</a><a href=\"#contract\">Contract</a>\
         <a href=\"#calibration\">Calibration</a><a href=\"#pairs\">Lock pairs</a></nav></div></header>"
    )
}

fn red(problems: &[String]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let items: String = problems.iter().map(|problem| format!("<li>{}</li>", prose(problem))).collect();
    format!("<section id=\"red\" class=\"red\"><h2>What is red</h2><ul>{items}</ul></section>")
}

/// A section with its heading and a line that says what it is.
fn section(id: &str, title: &str, says: &str, body: &str) -> String {
    format!("<section id=\"{id}\">\n<h2>{title}</h2>\n<p class=\"says\">{says}</p>\n{body}</section>\n")
}

/// What stands in place of a section that has nothing to show.
fn missing(why: &str) -> String {
    format!("<p class=\"missing\">{}</p>\n", html(why))
}

/// A table that can be wider than the window. `columns` that begin with `>` are of numbers; cells are escaped already.
fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let class = |column: &str| if column.starts_with('>') { " class=\"n\"" } else { "" };
    let head: String = columns
        .iter()
        .map(|column| format!("<th{}>{}</th>", class(column), column.trim_start_matches('>')))
        .collect();
    let row = |cells: Vec<String>| -> String {
        let cells =
            cells.iter().zip(columns).map(|(cell, column)| format!("<td{}>{cell}</td>", class(column)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let body: String = rows.map(row).collect();
    format!(
        "<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::nothing_ran;
    use super::super::results::Results;
    use super::*;

    #[test]
    fn the_parts_that_are_files_load_nothing_from_outside() {
        for part in [STYLE, INTRODUCTION] {
            for outside in ["http:", "https:", "@import", "url(", "<script", "src="] {
                assert!(!part.contains(outside), "{outside}");
            }
        }
    }

    #[test]
    fn what_is_red_is_text() {
        assert_eq!(red(&[]), "");
        assert!(red(&["<b>".to_owned()]).contains("<li>&lt;b&gt;</li>"));
    }

    #[test]
    fn a_table_has_a_cell_for_each_column() {
        let text = table(&["a", ">b"], [vec!["x".to_owned(), "1".to_owned()]].into_iter());
        assert!(text.contains("<th>a</th><th class=\"n\">b</th>"), "{text}");
        assert!(text.contains("<td>x</td><td class=\"n\">1</td>"), "{text}");
    }

    #[test]
    fn every_mutant_is_on_the_page_and_everything_that_is_opened_is_closed() {
        let evidence = nothing_ran(Results::default());
        let page = page(&evidence);
        for mutant in &evidence.mutants {
            assert!(page.contains(&format!("id=\"{}\"", mutant.id)), "{}", mutant.id);
        }
        for element in ["section", "details", "summary", "table", "div", "ul", "article", "svg", "span", "p"]
        {
            let opened =
                page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
            assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
        }
    }
}
