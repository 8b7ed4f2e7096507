//! What the environment could do to an exploration behind our back.

use std::ffi::OsString;

/// Variables that cut an exploration short or change its seed, without a word in the verdict.
const PREFIXES: [&str; 2] = ["LOOM_", "SHUTTLE_"];

/// A checker reads limits and seeds from variables; a result must not depend on them.
///
/// # Panics
/// If one is set; the message names it.
pub(super) fn refuse_variables(variables: impl Iterator<Item = OsString>) {
    for variable in variables {
        let variable = variable.to_string_lossy();
        assert!(
            !PREFIXES.iter().any(|prefix| variable.starts_with(prefix)),
            "the environment variable {variable} changes what the checker explores: unset it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::refuse_variables;

    #[test]
    fn an_ordinary_environment_is_fine() {
        refuse_variables(["PATH", "HOME", "RUSTFLAGS"].map(Into::into).into_iter());
    }

    #[test]
    #[should_panic(expected = "LOOM_MAX_PREEMPTIONS")]
    fn a_bound_from_outside_is_refused_by_name() {
        refuse_variables(["PATH", "LOOM_MAX_PREEMPTIONS"].map(Into::into).into_iter());
    }

    #[test]
    #[should_panic(expected = "SHUTTLE_RANDOM_SEED")]
    fn a_seed_from_outside_is_refused_by_name() {
        refuse_variables(["SHUTTLE_RANDOM_SEED"].map(Into::into).into_iter());
    }
}
