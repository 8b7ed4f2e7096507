//! No checker is in what is released.

use std::process::Command;

/// Both are known to the workspace, for builds with `--cfg loom` and `--cfg shuttle` alone.
const CHECKERS: [&str; 2] = ["loom", "shuttle"];

/// # Panics
/// If the kernels depend on a checker, or if one has got into this program, which contains them.
pub(crate) fn assert_absent() {
    let dependencies = dependencies_of_the_kernels();
    assert!(
        dependencies.lines().any(|line| line.starts_with("parking_lot v")),
        "not their list: {dependencies}"
    );
    let program =
        std::fs::read(std::env::current_exe().expect("this program has a file")).expect("it can be read");
    assert!(has_symbol_of(&program, "parking_lot"), "the program has no symbols to look at");
    for checker in CHECKERS {
        let named = dependencies.lines().find(|line| line.starts_with(checker));
        assert_eq!(named, None, "the kernels depend on a checker");
        assert!(!has_symbol_of(&program, checker), "{checker} is in the program");
    }
    println!(
        "no checker among the {} crates of the kernels, nor in this program",
        dependencies.lines().count()
    );
}

fn dependencies_of_the_kernels() -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--locked",
            "--package",
            "concurrency-models",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be run");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8_lossy(&tree.stdout).into_owned()
}

/// A mangled name has each part after its length: `_ZN4loom2rt...`.
fn has_symbol_of(program: &[u8], krate: &str) -> bool {
    let sign = format!("_ZN{}{krate}", krate.len());
    program.windows(sign.len()).any(|window| window == sign.as_bytes())
}
