//! How right the checkers are about small random programs, whose outcomes an oracle knows.
//!
//! The calibration writes it, a file `<checker>.<fragment>.json` for each kind of program, into the folder that [`VARIABLE`] names.

use std::path::Path;

pub use crate::calibration::{Summary, VARIABLE};

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration(pub Vec<Summary>);

impl Calibration {
    /// The checkers are wrong, or were not measured, where the kernels rely on them.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for checker in ["loom", "shuttle"] {
            if !self.0.iter().any(|summary| summary.checker == checker) {
                problems.push(format!("calibration: {checker} was not measured"));
            }
        }
        for Summary { checker, fragment, programs, verdicts_right, .. } in &self.0 {
            if *programs == 0 {
                problems.push(format!("calibration: {checker}, {fragment}: no program"));
            } else if verdicts_right != programs {
                let wrong = programs.saturating_sub(*verdicts_right);
                problems.push(format!("calibration: {checker}, {fragment}: {wrong} verdicts are wrong"));
            }
        }
        problems
    }
}

/// Reads a folder.
///
/// # Errors
/// It is missing or empty, or a file holds something else.
pub fn read(folder: &Path) -> Result<Calibration, String> {
    let mut summaries: Vec<Summary> = super::read_folder(folder)?;
    summaries.sort_by(|one, other| (&one.checker, &one.fragment).cmp(&(&other.checker, &other.fragment)));
    Ok(Calibration(summaries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(checker: &str, programs: u64, verdicts_right: u64) -> Summary {
        let fragment = "mutex".to_owned();
        let (outcomes_missed_in, outcomes_added_in, without_deadlock) = (0, 0, 100);
        Summary {
            checker: checker.to_owned(),
            fragment,
            programs,
            without_deadlock,
            outcomes_missed_in,
            outcomes_added_in,
            verdicts_right,
            executions: 0,
        }
    }

    #[test]
    fn a_wrong_verdict_is_a_problem_and_so_is_a_checker_that_was_not_measured() {
        assert_eq!(
            Calibration(vec![summary("loom", 150, 150), summary("shuttle", 150, 150)]).problems(),
            [""; 0]
        );
        assert_eq!(
            Calibration(vec![summary("loom", 150, 148)]).problems(),
            ["calibration: shuttle was not measured", "calibration: loom, mutex: 2 verdicts are wrong"]
        );
    }
}
