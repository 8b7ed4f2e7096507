//! Rules about the source that no compiler checks. Each says what to do instead.
#![cfg(not(any(loom, shuttle)))]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of `server/src`, lowest first. A module may use those on lower lines only, and itself.
const LAYERS: &[&[&str]] = &[
    &["config", "limits", "types"],
    &["clock", "rng", "spawn"],
    &["transport"],
    &["shutdown"],
    &["telemetry"],
    &["peer"],
    &["storage"],
    &["cluster"],
    &["replication"],
    &["group"],
    &["broker", "client", "maintenance"],
    &["admin", "net"],
    &["node"],
    &["cli"],
];

/// Words that may stand only in the files named, with what to use instead.
const BANS: &[(&[&str], &[&str], &str)] = &[
    (&["Instant::now", "SystemTime::now"], &["clock.rs"], "the clock seam, `clock.rs`"),
    (
        &["tokio::spawn(", "spawn_blocking(", "thread::spawn(", "thread::Builder"],
        &["spawn.rs"],
        "the spawning seam, `spawn.rs`",
    ),
    (&["thread_rng", "rand::", "fastrand::"], &["rng.rs"], "the randomness seam, `rng.rs`"),
    (
        &["RandomState", "collections::HashMap", "collections::HashSet"],
        &[],
        "`BTreeMap`, or `rustc_hash` where a bench asks for it",
    ),
    (
        &["TcpListener::bind", "TcpStream::connect"],
        &[
            "transport/tcp.rs",
            "cli/start.rs",
            "client/connection.rs",
            "cli/http.rs",
            "cli/bench/reference.rs",
        ],
        "the network seam, `transport`",
    ),
    (
        &["std::fs::", "tokio::fs"],
        &["telemetry/process.rs", "config/load.rs"],
        "the disk seam, `chronik_log::disk`",
    ),
    (
        &[
            "sync::Mutex",
            "sync::RwLock",
            "sync::mpsc",
            "sync::atomic",
            "sync::oneshot",
            "sync::Notify",
            "parking_lot",
            "dashmap",
            "OnceLock",
            "LazyLock",
        ],
        &[],
        "a kernel of `concurrency-models`",
    ),
];

/// Places that waive a lint about synchronisation, with a reason each: the allow-list. A longer list needs a better reason.
const WAIVERS_AT_MOST: usize = 12;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).expect("a folder of the project").map(|entry| entry.expect("readable").path())
    {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    found.sort();
    found
}

/// The files of `folder` with their paths relative to it, and without comments and unit tests.
fn code(folder: &str) -> BTreeMap<String, String> {
    let folder = root().join(folder);
    let relative = |path: &Path| path.strip_prefix(&folder).expect("inside").to_string_lossy().into_owned();
    rust_files(&folder)
        .iter()
        .map(|path| (relative(path), without_tests_and_comments(&fs::read_to_string(path).expect("UTF-8"))))
        .collect()
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The module of `server/src` that a file belongs to.
fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The modules that a file names after `crate::`.
fn uses(code: &str) -> Vec<&str> {
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default())
        .collect()
}

