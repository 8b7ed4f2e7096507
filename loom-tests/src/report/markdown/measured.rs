//! What was measured of the harness itself: which lines it reaches, whether its stand-ins are like the real thing, how right its checkers are.

use std::collections::BTreeMap;

use super::super::Evidence;
use super::super::escape::{cell, thousands};
use super::{Table, missing};

pub(super) fn sites(evidence: &Evidence) -> String {
    let mut text = "## Sync sites\n\nA *site* is a line of a kernel that takes a lock, waits, sends or receives. They are found in the source.\n\n".to_owned();
    let coverage = match &evidence.coverage {
        Ok(coverage) => coverage,
        Err(error) => return text + &missing(error),
    };
    let reached = coverage.rows.len() - coverage.unreached().count();
    text.push_str(&format!("**{reached} of {} are reached** by a scenario.\n\n", coverage.rows.len()));
    let mut kernels: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for row in &coverage.rows {
        let [sites, loom, shuttle] = kernels.entry(&row.site.file).or_default();
        *sites += 1;
        *loom += usize::from(!row.loom.is_empty());
        *shuttle += usize::from(!row.shuttle.is_empty());
    }
    let mut table = Table::new(&["file", ">sites", ">under loom", ">under shuttle"]);
    for (file, counts) in kernels {
        let [sites, loom, shuttle] = counts.map(|count| count.to_string());
        table.row([&format!("`{}`", cell(file)), &sites, &loom, &shuttle]);
    }
    text + &table.end()
}

pub(super) fn contract(evidence: &Evidence) -> String {
    let mut text = "## Contract matrix\n\nWhat stands in for a lock, a map or a channel under a checker must block where the real thing does. Each row was tried on all three.\n\n".to_owned();
    let rows = match &evidence.contract {
        Ok(rows) => rows,
        Err(error) => return text + &missing(error),
    };
    let mut table = Table::new(&["object", "call", "while", "real", "loom", "shuttle", "note"]);
    for row in rows {
        let blocks = |blocks: bool| if blocks { "blocks" } else { "returns" };
        table.row([
            &cell(&row.object),
            &cell(&row.call),
            &cell(&row.during),
            blocks(row.real),
            blocks(row.loom),
            blocks(row.shuttle),
            &cell(&row.note),
        ]);
    }
    text.push_str(&table.end());
    text
}

pub(super) fn calibration(evidence: &Evidence) -> String {
    let mut text = "## Calibration\n\nThe checkers are measured, too: small random programs, whose outcomes a brute-force oracle knows. Kernels are built from locks because loom is complete for them.\n\n".to_owned();
    let calibration = match &evidence.calibration {
        Ok(calibration) => calibration,
        Err(error) => return text + &missing(error),
    };
    let columns = [
        "checker",
        "programs of",
        ">programs",
        ">verdict right",
        ">outcomes missed in",
        ">outcomes added in",
        ">of, without deadlock",
    ];
    let mut table = Table::new(&columns);
    for it in &calibration.0 {
        let numbers = [
            it.programs,
            it.verdicts_right,
            it.outcomes_missed_in,
            it.outcomes_added_in,
            it.without_deadlock,
        ];
        let [programs, right, missed, added, without] = numbers.map(thousands);
        table.row([&cell(&it.checker), &cell(&it.fragment), &programs, &right, &missed, &added, &without]);
    }
    text.push_str(&table.end());
    text
}

pub(super) fn lock_pairs(evidence: &Evidence) -> String {
    let mut text = "## Lock pairs under shuttle\n\nA pair: a lock taken at one line is held while a lock is asked for at another. shuttle's random executions are enough when no new pair comes any more.\n\n".to_owned();
    let pairs = match &evidence.lock_pairs {
        Ok(pairs) => pairs,
        Err(error) => return text + &missing(error),
    };
    let (seen, known) = pairs.total();
    text.push_str(&format!(
        "shuttle has seen **{} of {}** pairs that any checker has; in {} of {} scenarios the last third of its executions has shown nothing new.\n\n",
        thousands(seen as u64),
        thousands(known as u64),
        pairs.level(),
        pairs.rows.len()
    ));
    let rising: Vec<_> = pairs.rows.iter().filter(|row| !row.is_level()).collect();
    if !rising.is_empty() {
        let mut table = Table::new(&["still rising", ">seen", ">known", ">last new pair in", ">executions"]);
        for row in rising {
            let numbers = [row.seen as u64, row.known as u64, row.last_new, row.executions];
            let [seen, known, last, executions] = numbers.map(thousands);
            table.row([&format!("`{}`", cell(&row.scenario)), &seen, &known, &last, &executions]);
        }
        text.push_str(&table.end());
    }
    text
}
