//! Finds the sites in the source text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::Site;

/// What a site looks like: the call, and how its arguments begin. An own method of the same name (`self.update(..)`) is none.
const CALLS: [&str; 10] = [
    ".lock()",
    ".read()",
    ".write()",
    ".with(|",
    ".update(|",
    ".wait(",
    ".send(",
    ".try_send(",
    ".recv()",
    ".try_recv()",
];

/// What is done with a sharded map, behind the name of the field that it is in.
const OF_A_MAP: [&str; 7] =
    [".get(", ".update(", ".upsert(", ".remove_if(", ".for_each(", ".len()", ".is_empty()"];

/// Calls that look like a site and are none: file, text, reason.
const NO_SITES: [(&str, &str, &str); 2] = [
    (
        "raft_loop/held.rs",
        "transport.send(",
        "it hands a message to the network, which is not a channel of ours",
    ),
    (
        "triggers.rs",
        "change(&mut state.elections)",
        "it runs what its caller does in the critical section, and that is the site",
    ),
];

/// All sites of the kernels below `root`, the workspace, with the call that each is.
///
/// # Errors
/// A file cannot be read.
pub fn scan(root: &Path) -> io::Result<BTreeMap<Site, &'static str>> {
    let mut sites = BTreeMap::new();
    scan_folder(&root.join(super::KERNELS), &mut sites)?;
    Ok(sites)
}

fn scan_folder(folder: &Path, sites: &mut BTreeMap<Site, &'static str>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            scan_folder(&path, sites)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sites.extend(scan_text(&path.to_string_lossy(), &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// The sites of one file. Comments and unit tests have none, nor has the facade.
pub fn scan_text(file: &str, text: &str) -> BTreeMap<Site, &'static str> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let maps = maps_in(code);
    let mut sites = BTreeMap::new();
    for (number, line) in (1..).zip(code.lines()) {
        let line = line.split("//").next().unwrap_or_default();
        if let (Some(site), Some(call)) =
            (Site::of(file, number), call_in(line).or_else(|| map_call_in(line, &maps)))
            && !NO_SITES.iter().any(|(name, text, _)| site.file == *name && line.contains(text))
        {
            sites.insert(site, call.trim_matches(['.', '(', ')', '|']));
        }
    }
    sites
}

/// The fields of the file that are sharded maps.
fn maps_in(code: &str) -> Vec<&str> {
    code.lines().filter_map(|line| Some(line.split_once(": ShardedMap<")?.0.trim())).collect()
}

fn map_call_in(line: &str, maps: &[&str]) -> Option<&'static str> {
    let is_call = |call: &str| maps.iter().any(|map| line.contains(&format!(".{map}{call}")));
    OF_A_MAP.into_iter().find(|call| is_call(call))
}

fn call_in(line: &str) -> Option<&'static str> {
    let is_call = |call: &str| line.match_indices(call).any(|(at, _)| !is_own(&line[..at]));
    CALLS.into_iter().find(|call| is_call(call))
}

/// Whether what stands before the call is `self` and nothing else: then it is a method of the kernel, which is called, and not a lock.
fn is_own(before: &str) -> bool {
    before
        .strip_suffix("self")
        .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u32, &'static str)> {
        scan_text("concurrency-models/src/a.rs", text)
            .into_iter()
            .map(|(site, call)| (site.line, call))
            .collect()
    }

    #[test]
    fn calls_of_the_facade_are_found() {
        let text = "let a = self.0.lock();\nself.0\n    .update(|state, wakes| {\nreply.send(1);\nlet b = x.read();\n";
        assert_eq!(lines(text), [(1, "lock"), (3, "update"), (4, "send"), (5, "read")]);
    }

    #[test]
    fn calls_of_a_sharded_map_are_found() {
        let text = "watched: ShardedMap<K, V>,\nself.watched.get(key)\nself.other.get(key)\nself.watched.upsert(key, value, |_, _| ());\n";
        assert_eq!(lines(text), [(2, "get"), (4, "upsert")]);
    }

    #[test]
    fn comments_tests_and_own_methods_are_no_sites() {
        let text = "// x.lock()\nself.update(|_| value)\nself.0.read(|it| it)\nfn send(\n#[cfg(test)]\nmod tests {\nx.lock()\n";
        assert_eq!(lines(text), []);
    }

    #[test]
    fn the_facade_has_none() {
        assert!(scan_text("concurrency-models/src/sync/lock.rs", "self.raw.lock()").is_empty());
    }
}
