//! Which scenarios there are, read from the source of the tests: so that a certificate without a scenario is found, and a scenario without one.
//!
//! Read from text that rustfmt has laid out: a module or a function ends where a `}` stands below its beginning.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A function that explores.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    /// As [`crate::check`] calls it: `mailbox::nothing_is_lost_between_two_senders`.
    pub name: String,
    /// Whether it has to pass when all tests are run: neither ignored, nor expected to panic.
    pub passes: bool,
}

/// The calls that explore.
const CALLS: [&str; 5] =
    ["check(", "check_sequence(", "check_sharded(", "check_sharded_sequence(", "search("];

/// All scenarios that `checker` (`loom`, `shuttle`) explores, of the test files in this folder and their modules, sorted.
///
/// # Errors
/// A file cannot be read.
pub fn scan(tests: &Path, checker: &str) -> io::Result<Vec<Scenario>> {
    let mut scan = Scan { checker, found: Vec::new() };
    for entry in fs::read_dir(tests)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let main = if path.is_dir() { path.join("main.rs") } else { path };
        if main.exists() {
            scan.file(&main, &name)?;
        }
    }
    scan.found.sort_unstable();
    Ok(scan.found)
}

struct Scan<'a> {
    checker: &'a str,
    found: Vec<Scenario>,
}

/// An item of a module.
struct Item<'a> {
    /// Its first line.
    declared: &'a str,
    attributes: Vec<&'a str>,
    /// The lines between its braces.
    body: &'a [&'a str],
}

impl Scan<'_> {
    /// `module` is what stands before the names of the file's items.
    fn file(&mut self, file: &Path, module: &str) -> io::Result<()> {
        let text = fs::read_to_string(file)?;
        let lines: Vec<&str> = text.lines().collect();
        if !lines.iter().filter(|line| line.starts_with("#![")).all(|line| self.is_built(line)) {
            return Ok(());
        }
        self.items(&lines, file.parent().unwrap_or(Path::new(".")), module)
    }

    fn items(&mut self, lines: &[&str], folder: &Path, module: &str) -> io::Result<()> {
        let mut rest = lines;
        let mut attributes = Vec::new();
        while let Some((line, after)) = rest.split_first() {
            rest = after;
            let declared = line.trim();
            if declared.starts_with("#[") {
                attributes.push(declared);
            } else if !declared.is_empty() && !declared.starts_with("//") {
                let body = if declared.ends_with('{') { body(line, rest) } else { &[] };
                rest = &rest[body.len()..];
                self.item(
                    &Item { declared, attributes: std::mem::take(&mut attributes), body },
                    folder,
                    module,
                )?;
            }
        }
        Ok(())
    }

    fn item(&mut self, item: &Item<'_>, folder: &Path, module: &str) -> io::Result<()> {
        if !item.attributes.iter().all(|attribute| self.is_built(attribute)) {
            return Ok(());
        }
        if let Some(name) = item.name("mod ") {
            let module = format!("{module}::{name}");
            let file = file_of_module(folder, name, &item.attributes);
            if item.declared.ends_with('{') {
                self.items(item.body, folder, &module)?;
            } else if file.exists() {
                self.file(&file, &module)?;
            }
        } else if let Some(name) = item.name("fn ").filter(|_| item.explores()) {
            let fails = |it: &&str| it.contains("ignore") || it.contains("should_panic");
            let passes = !item.attributes.iter().any(fails);
            self.found.push(Scenario { name: format!("{module}::{name}"), passes });
        }
        Ok(())
    }

    /// Whether a `cfg` lets an item into a build for the checker; other attributes do not matter.
    fn is_built(&self, attribute: &str) -> bool {
        let condition = attribute.split_once("[cfg(").and_then(|(_, rest)| rest.strip_suffix(")]"));
        condition.is_none_or(|condition| self.holds(condition))
    }

    fn holds(&self, condition: &str) -> bool {
        let inner = |operator| condition.strip_prefix(operator)?.strip_suffix(')');
        if let Some(condition) = inner("not(") {
            !self.holds(condition)
        } else if let Some(conditions) = inner("any(") {
            parts(conditions).any(|condition| self.holds(condition))
        } else if let Some(conditions) = inner("all(") {
            parts(conditions).all(|condition| self.holds(condition))
        } else {
            condition == self.checker || ["test", "debug_assertions"].contains(&condition)
        }
    }
}

impl Item<'_> {
    /// Its name, if it is declared with `keyword`.
    fn name(&self, keyword: &str) -> Option<&str> {
        let line = self.declared;
        let declared = line.strip_prefix("pub(crate) ").unwrap_or(line).strip_prefix(keyword)?;
        declared.split(|c: char| !c.is_alphanumeric() && c != '_').next()
    }

    fn explores(&self) -> bool {
        self.body.iter().any(|line| {
            let code = line.split("//").next().unwrap_or_default().trim_start();
            let code = code.rsplit(" = ").next().unwrap_or_default();
            CALLS.iter().any(|call| code.starts_with(call))
        })
    }
}

/// What the commas outside of all parentheses separate.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let separates = move |character| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    };
    list.split(separates).map(str::trim)
}

/// The lines up to the one that closes what `opening` opens.
fn body<'a>(opening: &str, lines: &'a [&'a str]) -> &'a [&'a str] {
    let indent = &opening[..opening.len() - opening.trim_start().len()];
    let end = format!("{indent}}}");
    let length = lines.iter().position(|line| line.starts_with(&end)).unwrap_or(lines.len());
    &lines[..length]
}

fn file_of_module(folder: &Path, name: &str, attributes: &[&str]) -> PathBuf {
    let path =
        attributes.iter().find_map(|attribute| attribute.strip_prefix("#[path = \"")?.strip_suffix("\"]"));
    folder.join(path.map_or_else(|| format!("{name}.rs"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
/// A property.
#[test]
fn one() {
    check(|| {
        assert!(true);
    });
}

fn helper() {
    checked();
}

#[test]
#[ignore = "slow"]
fn two() {
    let explored = check_sequence(|| 7);
}

#[cfg(not(loom))]
mod given_up {
    #[test]
    fn not_for_loom() {
        check(|| ());
    }
}

mod inner {
    #[test]
    fn three() {
        search(1, || ());
    }
}
"#;

    #[test]
    fn scenarios_are_functions_that_explore_under_loom() {
        let mut scan = Scan { checker: "loom", found: Vec::new() };
        let lines: Vec<&str> = TEXT.lines().collect();
        scan.items(&lines, Path::new("."), "mailbox").expect("no file is read");
        let found: Vec<_> = scan.found.iter().map(|it| (it.name.as_str(), it.passes)).collect();
        assert_eq!(found, [("mailbox::one", true), ("mailbox::two", false), ("mailbox::inner::three", true)]);
    }

    #[test]
    fn conditions_are_judged() {
        let holds = |checker, condition: &str| Scan { checker, found: Vec::new() }.holds(condition);
        for condition in ["not(loom)", "all(debug_assertions, not(any(loom, shuttle)))", "shuttle"] {
            assert!(!holds("loom", condition), "{condition}");
        }
        for condition in ["loom", "any(loom, shuttle)", "all(any(lockdep, test), not(shuttle))"] {
            assert!(holds("loom", condition), "{condition}");
        }
        assert!(holds("shuttle", "all(any(lockdep, debug_assertions), not(loom))"));
    }
}
