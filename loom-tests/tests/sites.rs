//! The scanner and the kernels agree on what a sync site is.

use std::path::Path;

use loom_tests::sites::{self, Coverage, Reached, Site, scan};
use loom_tests::{check_sequence, run};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

#[test]
fn every_kernel_has_sites() {
    let sites = scan(root()).expect("the source can be read");
    for kernel in ["mailbox.rs", "pending.rs", "registry.rs", "monitor/task.rs"] {
        assert!(sites.keys().any(|site| site.file == kernel), "{kernel} has none");
    }
    assert!(!sites.keys().any(|site| site.file.starts_with("sync/")), "the facade has some");
}

/// The lines that a plain build reports for a few operations of several kernels are sites, each of the file that it should be in.
#[cfg(all(debug_assertions, not(any(loom, shuttle))))]
#[test]
fn what_a_kernel_reports_is_a_site() {
    use concurrency_models::pending::Pending;
    use concurrency_models::{image::Image, mailbox, sync::block_on};
    use loom_tests::trace::{self, Action};

    let trace = trace::of(|| {
        let (sender, mut receiver) = mailbox::channel(1);
        block_on(sender.send(1)).expect("there is room");
        assert_eq!(block_on(receiver.recv()), Some(1));
        let pending = Pending::new();
        let mut waiting = pending.register(1).expect("it is open");
        assert!(pending.complete(1, "done"));
        assert_eq!(block_on(waiting.outcome()), Ok("done"));
        Image::new(1).replace(2);
    });
    let sites = scan(root()).expect("the source can be read");
    let mut files = std::collections::BTreeSet::new();
    for step in trace.steps {
        let Action::Event(event) = step.action else { continue };
        let Some((_, file)) = event.site.file().split_once("concurrency-models/src/") else { continue };
        let site = Site { file: file.to_owned(), line: event.site.line() };
        assert!(sites.contains_key(&site), "{site} is reached and no site ({:?})", event.kind);
        files.insert(site.file);
    }
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        ["image.rs", "mailbox.rs", "pending.rs", "reply.rs", "watermark.rs"]
    );
}

#[test]
#[ignore = "another test runs it in a process of its own, and reads what it has written"]
fn sends_one_message() {
    check_sequence(|| {
        let (sender, mut receiver) = concurrency_models::mailbox::channel(1);
        assert_eq!(run::block_on(sender.send(1)), Ok(()));
        assert_eq!(run::block_on(receiver.recv()), Some(1));
    });
}

#[test]
fn a_scenario_says_which_sites_it_has_reached() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sites-{}", loom_tests::built()));
    let _there_was_none = std::fs::remove_dir_all(&folder);
    let run = std::process::Command::new(std::env::current_exe().expect("this test has a file"))
        .args(["--exact", "sends_one_message", "--ignored"])
        .env(sites::VARIABLE, &folder)
        .output()
        .expect("it can be run again");
    assert!(run.status.success());
    let reached = Reached::read(&folder).expect("it has written which");
    let all = scan(root()).expect("the source can be read");
    let calls_reached = |kernel: &str| -> Vec<&str> {
        let here =
            |site: &Site| reached.scenarios(site, loom_tests::built()).eq(["sites::sends_one_message"]);
        all.iter().filter(|(site, _)| site.file == kernel && here(site)).map(|(_, call)| *call).collect()
    };
    assert_eq!(
        calls_reached("mailbox.rs"),
        ["wait", "update", "wait", "update"],
        "send, its end, recv, its end"
    );
    assert_eq!(calls_reached("gate.rs"), [""; 0]);
    let coverage = Coverage::of(&all, &reached);
    assert!(coverage.unknown.is_empty(), "{:?}", coverage.unknown);
    let reached_by_none = all.len() - usize::from(cfg!(any(loom, shuttle))) * 4;
    assert_eq!(coverage.unreached().count(), reached_by_none);
}
