//! The contract matrix: which call blocks while what is held, on the real thing and on what stands for it under each checker.
//!
//! The contract suites write it, a file `contract-<checker>.json` for each build, into the folder that [`VARIABLE`] names:
//!
//! ```text
//! [{"object":"map","call":"remove","while":"for_each of the same shard","real":true,"loom":true,"shuttle":true,"measured":"real","note":""}]
//! ```
//!
//! A build has measured only its own column; the others are what the row says. So the three files are laid over each other, and must agree.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Names the folder to write to.
pub const VARIABLE: &str = "CHRONIK_CONTRACT_DIR";

/// The checkers, each with the name of its column.
const COLUMNS: [(&str, &str); 3] = [("std", "real"), ("loom", "loom"), ("shuttle", "shuttle")];

/// One row: what is called while what, and whether that blocks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// The lock, map or channel.
    pub object: String,
    /// What is called.
    pub call: String,
    /// What is so meanwhile.
    #[serde(rename = "while")]
    pub during: String,
    /// Whether the call blocks on the real thing.
    pub real: bool,
    /// On what stands for it under loom.
    pub loom: bool,
    /// And under shuttle.
    pub shuttle: bool,
    /// The column that this file has measured.
    measured: String,
    /// Why they differ; empty unless they do.
    #[serde(default)]
    pub note: String,
}

impl Row {
    fn key(&self) -> [&str; 3] {
        [&self.object, &self.call, &self.during]
    }

    fn column(&self, name: &str) -> bool {
        match name {
            "real" => self.real,
            "loom" => self.loom,
            _ => self.shuttle,
        }
    }
}

/// Reads the three files of a folder.
///
/// # Errors
/// One is missing or holds something else, measures another column than its own, or they disagree.
pub fn read(folder: &Path) -> Result<Vec<Row>, String> {
    let mut texts = Vec::new();
    for (checker, _) in COLUMNS {
        let file = folder.join(format!("contract-{checker}.json"));
        if !file.exists() {
            return Err(format!("contract-{checker}.json was not written"));
        }
        let text = std::fs::read_to_string(&file);
        texts.push(text.map_err(|error| format!("contract-{checker}.json: {error}"))?);
    }
    let [real, loom, shuttle] = texts.as_slice() else { return Err("three files".to_owned()) };
    combine([real, loom, shuttle])
}

/// Lays the texts of the three files over each other.
///
/// # Errors
/// See [`read`].
pub fn combine(texts: [&str; 3]) -> Result<Vec<Row>, String> {
    let mut measured: Vec<Vec<Row>> = Vec::new();
    for (text, (checker, column)) in texts.into_iter().zip(COLUMNS) {
        let named = |error: String| format!("contract-{checker}.json: {error}");
        let rows: Vec<Row> = serde_json::from_str(text).map_err(|error| named(error.to_string()))?;
        if rows.is_empty() {
            return Err(named("it has no row".to_owned()));
        }
        if let Some(row) = rows.iter().find(|row| row.measured != column) {
            return Err(named(format!("it has measured `{}`", row.measured)));
        }
        measured.push(rows);
    }
    let [real, others @ ..] = measured.as_slice() else { return Err("three files".to_owned()) };
    for (rows, (checker, column)) in others.iter().zip(&COLUMNS[1..]) {
        agree(real, rows, column).map_err(|error| format!("contract-{checker}.json: {error}"))?;
    }
    Ok(real.clone())
}

/// What one build says of its own column is what the rows of another say of it.
fn agree(said: &[Row], measured: &[Row], column: &str) -> Result<(), String> {
    let by_key = |rows: &[Row]| -> BTreeMap<[String; 3], bool> {
        rows.iter().map(|row| (row.key().map(str::to_owned), row.column(column))).collect()
    };
    let (said, measured) = (by_key(said), by_key(measured));
    let different = said.iter().find(|(key, blocks)| measured.get(*key) != Some(blocks));
    match different.map(|(key, _)| key).or_else(|| measured.keys().find(|key| !said.contains_key(*key))) {
        None => Ok(()),
        Some([object, call, during]) => Err(format!("differs in: {object}, {call} while {during}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(measured: &str, loom: bool) -> String {
        format!(
            r#"[{{"object":"map","call":"remove","while":"for_each","real":true,"loom":{loom},"shuttle":true,"measured":"{measured}","note":""}}]"#
        )
    }

    #[test]
    fn three_files_that_agree_are_one_matrix() {
        let texts = [file("real", true), file("loom", true), file("shuttle", true)];
        let rows = combine([&texts[0], &texts[1], &texts[2]]).expect("they agree");
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].during, "for_each");
    }

    #[test]
    fn what_loom_has_measured_is_not_what_is_said_of_it() {
        let texts = [file("real", true), file("loom", false), file("shuttle", true)];
        let error = combine([&texts[0], &texts[1], &texts[2]]).expect_err("they differ");
        assert!(error.contains("map, remove while for_each"), "{error}");
    }

    #[test]
    fn an_empty_matrix_and_a_wrong_column_are_no_evidence() {
        let good = file("real", true);
        assert!(combine([&good, "[]", &good]).is_err_and(|error| error.contains("no row")));
        assert!(combine([&good, &good, &good]).is_err_and(|error| error.contains("has measured `real`")));
        assert!(combine([&good, "{", &good]).is_err());
        assert!(read(Path::new("/no/such/folder")).is_err());
    }
}
