//! From the command line to the files.

use std::fs;
use std::path::Path;

use loom_tests::report::results::Results;
use loom_tests::report::{Evidence, Folders, markdown, page};

use crate::progress::Progress;
use crate::{compare, steps};

/// The committed file.
const FILE: &str = "VERIFICATION.md";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Write,
    Check,
    Redraw,
}

/// Does what the arguments say. Returns whether all is green.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<bool, String> {
    let task = task(arguments)?;
    let folders = Folders::here();
    fs::create_dir_all(&folders.output).map_err(|error| format!("{}: {error}", folders.output.display()))?;
    let results = if task == Task::Redraw {
        Results::read(&folders.results())?
    } else {
        steps::run(&folders, &Progress::new())?
    };
    let evidence = Evidence::read(&folders, results)?;
    let text = markdown(&evidence);
    write(&folders.output.join("index.html"), &page(&evidence))?;
    write(&folders.output.join(FILE), &text)?;
    let committed = folders.root.join(FILE);
    let up_to_date = match task {
        Task::Write => write(&committed, &text).map(|()| true)?,
        Task::Check => is_up_to_date(&committed, &text),
        Task::Redraw => true,
    };
    let problems = evidence.problems();
    say(&folders, &problems);
    Ok(problems.is_empty() && up_to_date)
}

fn task(arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let arguments: Vec<String> = arguments.collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Ok(Task::Write),
        ["--check"] => Ok(Task::Check),
        ["--redraw"] => Ok(Task::Redraw),
        _ => Err("usage: verify [--check | --redraw]".to_owned()),
    }
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn is_up_to_date(committed: &Path, text: &str) -> bool {
    let present = fs::read_to_string(committed).unwrap_or_default();
    let differences = compare::differences(&present, text);
    if differences.is_empty() {
        return true;
    }
    println!("\n{FILE} is out of date; `cargo run --release -p loom-tests --bin verify` writes it anew:");
    differences.iter().for_each(|line| println!("  {line}"));
    false
}

fn say(folders: &Folders, problems: &[String]) {
    println!("\n{}", folders.output.join("index.html").display());
    for problem in problems {
        println!("RED   {problem}");
    }
    match problems.len() {
        0 => println!("Everything is green."),
        1 => println!("One thing is red."),
        number => println!("{number} things are red."),
    }
}
