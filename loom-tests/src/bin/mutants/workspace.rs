//! The copy that is mutated: the kernels, the scenarios, storage, and as much of the workspace's manifest as they need.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use loom_tests::mutants::{Mutant, Verdict, judge};

/// A test that is not done by then is ended.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// What the copy consists of.
const MEMBERS: [&str; 5] =
    ["concurrency-models", "loom-tests", "server/crates/kafka", "server/crates/log", "server/crates/group"];

pub(crate) struct Workspace {
    /// The repository.
    original: PathBuf,
    /// The copy.
    root: PathBuf,
    /// Build results, a folder per checker.
    targets: PathBuf,
}

/// A test file and how it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TestFile<'a> {
    pub(crate) checker: &'a str,
    pub(crate) package: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> TestFile<'a> {
    /// The one that must notice `mutant`.
    pub(crate) fn of(mutant: &'a Mutant) -> Self {
        Self { checker: &mutant.checker, package: &mutant.package, name: &mutant.kernel }
    }
}

/// One run of a test.
pub(crate) struct Run {
    pub(crate) verdict: Verdict,
    /// The number of the execution that failed.
    pub(crate) failed_in: Option<String>,
    pub(crate) output: String,
}

impl Workspace {
    /// Makes the copy anew below `target/mutants`.
    pub(crate) fn copy() -> Result<Self, String> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let original = manifest.parent().ok_or("loom-tests has no folder around it")?.to_owned();
        let targets = original.join("target/mutants");
        let root = targets.join("workspace");
        let workspace = Self { original, root, targets };
        workspace.write().map_err(|error| format!("{}: {error}", workspace.root.display()))?;
        Ok(workspace)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the patches.
    pub(crate) fn mutants(&self) -> PathBuf {
        self.original.join("loom-tests/mutants")
    }

    fn write(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.root)?;
        write_if_changed(
            &self.root.join("Cargo.toml"),
            &reduced(&fs::read_to_string(self.original.join("Cargo.toml"))?),
        )?;
        if !self.root.join("Cargo.lock").exists() {
            fs::copy(self.original.join("Cargo.lock"), self.root.join("Cargo.lock"))?;
        }
        for member in MEMBERS {
            let (from, to) = (self.original.join(member), self.root.join(member));
            write_if_changed(&to.join("Cargo.toml"), &fs::read_to_string(from.join("Cargo.toml"))?)?;
            for sources in ["src", "tests"].iter().filter(|sources| from.join(sources).exists()) {
                copy_folder(&from.join(sources), &to.join(sources))?;
            }
        }
        Ok(())
    }

    /// Builds one test file for a checker and runs one test of it, or all (`*`).
    ///
    /// # Errors
    /// It does not build: that is no verdict.
    pub(crate) fn test(&self, file: &TestFile<'_>, test: &str) -> Result<Run, String> {
        let binary = self.build(file)?;
        let mut command = Command::new(binary);
        command.current_dir(&self.root).env("RUST_BACKTRACE", "0");
        if test != "*" {
            command.args(["--exact", test, "--nocapture"]);
        }
        let log = self.targets.join("output.txt");
        let passed = run_for_a_while(&mut command, &log).map_err(|error| error.to_string())?;
        let output = fs::read(&log).map_err(|error| error.to_string())?;
        let output = String::from_utf8_lossy(&output).into_owned();
        let failed_in =
            output.lines().find_map(|line| line.split_once("failed in execution ")).map(|it| it.1.to_owned());
        Ok(Run { verdict: judge(&output, passed), failed_in, output })
    }

    /// Returns the path of the test binary.
    fn build(&self, file: &TestFile<'_>) -> Result<PathBuf, String> {
        let TestFile { checker, package, name } = *file;
        let flags = if checker == "std" { String::new() } else { format!("--cfg {checker}") };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["test", "--package", package, "--no-run", "--test", name, "--target-dir"])
            .arg(self.targets.join(checker))
            .env("RUSTFLAGS", flags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS") // it would win over RUSTFLAGS
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .current_dir(&self.root)
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let log = String::from_utf8_lossy(&built.stderr).into_owned();
        if !built.status.success() {
            return Err(format!("does not build:\n{log}"));
        }
        let path = log
            .lines()
            .find_map(|line| line.trim().strip_prefix("Executable ")?.strip_suffix(')')?.split_once(" ("));
        path.map(|(_, path)| self.root.join(path)).ok_or(format!("cargo names no test binary:\n{log}"))
    }
}

/// The manifest of the workspace with the members that the copy has. Its dependencies are built as quickly as may be.
fn reduced(manifest: &str) -> String {
    let members = format!("members = {MEMBERS:?}");
    let lines = manifest.lines().filter_map(|line| match line {
        _ if line.starts_with("default-members") => None,
        _ if line.starts_with("members") => Some(members.as_str()),
        "opt-level = 3" => Some("opt-level = 1"),
        _ => Some(line),
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Makes `to` hold the Rust files of `from`, and no others. Files that are the same stay as they are: they need no new build.
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
            } // the runner itself need not be built over and over
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

/// Runs a command, but not longer than the time limit. Returns whether it succeeded; `None` if it was ended.
fn run_for_a_while(command: &mut Command, output: &Path) -> std::io::Result<Option<bool>> {
    let log = File::create(output)?;
    let mut child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    for _ in 0..TIME_LIMIT.as_millis() / LOOK_AGAIN_AFTER.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        sleep(LOOK_AGAIN_AFTER);
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}
