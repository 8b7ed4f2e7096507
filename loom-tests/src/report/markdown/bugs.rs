//! Every bug that is put back, and the controls.

use super::super::Evidence;
use super::super::escape::{cell, code, thousands};
use super::Table;
use crate::mutants::runner::expected;
use crate::mutants::{Expectation, Mutant};

/// Bugs, controls, and the rows of the catalogue that have no mutant yet.
pub(super) fn section(evidence: &Evidence) -> String {
    let is_control = |mutant: &&Mutant| mutant.expectation == Expectation::Survives;
    let (controls, bugs): (Vec<&Mutant>, Vec<&Mutant>) = evidence.mutants.iter().partition(is_control);
    let as_expected = |mutants: &[&Mutant]| {
        let meets =
            |mutant: &&&Mutant| evidence.results.mutant(&mutant.id).is_some_and(|tried| tried.as_expected);
        mutants.iter().filter(meets).count()
    };
    let mut text = format!(
        "## Bugs put back\n\n{} of {} are found, each with the verdict that it must have; {} of {} controls, changes that are no bugs, survive.\n\n",
        as_expected(&bugs),
        bugs.len(),
        as_expected(&controls),
        controls.len()
    );
    text.push_str(&table_of(evidence, &bugs));
    text.push_str(
        "### Controls\n\nA harness that fails on everything proves as little as one that never fails.\n\n",
    );
    text.push_str(&table_of(evidence, &controls));
    text.push_str(&waiting(evidence));
    text
}

fn table_of(evidence: &Evidence, mutants: &[&Mutant]) -> String {
    let columns =
        ["row", "what is wrong", "mutant", "checker", "expected", "got", ">in execution", "scenario"];
    let mut table = Table::new(&columns);
    for mutant in mutants {
        let tried = evidence.results.mutant(&mutant.id);
        let got = match tried {
            None => "❌ **not tried**".to_owned(),
            Some(tried) if tried.as_expected => format!("✅ {}", cell(&tried.verdict)),
            Some(tried) => format!("❌ **{}**", cell(&tried.verdict)),
        };
        let execution = tried.and_then(|tried| tried.execution).map(thousands).unwrap_or_default();
        let file = mutant.file_name();
        table.row([
            &cell(&mutant.id),
            &cell(mutant.bug.trim_start_matches("no bug: ")),
            &format!("[{}](loom-tests/mutants/{file})", cell(file.trim_end_matches(".patch"))),
            &mutant.checker,
            expected(&mutant.expectation),
            &got,
            &execution,
            &scenario(evidence, mutant),
        ]);
    }
    table.end()
}

/// The scenario that finds it: what the trace says, or the test of the header.
fn scenario(evidence: &Evidence, mutant: &Mutant) -> String {
    match evidence.traces.get(&mutant.id) {
        Some(Ok(trace)) => code(&trace.scenario),
        _ if mutant.test == "*" => format!("all of {}", code(&mutant.kernel)),
        _ => code(&format!("{}::{}", mutant.kernel, mutant.test)),
    }
}

fn waiting(evidence: &Evidence) -> String {
    let rows: Vec<_> = evidence.catalogue.iter().filter(|row| row.mutants.is_empty()).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "### Rows of the catalogue without a mutant\n\n{} of {} wait for the code that they are about, or for another tool.\n\n",
        rows.len(),
        evidence.catalogue.len()
    );
    let mut table = Table::new(&["row", "bug", "smallest level"]);
    for row in rows {
        let level = match row.tool.as_str() {
            "L" => "loom",
            "S" => "shuttle",
            "D" => "simulation",
            "B" => "black box",
            other => other,
        };
        table.row([&cell(&row.id), &cell(&row.bug), level]);
    }
    text.push_str(&table.end());
    text
}
