//! What is printed as a proof is one: each way in which an exploration could pass quietly without being whole is a failure, with the name of the
//! scenario and what to do. Some scenarios here are run in processes of their own, in an environment that is made for them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use concurrency_models::sync::Mutex;
use loom_tests::certificate::{self, Certificate, committed, file_of};
use loom_tests::run::spawn;
use loom_tests::scenarios::{self, Scenario};
use loom_tests::{built, check, search};

/// Two threads note that they came by.
fn who_comes_first() -> Vec<u32> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let other = spawn({
        let order = order.clone();
        move || order.lock().push(1)
    });
    order.lock().push(0);
    other.join();
    order.lock().clone()
}

/// Other tests run it again, in processes of their own.
#[test]
fn two_orders() {
    check(|| {
        let order = who_comes_first();
        assert_eq!(order.len(), 2);
        order
    });
}

#[test]
#[ignore = "it never ends: another test runs it in a process of its own"]
fn spins() {
    check(|| {
        let lock = Mutex::new(0_u64);
        loop {
            *lock.lock() += 1;
        }
    });
}

#[test]
fn what_is_searched_is_not_called_a_proof() {
    let exploration = search(1, || {
        let order = who_comes_first();
        assert_eq!(order.len(), 2);
        order
    });
    let certificate = Certificate::read(&committed(), "certificates::what_is_searched_is_not_called_a_proof");
    let certificate = certificate.expect("it can be read").expect("it is there");
    assert_eq!((certificate.kind.as_str(), certificate.preemption_bound), ("search", Some(1)));
    assert!(exploration.executions > 1);
}

/// A run of one of the scenarios above.
struct Run {
    passed: bool,
    output: String,
}

impl Run {
    /// With certificates in `folder`, and these variables.
    fn of(scenario: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        let run = Command::new(std::env::current_exe().expect("this test has a file"))
            .args(["--exact", scenario, "--include-ignored", "--nocapture"])
            .env_remove(certificate::BLESS_VARIABLE)
            .env_remove(certificate::MUTATED_VARIABLE)
            .env(certificate::FOLDER_VARIABLE, folder)
            .envs(variables.iter().copied())
            .output()
            .expect("it can be run again");
        let output = [run.stdout, run.stderr].concat();
        Self { passed: run.status.success(), output: String::from_utf8_lossy(&output).into_owned() }
    }

    #[cfg(loom)]
    fn blessing(scenario: &str, folder: &Path) -> Self {
        Self::of(scenario, folder, &[(certificate::BLESS_VARIABLE, "1")])
    }

    /// It passed, and said so.
    fn passes_with(&self, said: &str) {
        assert!(self.passed && self.output.contains(said), "{}", self.output);
    }

    /// It failed, and said all of this.
    fn fails_with(&self, said: &[&str]) {
        let all_said = said.iter().all(|said| self.output.contains(said));
        assert!(!self.passed && all_said, "{said:?} should be in\n{}", self.output);
    }
}

/// A folder without certificates.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("certificates-{name}-{}", built()));
    let _there_was_none = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("it can be made");
    folder
}

const TWO_ORDERS: &str = "certificates::two_orders";

/// Changes the text of a certificate.
fn edit(folder: &Path, from: &str, to: &str) {
    let file = file_of(folder, TWO_ORDERS);
    let text = std::fs::read_to_string(&file).expect("it was written");
    assert!(text.contains(from), "{from} is not in {text}");
    std::fs::write(&file, text.replacen(from, to, 1)).expect("it can be changed");
}

#[cfg(loom)]
mod under_loom {
    use super::*;

    #[test]
    fn without_a_certificate_it_fails_and_with_one_it_passes() {
        let folder = folder("new");
        let missing = Run::of("two_orders", &folder, &[]);
        missing
            .fails_with(&["certificates::two_orders: it has no certificate", "CHRONIK_BLESS=1 cargo loom"]);
        Run::blessing("two_orders", &folder).passes_with("certificate WRITTEN");
        Run::of("two_orders", &folder, &[])
            .passes_with("proof,       4 executions, 2 final states, certificate ok");
        let written = Certificate::read(&folder, TWO_ORDERS).expect("it can be read").expect("it is there");
        assert_eq!(
            (written.kind.as_str(), written.completed, written.preemption_bound),
            ("proof", true, None)
        );
        assert_eq!((written.executions, written.threads, written.final_states), (4, 2, 2));
        assert_eq!(written.final_states_listed, Some(["[0, 1]", "[1, 0]"].map(str::to_owned).into()));
    }

