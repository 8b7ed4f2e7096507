//! What `mailbox`, `reply` and `watermark` cost in what tokio's channels cost, from the samples that their own benches have left behind:
//!
//! ```text
//! cargo bench -p chronik-benches --bench mailbox --bench reply --bench watermark
//! cargo bench -p chronik-benches --bench ratios
//! ```
//!
//! It fails when one takes more than 1.3 times as long. Compared are the shortest samples: what else runs on the machine makes samples longer, never
//! shorter.
#![cfg(not(any(loom, shuttle)))]

use std::path::{Path, PathBuf};

/// The most that a kernel may cost, in what its like in tokio costs.
const DEAR: f64 = 1.3;

/// A group of criterion, and in it the two that are compared.
const COMPARED: [(&str, &str, &str); 8] = [
    ("mailbox_send and receive on one thread", "mailbox", "tokio mpsc"),
    ("mailbox_threads", "mailbox, 4 threads", "tokio mpsc, 4 threads"),
    ("reply_answered first", "reply", "tokio oneshot"),
    ("reply_threads", "reply, 4 threads", "tokio oneshot, 4 threads"),
    ("watermark_advance with nobody waiting", "watermark", "tokio watch"),
    ("watermark_get", "watermark", "tokio watch"),
    ("watermark_wait for what is there", "watermark", "tokio watch"),
    ("watermark_threads", "watermark, 4 threads", "tokio watch, 4 threads"),
];

fn main() {
    let results = results();
    let mut dear = Vec::new();
    println!("{:<42} {:>12} {:>12} {:>6}", "ns", "kernel", "tokio", "ratio");
    for (group, kernel, tokio) in COMPARED {
        let of = |function: &str| shortest_ns(&results.join(group).join(function));
        let (Some(kernel), Some(tokio)) = (of(kernel), of(tokio)) else {
            println!("SKIP  {group}: its bench has not run");
            continue;
        };
        let ratio = kernel / tokio;
        println!("{group:<42} {kernel:>12.1} {tokio:>12.1} {ratio:>6.2}");
        if ratio > DEAR {
            dear.push(group);
        }
    }
    assert!(dear.is_empty(), "more than {DEAR} times what tokio takes: {dear:?}");
}

/// Where criterion keeps its samples: beside the profile that this program was built with.
fn results() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a file");
    let target = program.ancestors().nth(3).expect("target/release/deps/program");
    target.join("criterion")
}

/// Of one iteration; `None` if there are no samples.
fn shortest_ns(function: &Path) -> Option<f64> {
    let samples = std::fs::read_to_string(function.join("new/sample.json")).ok()?;
    let samples: serde_json::Value = serde_json::from_str(&samples).expect("criterion writes JSON");
    let numbers = |field: &str| -> Vec<f64> {
        samples[field].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect()
    };
    numbers("times")
        .into_iter()
        .zip(numbers("iters"))
        .map(|(ns, iterations)| ns / iterations)
        .reduce(f64::min)
}
