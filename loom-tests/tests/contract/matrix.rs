//! Which call blocks while what is held.
//!
//! With `CHRONIK_CONTRACT_DIR` set, each build writes what it has found to `contract-std.json`, `contract-loom.json` or `contract-shuttle.json` in that
//! folder: an array with a row per line,
//!
//! ```text
//! {"object":"map","call":"remove_if","while":"for_each of the same entry","real":true,"loom":true,"shuttle":true,"measured":"real","note":""}
//! ```
//!
//! `real`, `loom` and `shuttle` say whether the call blocks there. The column named by `measured` is what this build has found, the other two are
//! what the row says, and are measured by the other two builds. `note` is empty unless the three differ.

use std::fmt::Write;
use std::path::Path;

use loom_tests::built;

use super::trial::{self, Case};
use super::{cases, wrong};

/// The folder that receives the matrix.
const VARIABLE: &str = "CHRONIK_CONTRACT_DIR";
/// Trials that run at a time: most of them sleep.
const AT_A_TIME: usize = 8;

/// One row: what is called, while what, and whether that blocks.
pub(crate) struct Row {
    /// What is called.
    pub(crate) object: &'static str,
    pub(crate) call: &'static str,
    /// What is so meanwhile.
    pub(crate) during: &'static str,
    pub(crate) blocks: Blocks,
    /// How to try it.
    pub(crate) case: Case,
}

/// Whether a call blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
    /// Not everywhere: a documented difference.
    Differs { real: bool, loom: bool, shuttle: bool, because: &'static str },
}

impl Blocks {
    /// On the real thing, on the stand-in under loom, on the one under shuttle; and why they differ.
    fn columns(self) -> ([bool; 3], &'static str) {
        match self {
            Self::Always => ([true; 3], ""),
            Self::Never => ([false; 3], ""),
            Self::Differs { real, loom, shuttle, because } => ([real, loom, shuttle], because),
        }
    }
}

/// The columns of the matrix.
const COLUMNS: [&str; 3] = ["real", "loom", "shuttle"];

/// The column that this build measures.
fn column() -> usize {
    match built() {
        "loom" => 1,
        "shuttle" => 2,
        _ => 0,
    }
}

impl Row {
    /// Tells it from the others.
    pub(crate) fn name(&self) -> String {
        format!("{}: {} while {}", self.object, self.call, self.during)
    }

    /// Whether it is as the row says.
    pub(crate) fn agrees(&self, blocks: bool) -> bool {
        self.blocks.columns().0[column()] == blocks
    }

    fn json(&self, blocks: bool) -> String {
        let (mut columns, note) = self.blocks.columns();
        columns[column()] = blocks;
        let mut row = String::from("{");
        for (field, text) in [("object", self.object), ("call", self.call), ("while", self.during)] {
            let _never_fails = write!(row, "\"{field}\":{text:?},");
        }
        for (field, blocks) in COLUMNS.into_iter().zip(columns) {
            let _never_fails = write!(row, "\"{field}\":{blocks},");
        }
        let _never_fails = write!(row, "\"measured\":{:?},\"note\":{note:?}}}", COLUMNS[column()]);
        row
    }
}

#[test]
fn the_stand_ins_block_where_the_real_things_do() {
    let rows = cases::all();
    let measured = measure(&rows);
    if let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        write(Path::new(&folder), &rows, &measured).expect("the folder can be written to");
    }
    let disagree: Vec<String> = rows
        .iter()
        .zip(measured)
        .filter(|(row, blocks)| !row.agrees(*blocks))
        .map(|(row, blocks)| format!("{} ({})", row.name(), if blocks { "blocks" } else { "returns" }))
        .collect();
    assert!(disagree.is_empty(), "under {} these are not as their rows say: {disagree:#?}", built());
}

/// Whether each of the rows blocks here.
#[expect(
    clippy::disallowed_methods,
    reason = "each of these threads waits for children, and no scenario sees them"
)]
fn measure(rows: &[Row]) -> Vec<bool> {
    let lanes = rows.len().div_ceil(AT_A_TIME);
    std::thread::scope(|scope| {
        let measure = |rows: &[Row]| rows.iter().map(|row| trial::blocks(&row.name())).collect::<Vec<_>>();
        let threads: Vec<_> = rows.chunks(lanes).map(|rows| scope.spawn(move || measure(rows))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it has a verdict on each")).collect()
    })
}

fn write(folder: &Path, rows: &[Row], measured: &[bool]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let rows: Vec<String> = rows.iter().zip(measured).map(|(row, blocks)| row.json(*blocks)).collect();
    let file = folder.join(format!("contract-{}.json", built()));
    std::fs::write(file, format!("[\n{}\n]\n", rows.join(",\n")))
}

#[test]
#[ignore = "another test runs it in a process of its own, for each case"]
fn a_case_in_a_process_of_its_own() {
    let name = trial::asked_for().expect("the name of a case");
    let mut all = cases::all().into_iter().chain([wrong::row()]);
    let row = all.find(|row| row.name() == name).unwrap_or_else(|| panic!("there is no case {name:?}"));
    row.case.attempt();
}

#[test]
fn a_difference_has_a_reason_and_a_case_one_name() {
    let rows = cases::all();
    let names: std::collections::BTreeSet<String> = rows.iter().map(Row::name).collect();
    assert_eq!(names.len(), rows.len(), "two cases have one name");
    for row in &rows {
        if let Blocks::Differs { real, loom, shuttle, because } = row.blocks {
            assert!(real != loom || loom != shuttle, "{}: no difference", row.name());
            assert!(!because.is_empty(), "{}: no reason", row.name());
            let unseen = real && !loom && !shuttle;
            assert_eq!(
                unseen,
                cases::UNSEEN == row.name(),
                "{}: a deadlock that no checker sees",
                row.name()
            );
        }
    }
}
