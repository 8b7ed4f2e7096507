//! The checker that was asked for is the checker that was built.

use loom_tests::built;

/// The cargo aliases set this to the checker that they ask for. Their flags lose to a `RUSTFLAGS` from outside, without a word: then a
/// run of loom would be a run of plain threads, and green.
const ASKED_FOR: &str = "CHRONIK_CHECKER";

#[test]
fn the_checker_asked_for_is_the_checker_built() {
    if let Ok(asked) = std::env::var(ASKED_FOR) {
        assert_eq!(built(), asked, "a RUSTFLAGS from outside has replaced the flags of the alias");
    }
}

#[test]
fn flags_from_outside_have_reached_the_build() {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    for checker in ["loom", "shuttle"] {
        if flags.contains(&format!("--cfg {checker}")) {
            assert_eq!(built(), checker);
        }
    }
}
