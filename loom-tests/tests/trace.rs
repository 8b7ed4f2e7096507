//! A failing execution is written out, step by step, before the process that ran it is gone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use concurrency_models::sync::Mutex;
use loom_tests::run::spawn;
use loom_tests::{check, trace};

/// Main waits for a thread that waits for main's lock.
#[test]
#[ignore = "it fails: another test runs it in a process of its own"]
fn fails() {
    check(|| {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.lock();
        let other = spawn({
            let lock = lock.clone();
            move || *lock.lock() += 1
        });
        if !cfg!(any(loom, shuttle)) {
            panic!("real threads would hang");
        }
        other.join();
        drop(held);
    });
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.jsonl", loom_tests::built()))
}

#[test]
fn a_failing_execution_is_written_out() {
    let file = file("failing");
    let _there_was_none = std::fs::remove_file(&file);
    let run = Command::new(std::env::current_exe().expect("this test has a file"))
        .args(["--exact", "fails", "--ignored"])
        .env(trace::VARIABLE, &file)
        .output()
        .expect("it can be run again");
    assert!(!run.status.success(), "a scenario that fails has passed");
    let text = std::fs::read_to_string(&file).expect("a trace was written");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains(r#""scenario":"trace::fails""#), "{text}");
    let has = |words: &[&str]| lines.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(
        has(&[
            r#""thread":0,"step":"acquired","access":"lock","object":0,"guards":"i32""#,
            "tests/trace.rs:16"
        ]),
        "{text}"
    );
    assert!(has(&[r#""thread":0,"step":"spawned","other":1"#]), "{text}");
    if cfg!(any(loom, shuttle)) {
        let requested = r#""thread":1,"step":"requested","access":"lock","object":0"#;
        assert!(has(&[requested, "tests/trace.rs:20"]), "{text}");
        assert!(has(&[r#""thread":0,"blocked":"join","by":[1]"#]), "{text}");
        assert!(has(&[r#""thread":1,"blocked":"lock","by":[0],"object":0"#, "tests/trace.rs:20"]), "{text}");
    }
}
