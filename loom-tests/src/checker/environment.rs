//! What the environment could do to an exploration behind our back.

use std::ffi::OsString;

/// The cargo aliases set this to the checker that they ask for. Their flags lose to a `RUSTFLAGS` from outside, without a word: then a
/// run of loom would be a run of plain threads, and green.
const ASKED_FOR: &str = "CHRONIK_CHECKER";

/// Variables that cut an exploration short or change its seed, without a word in the verdict.
const PREFIXES: [&str; 2] = ["LOOM_", "SHUTTLE_"];

/// What is explored must not depend on where it is.
///
/// # Panics
/// If the environment says otherwise; the message names the scenario and the variable.
pub(super) fn refuse_influence(scenario: &str, built: &str) {
    let variables = std::env::vars_os().filter_map(|(name, value)| Some((name, value.into_string().ok()?)));
    if let Err(objection) = objection(built, variables) {
        panic!("{scenario}: {objection}");
    }
}

/// A checker reads limits and seeds from variables; and the checker that was asked for must be the one that was built.
fn objection(built: &str, variables: impl Iterator<Item = (OsString, String)>) -> Result<(), String> {
    for (name, value) in variables {
        let name = name.to_string_lossy();
        if PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(format!(
                "the environment variable {name} changes what the checker explores: unset it"
            ));
        }
        let asked = match &*name {
            ASKED_FOR => Some(value.as_str()),
            "RUSTFLAGS" => ["loom", "shuttle"].into_iter().find(|it| value.contains(&format!("--cfg {it}"))),
            _ => None,
        };
        if let Some(asked) = asked.filter(|asked| *asked != built) {
            return Err(format!(
                "{name} asks for {asked}, but this was built for {built}: a RUSTFLAGS from outside replaces the flags of an alias"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::objection;

    fn objection_to(name: &str, value: &str) -> Result<(), String> {
        let variables = [("PATH", "/bin"), (name, value)];
        objection("loom", variables.into_iter().map(|(name, value)| (name.into(), value.to_owned())))
    }

    #[test]
    fn an_ordinary_environment_is_fine() {
        assert_eq!(objection_to("HOME", "/"), Ok(()));
        assert_eq!(objection_to("RUSTFLAGS", "--cfg loom"), Ok(()));
        assert_eq!(objection_to("RUSTFLAGS", "-C debuginfo=0"), Ok(()));
        assert_eq!(objection_to("CHRONIK_CHECKER", "loom"), Ok(()));
    }

    #[test]
    fn a_bound_or_a_seed_from_outside_is_refused_by_name() {
        for variable in
            ["LOOM_MAX_PREEMPTIONS", "LOOM_MAX_DURATION", "LOOM_CHECKPOINT_FILE", "SHUTTLE_RANDOM_SEED"]
        {
            let objection = objection_to(variable, "1").expect_err("it is refused");
            assert!(objection.contains(variable), "{objection}");
        }
    }

    #[test]
    fn another_checker_than_the_one_asked_for_is_refused() {
        for (name, value) in [("CHRONIK_CHECKER", "shuttle"), ("RUSTFLAGS", "-g --cfg shuttle")] {
            let objection = objection_to(name, value).expect_err("it is refused");
            assert!(objection.contains("shuttle, but this was built for loom"), "{objection}");
        }
    }
}
