//! Which scenarios reach which sync site: `cargo run -p loom-tests --bin sites FOLDER`, after runs of loom and shuttle with
//! `CHRONIK_SITES_DIR=FOLDER`. Fails if a site is reached by none, or if a line was reached that is no site.

use std::path::Path;
use std::process::ExitCode;

use loom_tests::sites::{Coverage, Reached, scan};

fn main() -> ExitCode {
    match coverage() {
        Ok(coverage) => print(&coverage),
        Err(error) => {
            eprintln!("sites: {error}");
            ExitCode::FAILURE
        }
    }
}

fn coverage() -> std::io::Result<Coverage> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| std::io::Error::other("name the folder"))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".."));
    Ok(Coverage::of(&scan(root)?, &Reached::read(Path::new(&folder))?))
}

fn print(coverage: &Coverage) -> ExitCode {
    println!("{:<28} {:<8} {:>5} {:>8}  a scenario", "site", "call", "loom", "shuttle");
    for row in &coverage.rows {
        let scenario = row.loom.first().or(row.shuttle.first()).map_or("NONE", String::as_str);
        println!(
            "{:<28} {:<8} {:>5} {:>8}  {scenario}",
            row.site.to_string(),
            row.call,
            row.loom.len(),
            row.shuttle.len()
        );
    }
    for site in &coverage.unknown {
        println!("{site} was reached and is not known as a site");
    }
    let unreached = coverage.unreached().count();
    println!("{} of {} sites reached", coverage.rows.len() - unreached, coverage.rows.len());
    if unreached == 0 && coverage.unknown.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
