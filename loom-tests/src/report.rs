//! The verification report: what is claimed, what was run for it, and what came out.
//!
//! [`Evidence`] is everything that a report says, read from files: the results of the last run, failing interleavings, sites, certificates, the
//! contract matrix. [`markdown`] makes the committed file of it, which is the same on every machine; [`page`] the page, with times, lines and
//! diagrams. Both begin with [`Evidence::problems`]: whatever is missing or not as it should be is there, by name.

pub mod calibration;
pub mod certificates;
pub mod contract;
mod curve;
mod diagram;
mod escape;
mod evidence;
mod fixes;
mod locate;
pub mod lock_pairs;
mod markdown;
mod page;
pub mod results;
pub mod suite;
pub mod trace;

pub use evidence::{Evidence, Folders, Found};
pub use fixes::{CLAIMS, Claim, Fix};
pub use locate::{Location, definitions, locate};
pub use markdown::markdown;
pub use page::page;

use std::path::Path;

/// Reads every file of a folder as JSON. Messages name the file without the folder, which differs from machine to machine.
fn read_folder<T: serde::de::DeserializeOwned>(folder: &Path) -> Result<Vec<T>, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    if files.is_empty() {
        return Err("there is nothing".to_owned());
    }
    let read = |file: &std::path::PathBuf| {
        let named =
            |error: String| format!("{}: {error}", file.file_name().unwrap_or_default().to_string_lossy());
        let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| named(error.to_string()))
    };
    files.iter().map(read).collect()
}
