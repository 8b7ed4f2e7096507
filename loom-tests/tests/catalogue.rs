//! The bug catalogue and the mutants say the same. (That the mutants are caught is what `cargo mutants` shows.)

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use loom_tests::mutants::{Mutant, Row, read_all, read_catalogue};

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where a package keeps its tests.
fn tests_of(package: &str) -> PathBuf {
    match package {
        "chronik-log" => folder().join("../server/crates/log/tests"),
        "chronik-group" => folder().join("../server/crates/group/tests"),
        "chronik-server" => folder().join("../server/tests"),
        _ => folder().join("tests"),
    }
}

/// Where the test may be that must notice a mutant: `lib` is the library of the server, whose modules are folders, files, or parts of one.
fn sources_of(mutant: &Mutant) -> Vec<PathBuf> {
    if mutant.kernel == "lib" {
        let modules: PathBuf = mutant.test.split("::").collect();
        let source = folder().join("../server/src");
        return modules.ancestors().skip(1).map(|module| source.join(module).with_extension("rs")).collect();
    }
    let tests = tests_of(&mutant.package);
    let mut sources = vec![tests.join(format!("{}.rs", mutant.kernel))];
    let folder = std::fs::read_dir(tests.join(&mutant.kernel)).into_iter().flatten();
    sources.extend(folder.filter_map(|entry| Some(entry.ok()?.path())));
    sources
}

fn mutants() -> Vec<Mutant> {
    read_all(&folder().join("mutants")).expect("every patch has a header that can be read")
}

fn catalogue() -> Vec<Row> {
    let text = std::fs::read_to_string(folder().join("BUGS.md")).expect("the catalogue is there");
    read_catalogue(&text)
}

#[test]
fn every_mutant_applies_to_the_kernels_as_they_are() {
    let root = folder().parent().expect("the workspace");
    for mutant in mutants() {
        if let Err(error) = mutant.patch.try_on(root) {
            panic!("{}: {error}", mutant.file_name());
        }
    }
}

#[test]
fn every_mutant_is_tried_with_a_test_that_exists() {
    for mutant in mutants().iter().filter(|mutant| mutant.test != "*") {
        let function = mutant.test.rsplit("::").next().unwrap_or_default();
        let sources = sources_of(mutant);
        let found = sources.iter().filter_map(|path| std::fs::read_to_string(path).ok());
        assert!(
            found.into_iter().any(|text| text.contains(&format!("fn {function}("))),
            "{}: no test is called {}",
            mutant.file_name(),
            mutant.test
        );
    }
}

#[test]
fn every_row_claimed_as_caught_has_its_mutants_and_no_mutant_is_without_a_row() {
    let claimed: BTreeSet<(String, String)> = catalogue()
        .into_iter()
        .flat_map(|row| row.mutants.into_iter().map(move |file| (row.id.clone(), file)))
        .collect();
    let rows: BTreeSet<String> = catalogue().into_iter().map(|row| row.id).collect();
    // A letter tells mutants of one row apart, except where it is part of the row's name: S2b.
    let row_of = |mutant: &Mutant| rows.get(&mutant.id).map_or(mutant.row(), String::as_str).to_owned();
    let present: BTreeSet<(String, String)> =
        mutants().iter().map(|mutant| (row_of(mutant), mutant.file_name())).collect();
    assert_eq!(claimed, present);
}

#[test]
fn every_file_is_named_after_its_id() {
    for mutant in mutants() {
        assert!(mutant.file_name().starts_with(&format!("{}-", mutant.id)), "{}", mutant.file_name());
    }
}

#[test]
fn every_kernel_has_at_least_two_mutants() {
    let kernels = std::fs::read_dir(folder().join("tests")).expect("the scenarios");
    let kernels = kernels.filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let sources = folder().join("../concurrency-models/src");
    let is_kernel =
        |name: &String| sources.join(name).exists() || sources.join(format!("{name}.rs")).exists();
    for kernel in kernels.filter(is_kernel) {
        let found = mutants().iter().filter(|mutant| mutant.kernel == kernel).count();
        assert!(found >= 2, "{kernel} has {found}");
    }
}
