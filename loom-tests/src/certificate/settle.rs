//! What an exploration is worth: compared with the certificate, or written as one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{
    BLESS_VARIABLE, Certificate, FOLDER_VARIABLE, Kind, MUTATED_VARIABLE, committed, differences, file_of,
};
use crate::Exploration;

/// How an exploration stands to its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is as the certificate says.
    Holds,
    /// The certificate has just been written.
    Written,
    /// The final states are among those of the certificate.
    Within,
    /// The certificate does not list the final states: there are too many, or it is one of a search.
    NotListed,
    /// The scenario has none, because it is not one for loom.
    None,
    /// Nothing is compared: the kernels were changed to see whether that is noticed.
    Mutated,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "certificate ok",
            Self::Written => "certificate WRITTEN",
            Self::Within => "all known to loom",
            Self::NotListed => "not listed by loom",
            Self::None => "not a scenario for loom",
            Self::Mutated => "NO CERTIFICATE: mutated",
        })
    }
}

/// # Panics
/// If the exploration differs from its certificate, or has none under loom; the message says what is different and what to do.
pub(crate) fn settle(scenario: &str, kind: Kind, exploration: &Exploration) -> Standing {
    if is_set(MUTATED_VARIABLE) {
        return Standing::Mutated;
    }
    let folder = folder();
    let result = if cfg!(loom) {
        certify(&folder, &Certificate::of(scenario, kind, exploration))
    } else {
        cross_check(&folder, scenario, exploration)
    };
    result.unwrap_or_else(|problem| panic!("{scenario}: {problem}"))
}

pub(crate) fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "1")
}

fn folder() -> PathBuf {
    std::env::var_os(FOLDER_VARIABLE).map_or_else(committed, PathBuf::from)
}

fn certify(folder: &Path, now: &Certificate) -> Result<Standing, String> {
    let file = file_of(folder, &now.scenario);
    let unusable = |error: io::Error| format!("{}: {error}", file.display());
    let to_do = format!(
        "run {BLESS_VARIABLE}=1 cargo loom, and commit the certificate with the change that explains it"
    );
    if let Some(address) = addresses(now.final_states_listed.iter().flatten()).next() {
        return Err(format!("the final state {address} has an address in it, which is another in each run"));
    }
    if is_set(BLESS_VARIABLE) {
        return now.write(folder).map(|()| Standing::Written).map_err(unusable);
    }
    let Some(committed) = Certificate::read(folder, &now.scenario).map_err(unusable)? else {
        return Err(format!("it has no certificate, {}. If it is new, {to_do}", file.display()));
    };
    match differences(&committed, now) {
        same if same.is_empty() => Ok(Standing::Holds),
        differences => Err(format!(
            "it differs from its certificate, {}:\n  {}\nAnother state space was explored. Look at what has changed in the kernel, the \
             scenario or the checker; if it is meant, {to_do}",
            file.display(),
            differences.join("\n  ")
        )),
    }
}

/// What loom has explored is all that can happen: no other checker sees more.
fn cross_check(folder: &Path, scenario: &str, seen: &Exploration) -> Result<Standing, String> {
    let file = file_of(folder, scenario);
    let certificate =
        Certificate::read(folder, scenario).map_err(|error| format!("{}: {error}", file.display()))?;
    let Some(certificate) = certificate else { return Ok(Standing::None) };
    let (Some(known), None) = (certificate.final_states_listed, certificate.preemption_bound) else {
        return Ok(Standing::NotListed);
    };
    match seen.final_states.difference(&known).next() {
        None => Ok(Standing::Within),
        Some(unknown) => Err(format!(
            "{} has come to the final state {unknown}, which loom has not seen in any interleaving: {} lists {known:?}",
            seen.checker,
            file.display()
        )),
    }
}

fn addresses<'a>(states: impl Iterator<Item = &'a String>) -> impl Iterator<Item = &'a String> {
    states.filter(|state| state.contains("0x"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_address_in_a_final_state_is_found() {
        let states = BTreeSet::from(["(1, 0)".to_owned(), "Some(0x7f00)".to_owned()]);
        assert_eq!(addresses(states.iter()).collect::<Vec<_>>(), ["Some(0x7f00)"]);
    }
}
