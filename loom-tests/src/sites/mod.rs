//! Sync sites: the lines of the kernels at which threads meet, and which scenarios reach them.
//!
//! A *site* is a line of `concurrency-models` that takes a lock, sends, receives, waits, or uses a sharded map. [`scan`] finds all of them in
//! the source text. With `CHRONIK_SITES_DIR` set to a folder, each scenario writes there which it has reached, a file per scenario and checker;
//! [`Reached::read`] puts those together, and [`Coverage::of`] says which site is reached by which scenario, and which by none.

mod reached;
mod scan;

pub(crate) use reached::{Collector, collector};
pub use reached::{Coverage, Reached, Row};
pub use scan::{scan, scan_text};

/// Names the folder to write to.
pub const VARIABLE: &str = "CHRONIK_SITES_DIR";

/// Where the kernels are, from the root of the workspace. The compiler names files in the same way.
const KERNELS: &str = "concurrency-models/src";

/// A line of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The file, below the folder of the kernels: `mailbox.rs`.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

impl Site {
    /// The site at `line` of `file`, if that is a file of the kernels.
    fn of(file: &str, line: u32) -> Option<Self> {
        let (_, below) = file.split_once(KERNELS)?;
        let file = below.trim_start_matches('/');
        let is_kernel = !file.is_empty() && !file.starts_with("sync/");
        is_kernel.then(|| Self { file: file.to_owned(), line })
    }

    /// Reads `mailbox.rs:101`.
    fn parse(text: &str) -> Option<Self> {
        let (file, line) = text.rsplit_once(':')?;
        Some(Self { file: file.to_owned(), line: line.parse().ok()? })
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
