//! How much of the locking a checker has seen: pairs of lines, a lock taken at one being held while a lock is asked for at the other.
//!
//! The scenarios write them, a file `<checker>.<scenario>.json` for each, into the folder that [`VARIABLE`] names. "2,000 executions" says nothing
//! by itself; a curve that has become level does.

use std::collections::BTreeSet;
use std::path::Path;

pub use crate::coverage::VARIABLE;
use crate::coverage::{Coverage, Pair};

/// What shuttle has seen of all scenarios, beside what any checker has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockPairs {
    /// A row for each scenario that shuttle has explored.
    pub rows: Vec<Row>,
}

/// One scenario under shuttle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// Pairs that shuttle has seen.
    pub seen: usize,
    /// Pairs that any checker has seen.
    pub known: usize,
    /// The execution in which shuttle saw the last new one.
    pub last_new: u64,
    /// How many executions there were.
    pub executions: u64,
    /// After so many executions, so many pairs.
    pub curve: Vec<(u64, usize)>,
}

impl Row {
    /// Whether the last third of the executions has shown nothing new; of one execution there is no third.
    pub fn is_level(&self) -> bool {
        self.executions == 1 || self.last_new * 3 <= self.executions * 2
    }
}

impl LockPairs {
    fn of(all: &[Coverage]) -> Self {
        let rows = all.iter().filter(|seen| seen.checker == "shuttle").map(|seen| {
            let of_scenario = all.iter().filter(|other| other.scenario == seen.scenario);
            let known: BTreeSet<&Pair> = of_scenario.flat_map(|other| &other.pairs).collect();
            Row {
                scenario: seen.scenario.clone(),
                seen: seen.pairs.len(),
                known: known.len(),
                last_new: seen.last_new,
                executions: seen.executions,
                curve: seen.curve.clone(),
            }
        });
        Self { rows: rows.collect() }
    }

    /// Pairs seen by shuttle and pairs known, over all scenarios.
    pub fn total(&self) -> (usize, usize) {
        self.rows.iter().fold((0, 0), |(seen, known), row| (seen + row.seen, known + row.known))
    }

    /// How many curves have become level.
    pub fn level(&self) -> usize {
        self.rows.iter().filter(|row| row.is_level()).count()
    }

    /// That nothing was measured. (A curve that still rises is no fault; it is shown.)
    pub fn problems(&self) -> Vec<String> {
        let empty = self.total().0 == 0;
        empty.then(|| "lock pairs: shuttle has seen none".to_owned()).into_iter().collect()
    }
}

/// Reads a folder.
///
/// # Errors
/// It is missing or empty, or a file holds something else.
pub fn read(folder: &Path) -> Result<LockPairs, String> {
    let mut all: Vec<Coverage> = super::read_folder(folder)?;
    all.sort_by(|one, other| (&one.scenario, &one.checker).cmp(&(&other.scenario, &other.checker)));
    Ok(LockPairs::of(&all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(checker: &str, pairs: &[&str], last_new: u64) -> Coverage {
        let pair = |requested: &&str| Pair { held: "a".to_owned(), requested: (*requested).to_owned() };
        Coverage {
            scenario: "gate::one".to_owned(),
            checker: checker.to_owned(),
            executions: 300,
            pairs: pairs.iter().map(pair).collect(),
            curve: vec![(300, pairs.len())],
            last_new,
        }
    }

    #[test]
    fn what_shuttle_has_seen_is_a_share_of_what_any_has() {
        let pairs = LockPairs::of(&[seen("loom", &["b", "c"], 1), seen("shuttle", &["c", "d"], 200)]);
        assert_eq!(pairs.total(), (2, 3));
        assert_eq!(pairs.level(), 1);
        assert_eq!(pairs.problems(), [""; 0]);
    }

    #[test]
    fn to_have_seen_nothing_is_a_problem() {
        assert_eq!(LockPairs::of(&[seen("loom", &["b"], 1)]).problems().len(), 1);
        assert!(read(Path::new("/no/such/folder")).is_err());
    }
}
