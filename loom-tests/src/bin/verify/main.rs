//! Runs everything that is claimed of the kernels, and writes what came out: `VERIFICATION.md`, which is committed, and
//! `target/verification/index.html`, a page with each bug's failing interleaving.
//!
//! ```text
//! cargo run --release -p loom-tests --bin verify               # run, write
//! cargo run --release -p loom-tests --bin verify -- --check    # run, compare: for CI
//! cargo run --release -p loom-tests --bin verify -- --redraw   # only the page, from the last run
//! ```
//!
//! This program is a plain build: the checkers run in child processes of cargo, each with its own flags. It ends with a failure if anything is red,
//! whatever it was asked for.

#[cfg(any(loom, shuttle))]
fn main() {}

#[cfg(not(any(loom, shuttle)))]
mod compare;
#[cfg(not(any(loom, shuttle)))]
mod progress;
#[cfg(not(any(loom, shuttle)))]
mod steps;
#[cfg(not(any(loom, shuttle)))]
mod suites;
#[cfg(not(any(loom, shuttle)))]
mod write;

#[cfg(not(any(loom, shuttle)))]
fn main() -> std::process::ExitCode {
    match write::run(std::env::args().skip(1)) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("verify: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}
