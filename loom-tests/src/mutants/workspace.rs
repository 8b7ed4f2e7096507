//! The copy that is mutated: the kernels, the scenarios, storage, and as much of the workspace's manifest as they need.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Mutant;
use crate::certificate::MUTATED_VARIABLE;

/// Build results, a folder per checker, from the root of the workspace.
const TARGETS: &str = "target/mutants";

/// What the copy consists of.
const MEMBERS: [&str; 6] = [
    "concurrency-models",
    "loom-tests",
    "server/crates/kafka",
    "server/crates/log",
    "server/crates/group",
    SERVER,
];

/// The server is there for its simulation and for what its library tests itself: the program and the tests with clients are left out, and with them what takes
/// long to build.
const SERVER: &str = "server";
const SIMULATION: &str = "tests/simulation";
const NEEDED_BY_CLIENTS: &str = "rdkafka";

/// The tests inside of a library, as a mutant names them.
pub(super) const LIBRARY: &str = "lib";

/// Seeds of a simulation in which a mutant must be found.
const SEEDS: &str = "200";

/// The version of the packages of the copy.
const MUTATED_VERSION: &str = "version = \"0.0.0-mutated\"";

/// A copy of what mutants change, below `target/mutants`.
#[derive(Debug)]
pub struct Workspace {
    /// The repository.
    original: PathBuf,
    /// The copy.
    root: PathBuf,
    /// Build results, a folder per checker.
    targets: PathBuf,
}

/// A test file and how it is built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestFile {
    /// `loom`, `shuttle` or `std`.
    pub checker: String,
    /// The package that has it.
    pub package: String,
    /// Its name, which for a kernel's scenarios is the kernel's; `lib` for the tests inside of a library.
    pub name: String,
}

impl TestFile {
    /// The one that must notice `mutant`.
    pub fn of(mutant: &Mutant) -> Self {
        let Mutant { checker, package, kernel, .. } = mutant;
        Self { checker: checker.clone(), package: package.clone(), name: kernel.clone() }
    }
}

impl Workspace {
    /// Makes the copy anew.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy() -> Result<Self, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let original = manifest.parent().ok_or("loom-tests has no folder around it")?.to_owned();
        let targets = original.join(TARGETS);
        let root = targets.join("workspace");
        let workspace = Self { original, root, targets };
        workspace.write().map_err(|error| format!("{}: {error}", workspace.root.display()))?;
        Ok(workspace)
    }

    /// The folder of the copy.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the patches.
    pub fn mutants(&self) -> PathBuf {
        self.original.join("loom-tests/mutants")
    }

    fn write(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.root)?;
        let manifest = fs::read_to_string(self.original.join("Cargo.toml"))?;
        write_if_changed(&self.root.join("Cargo.toml"), &reduced(&manifest))?;
        fs::copy(self.original.join("Cargo.lock"), self.root.join("Cargo.lock"))?;
        for member in MEMBERS {
            let (from, to) = (self.original.join(member), self.root.join(member));
            let manifest = fs::read_to_string(from.join("Cargo.toml"))?;
            let (manifest, sources) = match member {
                SERVER => (only_simulated(&manifest), ["src", SIMULATION]),
                _ => (manifest, ["src", "tests"]),
            };
            write_if_changed(&to.join("Cargo.toml"), &manifest)?;
            for sources in sources.iter().filter(|sources| from.join(sources).exists()) {
                copy_folder(&from.join(sources), &to.join(sources))?;
            }
        }
        Ok(())
    }

    /// Builds one test file and puts the binary aside under the name `as_name`, where the next build does not overwrite it.
    ///
    /// # Errors
    /// It does not build; the message is what the compiler says.
    pub(super) fn build(&self, file: &TestFile, as_name: &str) -> Result<PathBuf, String> {
        let TestFile { checker, package, name } = file;
        let built = cargo_into(&self.targets, checker)
            .args(["test", "--package", package, "--no-run"])
            .args(if name == LIBRARY { vec!["--lib"] } else { vec!["--test", name] })
            .env("CARGO_INCREMENTAL", "1") // a mutant changes a few lines of one crate
            .current_dir(&self.root)
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let log = String::from_utf8_lossy(&built.stderr).into_owned();
        if !built.status.success() {
            return Err(log);
        }
        let path = log
            .lines()
            .find_map(|line| line.trim().strip_prefix("Executable ")?.strip_suffix(')')?.split_once(" ("));
        let (_, path) = path.ok_or(format!("cargo names no test binary:\n{log}"))?;
        self.put_aside(&self.root.join(path), as_name).map_err(|error| format!("{path}: {error}"))
    }

    fn put_aside(&self, binary: &Path, as_name: &str) -> std::io::Result<PathBuf> {
        let folder = self.targets.join("built");
        fs::create_dir_all(&folder)?;
        let aside = folder.join(as_name);
        fs::copy(binary, &aside)?;
        Ok(aside)
    }

    /// A command that runs one test of a test binary, or all (`*`).
    pub(super) fn command(&self, binary: &Path, test: &str) -> Command {
        let mut command = Command::new(binary);
        without_influence(&mut command);
        command
            .current_dir(&self.root)
            .env("RUST_BACKTRACE", "0")
            .env("CHRONIK_SEEDS", SEEDS)
            .env(MUTATED_VARIABLE, "1")
            .env_remove("RUSTFLAGS");
        if test != "*" {
            command.args(["--exact", test, "--nocapture"]);
        }
        command
    }
}

