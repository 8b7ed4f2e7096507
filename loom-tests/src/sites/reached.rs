//! Which sites the scenarios reach.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::panic::Location;
use std::path::{Path, PathBuf};

use super::Site;

/// The sites that one scenario has reached so far.
pub(crate) struct Collector {
    file: PathBuf,
    seen: BTreeSet<(&'static str, u32)>,
}

/// A collector for a scenario, if the environment names a folder.
pub(crate) fn collector(scenario: &str, checker: &str) -> Option<Collector> {
    let folder = std::env::var_os(super::VARIABLE).filter(|folder| !folder.is_empty())?;
    let file = Path::new(&folder).join(format!("{checker}.{}", scenario.replace("::", ".")));
    Some(Collector { file, seen: BTreeSet::new() })
}

impl Collector {
    pub(crate) fn add(&mut self, site: &'static Location<'static>) {
        self.seen.insert((site.file(), site.line()));
    }

    /// Appends them to the file: a test may explore twice.
    pub(crate) fn write(&self) -> io::Result<()> {
        self.file.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.file)?;
        let sites = self.seen.iter().filter_map(|(file, line)| Site::of(file, *line));
        file.write_all(sites.map(|site| format!("{site}\n")).collect::<String>().as_bytes())
    }
}

/// What was written to a folder: for each site and checker the scenarios that reach it.
#[derive(Clone, Debug, Default)]
pub struct Reached(BTreeMap<Site, BTreeMap<String, BTreeSet<String>>>);

impl Reached {
    /// Reads the files of a folder.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut reached = Self::default();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let other = || io::Error::other(format!("{} is no list of sites", path.display()));
            let (checker, scenario) = name.split_once('.').ok_or_else(other)?;
            for line in fs::read_to_string(&path)?.lines() {
                reached.add(Site::parse(line).ok_or_else(other)?, checker, scenario);
            }
        }
        Ok(reached)
    }

    fn add(&mut self, site: Site, checker: &str, scenario: &str) {
        let scenarios = self.0.entry(site).or_default().entry(checker.to_owned()).or_default();
        scenarios.insert(scenario.replace('.', "::"));
    }

    /// The scenarios that reach `site` under `checker`.
    pub fn scenarios(&self, site: &Site, checker: &str) -> impl Iterator<Item = &str> {
        let scenarios = self.0.get(site).and_then(|of_site| of_site.get(checker));
        scenarios.into_iter().flatten().map(String::as_str)
    }
}

/// All sites, and what is reached of them.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Every site of the source and the scenarios that reach it under loom and under shuttle.
    pub rows: Vec<Row>,
    /// Lines of kernels that a scenario reached and the scanner does not know: the scanner is wrong, or the files are of another source.
    pub unknown: Vec<Site>,
}

/// One site.
#[derive(Clone, Debug)]
pub struct Row {
    /// Where.
    pub site: Site,
    /// What: `lock`, `send`.
    pub call: &'static str,
    /// The scenarios that reach it under loom.
    pub loom: Vec<String>,
    /// And under shuttle.
    pub shuttle: Vec<String>,
}

impl Coverage {
    /// Compares the sites of the source with those that were reached.
    pub fn of(sites: &BTreeMap<Site, &'static str>, reached: &Reached) -> Self {
        let scenarios =
            |site: &Site, checker: &str| reached.scenarios(site, checker).map(str::to_owned).collect();
        let row = |(site, call): (&Site, &&'static str)| Row {
            site: site.clone(),
            call,
            loom: scenarios(site, "loom"),
            shuttle: scenarios(site, "shuttle"),
        };
        let unknown = reached.0.keys().filter(|site| !sites.contains_key(site));
        Self { rows: sites.iter().map(row).collect(), unknown: unknown.cloned().collect() }
    }

    /// The sites that no scenario reaches, under neither checker.
    pub fn unreached(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.loom.is_empty() && row.shuttle.is_empty())
    }
}