#[test]
fn modules_use_only_lower_layers() {
    let mut wrong = Vec::new();
    for (file, code) in code("server/src") {
        let module = module_of(&file);
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let Some(own) = layer(module) else {
            wrong.push(format!(
                "{file}: module `{module}` has no layer: give it one in tidy.rs and in ARCHITECTURE.md"
            ));
            continue;
        };
        for used in uses(&code).into_iter().filter(|used| *used != module) {
            if layer(used).is_some_and(|other| other >= own) {
                wrong.push(format!("{file}: `{module}` uses `{used}`, which is not below it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn seams_are_not_bypassed() {
    let mut wrong = Vec::new();
    for (file, code) in code("server/src") {
        for (words, allowed, instead) in BANS {
            for word in words.iter().filter(|word| code.contains(**word) && !allowed.contains(&file.as_str()))
            {
                wrong.push(format!("server/src/{file}: `{word}`; use {instead}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_crates_know_no_runtime_and_no_lock() {
    let mut wrong = Vec::new();
    for folder in ["server/crates/kafka/src", "server/crates/log/src"] {
        for (file, code) in code(folder) {
            for word in ["tokio", "async fn", "Instant::now", "SystemTime::now", "thread::spawn"] {
                if code.contains(word) {
                    wrong.push(format!("{folder}/{file}: `{word}`: a decision is a function of values"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The coordinator waits, but for kernels only; and what a group does is a function of values.
#[test]
fn groups_know_no_runtime_and_no_clock() {
    let mut wrong = Vec::new();
    for (file, code) in code("server/crates/group/src") {
        let pure = !file.starts_with("coordinator");
        for word in ["tokio", "Instant::now", "SystemTime::now", "thread::spawn", "Mutex", "RwLock"] {
            if code.contains(word) {
                wrong.push(format!(
                    "server/crates/group/src/{file}: `{word}`; see its traits Clock and Journal"
                ));
            }
        }
        if pure && code.contains("async ") {
            wrong.push(format!("server/crates/group/src/{file}: only the coordinator waits"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn select_is_biased() {
    let mut wrong = Vec::new();
    for (file, code) in code("server/src") {
        let unbiased =
            code.split("select! {").skip(1).filter(|body| !body.trim_start().starts_with("biased;")).count();
        if unbiased > 0 {
            wrong.push(format!(
                "server/src/{file}: {unbiased} `select!` without `biased;`: its order would be random"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kernels_choose_their_primitives_in_one_place() {
    let mut wrong = Vec::new();
    for (file, code) in code("concurrency-models/src") {
        for word in ["parking_lot", "loom::", "shuttle::", "std::sync::Mutex", "std::sync::atomic", "tokio"] {
            if code.contains(word) && !file.starts_with("sync/") {
                wrong.push(format!("concurrency-models/src/{file}: `{word}`; only `sync/` names it"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_allow_list_is_short() {
    let mut waivers = Vec::new();
    let crates = ["server/crates/kafka/src", "server/crates/log/src", "server/crates/group/src"];
    for folder in crates.into_iter().chain(["server/src", "concurrency-models/src"]) {
        for (file, code) in code(folder) {
            let joined = code.replace('\n', " ");
            for waiver in joined.split("#[expect(").chain(joined.split("#![expect(")).skip(1) {
                if waiver.trim_start().starts_with("clippy::disallowed") {
                    let reason = waiver
                        .split("reason = \"")
                        .nth(1)
                        .and_then(|rest| rest.split('"').next())
                        .unwrap_or("no reason");
                    waivers.push(format!("{folder}/{file}: {reason}"));
                }
            }
        }
    }
    eprintln!(
        "allow-list of synchronisation, clocks and spawning outside the kernels: {} entries",
        waivers.len()
    );
    waivers.iter().for_each(|waiver| eprintln!("  {waiver}"));
    assert!(waivers.len() <= WAIVERS_AT_MOST, "{}", waivers.join("\n"));
    assert!(waivers.iter().all(|waiver| !waiver.ends_with("no reason")));
}

#[test]
fn documents_name_what_exists() {
    let mut wrong = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(document)).expect(document);
        for path in text.split('`').skip(1).step_by(2).filter(|quoted| looks_like_a_path(quoted)) {
            let known = [
                root().join(path),
                root().join("server/src").join(path),
                root().join("concurrency-models/src").join(path),
            ];
            if !known.iter().any(|path| path.exists()) {
                wrong.push(format!("{document}: `{path}` does not exist"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A word with a slash inside or a file ending that we use, and nothing that a path has not.
fn looks_like_a_path(quoted: &str) -> bool {
    let legal = quoted.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let file = [".rs", ".md", ".toml", ".patch", "/"].iter().any(|end| quoted.ends_with(end));
    let folder = ["server/", "loom-tests/", "concurrency-models/", "benches/", ".ci/"]
        .iter()
        .any(|start| quoted.starts_with(start));
    legal && (file || folder) && !quoted.starts_with('/') && !quoted.starts_with("target")
}
