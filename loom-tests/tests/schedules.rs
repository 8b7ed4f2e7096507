//! A schedule that fails under shuttle is kept, and replays to the same failure.

use std::collections::BTreeSet;
use std::path::Path;

use loom_tests::scenarios;

/// Each committed schedule belongs to a scenario: or it is replayed by nobody.
#[test]
fn each_schedule_has_its_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scenarios = scenarios::scan(&folder.join("tests"), "shuttle").expect("the tests can be read");
    let names: BTreeSet<String> = scenarios.into_iter().map(|it| it.name.replace("::", ".")).collect();
    let schedules = std::fs::read_dir(folder.join("schedules")).expect("the folder is there");
    for file in schedules.map(|file| file.expect("it can be read").file_name()) {
        let file = file.to_string_lossy();
        let scenario = file.strip_suffix(".txt").and_then(|name| name.rsplit_once('-'));
        assert!(scenario.is_some_and(|(name, _)| names.contains(name)), "{file} is of no scenario");
    }
}

#[cfg(shuttle)]
mod under_shuttle {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::Arc;

    use concurrency_models::sync::Mutex;
    use loom_tests::check;
    use loom_tests::run::{join_all, spawn};

    /// Two threads add without holding the lock between their read and their write.
    #[test]
    #[ignore = "it fails: another test runs it in a process of its own"]
    fn loses_an_update() {
        check(|| {
            let number = Arc::new(Mutex::new(0));
            let adds = |number: Arc<Mutex<u32>>| {
                spawn(move || {
                    let before = *number.lock();
                    *number.lock() = before + 1;
                })
            };
            let threads = [adds(number.clone()), adds(number.clone())];
            join_all(threads);
            assert_eq!(*number.lock(), 2, "an update was lost");
        });
    }

    /// Runs it with schedules in `folder`; returns what it says.
    fn fails(folder: &Path) -> String {
        let run = Command::new(std::env::current_exe().expect("this test has a file"))
            .args(["--exact", "under_shuttle::loses_an_update", "--ignored", "--nocapture"])
            .env("CHRONIK_SCHEDULES", folder)
            .output()
            .expect("it can be run again");
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(!run.status.success() && said.contains("an update was lost"), "{said}");
        said
    }

    fn schedule(folder: &Path) -> PathBuf {
        folder.join("schedules.under_shuttle.loses_an_update-1.txt")
    }

    #[test]
    fn a_failing_schedule_is_kept_and_replays_to_the_same_failure() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schedules");
        let _there_was_none = std::fs::remove_dir_all(&folder);
        let first = fails(&folder);
        assert!(
            first.contains("the failing schedule is kept in") && !first.contains("failed in execution 1\n")
        );
        let kept = std::fs::read_to_string(schedule(&folder)).expect("it is kept");
        assert!(kept.starts_with("# schedules::under_shuttle::loses_an_update: "), "{kept}");
        let again = fails(&folder);
        assert!(again.contains("replays") && again.contains("failed in execution 1\n"), "{again}");
    }

    #[test]
    fn a_schedule_that_does_not_fit_any_more_is_followed_as_far_as_it_can_be() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schedules-old");
        std::fs::create_dir_all(&folder).expect("it can be made");
        std::fs::write(schedule(&folder), "# of another time\n0 7 7 0 1\n").expect("it can be written");
        let said = fails(&folder); // and for no other reason than always
        assert!(said.contains("replays"), "{said}");
    }
}
