//! What was measured of the harness itself.

use std::collections::BTreeMap;

use super::super::Evidence;
use super::super::curve;
use super::super::escape::{html, thousands};
use super::{missing, section, table};
use crate::sites::Row;

pub(super) fn sites(evidence: &Evidence) -> String {
    let says = "A <em>site</em> is a line of a kernel that takes a lock, waits, sends or receives. They are found in the source, and each has to be reached by a scenario.";
    let coverage = match &evidence.coverage {
        Ok(coverage) => coverage,
        Err(error) => return section("sites", "Sync sites", says, &missing(error)),
    };
    let mut files: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &coverage.rows {
        files.entry(&row.site.file).or_default().push(row);
    }
    let body: String = files.iter().map(|(file, rows)| sites_of(file, rows)).collect();
    section("sites", "Sync sites", says, &body)
}

fn sites_of(file: &str, rows: &[&Row]) -> String {
    let reached = rows.iter().filter(|row| !row.loom.is_empty() || !row.shuttle.is_empty()).count();
    let class = if reached == rows.len() { "count" } else { "badge bad" };
    let cells = rows.iter().map(|row| {
        let example = row.loom.first().or(row.shuttle.first());
        vec![
            format!("<code>{}</code>", html(&row.site.to_string())),
            format!("<code>{}</code>", html(row.call)),
            row.loom.len().to_string(),
            row.shuttle.len().to_string(),
            example.map_or("<b class=\"no\">none</b>".to_owned(), |scenario| {
                format!("<code>{}</code>", html(scenario))
            }),
        ]
    });
    format!(
        "<details class=\"group\"><summary><span class=\"id\">{}</span><span class=\"what\"></span><span class=\"{class}\">{reached} of {}</span></summary>{}</details>\n",
        html(file),
        rows.len(),
        table(&["site", "call", ">scenarios, loom", ">shuttle", "for example"], cells)
    )
}

pub(super) fn contract(evidence: &Evidence) -> String {
    let says = "Under a checker, something stands in for a lock, a map or a channel. A proof says something about production only if the two block in the same places. \
                Each row was tried on the real thing and on both stand-ins.";
    let rows = match &evidence.contract {
        Ok(rows) => rows,
        Err(error) => return section("contract", "Contract matrix", says, &missing(error)),
    };
    let blocks = |blocks: bool| {
        if blocks {
            "<span class=\"blocks-mark\">blocks</span>"
        } else {
            "<span class=\"returns-mark\">returns</span>"
        }
    };
    let mut above = "";
    let cells = rows.iter().map(|row| {
        let is_the_same = std::mem::replace(&mut above, &row.object) == row.object;
        vec![
            if is_the_same { String::new() } else { format!("<b>{}</b>", html(&row.object)) },
            format!("<code>{}</code>", html(&row.call)),
            html(&row.during),
            blocks(row.real).to_owned(),
            blocks(row.loom).to_owned(),
            blocks(row.shuttle).to_owned(),
            html(&row.note),
        ]
    });
    let body = table(&["object", "call", "while", "real", "loom", "shuttle", "why they differ"], cells);
    section("contract", "Contract matrix", says, &body)
}

pub(super) fn calibration(evidence: &Evidence) -> String {
    let says = "The checkers are measured, too: small random programs whose outcomes a brute-force oracle knows. loom is complete for locks, and that is why kernels \
                are built from locks.";
    let calibration = match &evidence.calibration {
        Ok(calibration) => calibration,
        Err(error) => return section("calibration", "Calibration", says, &missing(error)),
    };
    let cells = calibration.0.iter().map(|it| {
        let numbers = [
            it.programs,
            it.verdicts_right,
            it.outcomes_missed_in,
            it.outcomes_added_in,
            it.without_deadlock,
        ];
        [html(&it.checker), html(&it.fragment)].into_iter().chain(numbers.map(thousands)).collect()
    });
    let columns = [
        "checker",
        "programs of",
        ">programs",
        ">verdict right",
        ">outcomes missed in",
        ">added in",
        ">of, without deadlock",
    ];
    section("calibration", "Calibration", says, &table(&columns, cells))
}

pub(super) fn lock_pairs(evidence: &Evidence) -> String {
    let says = "A <em>pair</em>: a lock taken at one line is held while a lock is asked for at another. Random executions are enough when no new pair comes any more: \
                when the curve has become level.";
    let pairs = match &evidence.lock_pairs {
        Ok(pairs) => pairs,
        Err(error) => return section("pairs", "Lock pairs under shuttle", says, &missing(error)),
    };
    let (seen, known) = pairs.total();
    let cells = pairs.rows.iter().filter(|row| row.known > 0).map(|row| {
        let label = format!("{} pairs after {} executions", row.seen, row.executions);
        vec![
            format!("<code>{}</code>", html(&row.scenario)),
            format!("{} of {}", row.seen, row.known),
            thousands(row.last_new),
            thousands(row.executions),
            curve::draw(&row.curve, &label),
            if row.is_level() { "level".to_owned() } else { "<b class=\"no\">rising</b>".to_owned() },
        ]
    });
    let columns = ["scenario", ">pairs seen", ">last new in", ">executions", "curve", ""];
    let body = format!(
        "<p>shuttle has seen <b>{} of {}</b> pairs that any checker has. <b>{} of {}</b> curves are level: nothing new in the last third.</p>\
         <details class=\"group\"><summary><span class=\"id\">Curves</span><span class=\"what\">by scenario</span></summary>{}</details>",
        thousands(seen as u64),
        thousands(known as u64),
        pairs.level(),
        pairs.rows.len(),
        table(&columns, cells)
    );
    section("pairs", "Lock pairs under shuttle", says, &body)
}