    #[test]
    fn another_state_space_fails_and_says_what_is_different() {
        let folder = folder("changed");
        Run::blessing("two_orders", &folder).passes_with("certificate WRITTEN");
        for (from, to, said) in [
            ("\"executions\": 4", "\"executions\": 3", "executions: 3 in the certificate, 4 now"),
            ("\"threads\": 2", "\"threads\": 4", "threads: 4 in the certificate, 2 now"),
            ("[1, 0]", "[1, 1]", "a new final state: [1, 0]"),
            ("\"proof\"", "\"search\"", "kind: search in the certificate, proof now"),
        ] {
            edit(&folder, from, to);
            let changed = Run::of("two_orders", &folder, &[]);
            changed.fails_with(&["certificates::two_orders: it differs", said, "Look at what has changed"]);
            edit(&folder, to, from);
        }
        Run::of("two_orders", &folder, &[]).passes_with("certificate ok");
    }

    #[test]
    fn a_limit_from_outside_is_a_failure() {
        let folder = folder("limited");
        Run::blessing("two_orders", &folder).passes_with("certificate WRITTEN");
        for variable in
            ["LOOM_MAX_PREEMPTIONS", "LOOM_MAX_PERMUTATIONS", "LOOM_MAX_DURATION", "LOOM_CHECKPOINT_FILE"]
        {
            let limited = Run::of("two_orders", &folder, &[(variable, "1")]);
            limited.fails_with(&["certificates::two_orders", variable, "unset it"]);
        }
    }

    #[test]
    fn too_many_branches_are_a_failure_that_says_how_to_narrow() {
        let spins = Run::of("spins", &folder("branches"), &[]);
        spins.fails_with(&["certificates::spins: an execution has more than 10,000 branches: narrow it"]);
    }
}

#[test]
fn another_checker_than_the_one_asked_for_is_a_failure() {
    for variable in [("CHRONIK_CHECKER", "another"), ("RUSTFLAGS", "--cfg loom --cfg shuttle")] {
        let run = Run::of("two_orders", &folder("other-checker"), &[variable]);
        if variable.0 == "RUSTFLAGS" && built() == "loom" {
            continue; // that is what such flags build
        }
        run.fails_with(&["certificates::two_orders", variable.0, "but this was built for"]);
    }
}

#[test]
fn kernels_that_are_changed_on_purpose_have_no_certificate_and_it_says_so() {
    let mutated = Run::of("two_orders", &folder("mutated"), &[(certificate::MUTATED_VARIABLE, "1")]);
    mutated.passes_with("NO CERTIFICATE: mutated");
}

#[cfg(not(loom))]
#[test]
fn a_final_state_that_loom_has_not_seen_is_a_failure() {
    let folder = folder("cross");
    Run::of("two_orders", &folder, &[]).passes_with("not a scenario for loom");
    let known = std::fs::read_to_string(file_of(&committed(), TWO_ORDERS)).expect("it is committed");
    std::fs::write(file_of(&folder, TWO_ORDERS), known).expect("it can be copied");
    Run::of("two_orders", &folder, &[]).passes_with("all known to loom");
    edit(&folder, "\"[0, 1]\"", "\"[0, 2]\"");
    let unknown = Run::of("two_orders", &folder, &[]);
    unknown.fails_with(&[
        "certificates::two_orders",
        "has come to the final state [0, 1], which loom has not seen",
    ]);
}

/// The scenarios in the source, and those among them that must pass.
fn all() -> (BTreeSet<String>, BTreeSet<String>) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let all = scenarios::scan(&tests, "loom").expect("the tests can be read");
    let names = |all: &[Scenario]| all.iter().map(|it| it.name.clone()).collect();
    let passing: Vec<_> = all.iter().filter(|it| it.passes).cloned().collect();
    (names(&all), names(&passing))
}

/// With `CHRONIK_BLESS=1` the certificates that nobody needs any more are removed instead.
#[test]
fn each_certificate_has_its_scenario_and_each_scenario_its_certificate() {
    let (all, passing) = all();
    let certificates = Certificate::read_all(&committed()).expect("they can be read");
    let certified: BTreeSet<String> = certificates.into_iter().map(|it| it.scenario).collect();
    let orphans: Vec<_> = certified.difference(&all).collect();
    if std::env::var(certificate::BLESS_VARIABLE).is_ok_and(|value| value == "1") {
        for orphan in orphans {
            std::fs::remove_file(file_of(&committed(), orphan)).expect("it can be removed");
        }
        return;
    }
    assert!(
        orphans.is_empty(),
        "certificates without a scenario: {orphans:?}. Remove them: CHRONIK_BLESS=1 cargo loom"
    );
    let missing: Vec<_> = passing.difference(&certified).collect();
    assert!(
        missing.is_empty(),
        "scenarios without a certificate: {missing:?}. Write them: CHRONIK_BLESS=1 cargo loom"
    );
}