/// A command of cargo in the workspace `root` that builds for `checker`, where the mutants are built: dependencies are built once for both. (The
/// packages themselves are not: see `reduced`.)
pub fn cargo(root: &Path, checker: &str) -> Command {
    let mut command = cargo_into(&root.join(TARGETS), checker);
    command.current_dir(root);
    command
}

fn cargo_into(targets: &Path, checker: &str) -> Command {
    let flags = if checker == "std" { String::new() } else { format!("--cfg {checker}") };
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS") // it would win over RUSTFLAGS
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TARGET_DIR", targets.join(checker));
    command
}

/// Whatever the environment says to scenarios is said to those that somebody runs by hand, not to these.
pub fn without_influence(command: &mut Command) {
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("CHRONIK_") {
            command.env_remove(variable);
        }
    }
}

/// The manifest of the workspace with the members that the copy has, and with another version.
///
/// To cargo a package is its name, its version and its place in the workspace, and it builds what is newer than the last build: two workspaces with the
/// same packages that share a folder of results would be given each other's code. With another version the mutated kernels are packages of their own,
/// and only dependencies are shared.
fn reduced(manifest: &str) -> String {
    let members = format!("members = {MEMBERS:?}");
    let mut table = "";
    let lines = manifest.lines().filter_map(|line| {
        if line.starts_with('[') {
            table = line;
        }
        match line {
            _ if line.starts_with("default-members") => None,
            _ if line.starts_with("members") => Some(members.as_str()),
            _ if table == "[workspace.package]" && line.starts_with("version = ") => Some(MUTATED_VERSION),
            _ => Some(line),
        }
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The server's manifest without its programs, and without what only their tests need.
fn only_simulated(manifest: &str) -> String {
    let mut in_program = false;
    let lines = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            in_program = matches!(*line, "[[bin]]" | "[[example]]");
        }
        !in_program && !line.starts_with("default-run") && !line.starts_with(NEEDED_BY_CLIENTS)
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Makes `to` hold the files of `from`, and no others. Files that are the same stay as they are: they need no new build.
fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let path = entry?.path();
        let source = from.join(path.file_name().unwrap_or_default());
        if !source.exists() {
            if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            if path.ends_with("src/bin") {
                continue;
            } // what runs and reports need not be built over and over
            copy_folder(&path, &copy)?;
        } else {
            write_if_changed(&copy, &fs::read_to_string(&path)?)?;
        }
    }
    Ok(())
}

fn write_if_changed(path: &Path, text: &str) -> std::io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_the_copy_has_its_members_and_version_and_is_otherwise_the_same() {
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"a\", \"b\"]\ndefault-members = [\"a\"]\n\n[workspace.package]\n\
            version = \"1.2.3\"\n\n[profile.dev]\nopt-level = 1\n";
        let reduced = reduced(manifest);
        assert!(reduced.contains(&format!("[workspace.package]\n{MUTATED_VERSION}\n")), "{reduced}");
        assert!(reduced.contains(&format!("members = {MEMBERS:?}\n")));
        assert!(reduced.ends_with("\n\n[profile.dev]\nopt-level = 1\n"));
        assert!(!reduced.contains("default-members"));
    }

    #[test]
    fn of_the_server_only_the_library_and_its_simulation_are_built() {
        let manifest = "[package]\nname = \"server\"\ndefault-run = \"server\"\n\n[lib]\ndoctest = false\n\n[[bin]]\nname = \"server\"\n\n[[example]]\n\
            name = \"client\"\n\n[dev-dependencies]\nrdkafka.workspace = true\ntempfile.workspace = true\n";
        let expected = "[package]\nname = \"server\"\n\n[lib]\ndoctest = false\n\n[dev-dependencies]\ntempfile.workspace = true\n";
        assert_eq!(only_simulated(manifest), expected);
    }
}
