//! The facade costs nothing: one kernel source over the facade and over the raw locks of `parking_lot`, compared by the instructions that they take.
//!
//! `cargo bench -p chronik-benches --bench facade` counts both sides of every operation and fails when the facade takes over 2 % more: then the hook
//! of lockdep and of the diagrams has left something behind in a release build. Beforehand it looks for checkers in what was built. To see where
//! the instructions of one side go:
//!
//! ```text
//! valgrind --tool=callgrind target/release/deps/facade-* raw mailbox 10000
//! ```
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::duplicate_mod, reason = "the operations are one file for both sides")]
#![expect(clippy::disallowed_types, reason = "the raw side stands on the locks that the facade hides")]

mod checkers;
mod count;
mod over_facade;
mod over_raw;
#[path = "../ready/mod.rs"]
mod ready;

use std::ops::RangeInclusive;

/// The facade's instructions, in those of the raw side: more, and it costs something; much less, and the raw side has not followed a change of the
/// facade's.
const FREE: RangeInclusive<f64> = 0.95..=1.02;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [side @ ("facade" | "raw"), operation, times] => run(side, operation, times),
        _ => judge(), // cargo passes `--bench`
    }
}

fn run(side: &str, operation: &str, times: &str) {
    let operations = if side == "raw" { over_raw::operations::ALL } else { over_facade::operations::ALL };
    let found = operations.into_iter().find(|(name, _)| *name == operation);
    let (_, operate) = found.unwrap_or_else(|| panic!("no operation is called {operation:?}"));
    operate(times.parse().expect("how often: a number"));
}

fn judge() {
    checkers::assert_absent();
    if cfg!(debug_assertions) {
        println!("SKIP  facade: a debug build reports every step; cargo bench builds it for release");
        return;
    }
    if !count::available() {
        println!("SKIP  facade: valgrind, which counts instructions, is not there");
        return;
    }
    assert_same_size();
    println!("{:<20} {:>10} {:>10} {:>8}", "instructions of one", "facade", "raw", "ratio");
    let dear: Vec<&str> =
        over_raw::operations::ALL.iter().map(|(name, _)| *name).filter(|name| !is_free(name)).collect();
    assert!(dear.is_empty(), "the facade is not free, or no longer compared with its like, in {dear:?}");
}

/// A lock of the facade carries nothing beside the raw one.
fn assert_same_size() {
    use chronik_benches::sync as raw;
    use concurrency_models::sync as facade;
    assert_eq!(size_of::<facade::Mutex<u64>>(), size_of::<raw::Mutex<u64>>());
    assert_eq!(size_of::<facade::RwLock<u64>>(), size_of::<raw::RwLock<u64>>());
}

fn is_free(operation: &str) -> bool {
    let (facade, raw) = (count::per_operation("facade", operation), count::per_operation("raw", operation));
    let ratio = facade / raw;
    println!("{operation:<20} {facade:>10.1} {raw:>10.1} {ratio:>8.3}");
    FREE.contains(&ratio)
}
