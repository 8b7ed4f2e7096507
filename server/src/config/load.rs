//! Reading a configuration: file, then environment, then flags; the last one wins.

use std::collections::BTreeMap;
use std::path::Path;

use super::settings::{SETTINGS, Setting, find, is_only_dynamic};
use super::{Config, ConfigError, Loaded, Source};

/// Environment variables that set something begin like this: `log.segment.bytes` is `CHRONIK_LOG_SEGMENT_BYTES`.
pub const ENV_PREFIX: &str = "CHRONIK_";
/// Variables with that prefix that are not settings.
const NOT_SETTINGS: &[&str] = &["CHRONIK_CONFIG", "CHRONIK_BOOTSTRAP_SERVER"];

/// Gathers values; later ones replace earlier ones.
#[derive(Debug, Default)]
pub struct Loader {
    loaded: Loaded,
}

impl Loader {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the values of a TOML file. Keys are dotted names or tables, `"log.dirs"`, `log.dirs` or `[log] dirs`.
    ///
    /// # Errors
    /// Unreadable, not TOML, an unknown key, a bad value.
    pub fn file(self, path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: shown.clone(), error })?;
        self.toml(&text, &shown)
    }

    /// Takes the values of a TOML text that stands at `path`.
    ///
    /// # Errors
    /// Not TOML, an unknown key, a bad value.
    pub fn toml(mut self, text: &str, path: &str) -> Result<Self, ConfigError> {
        let source = Source::File(path.to_owned());
        let table: toml::Table = with_whole_names(text).parse().map_err(|error: toml::de::Error| {
            ConfigError::NotToml { path: path.to_owned(), reason: error.to_string().trim_end().to_owned() }
        })?;
        for (name, text) in flatten(table, &source)? {
            self.set(&name, &text, &source)?;
        }
        Ok(self)
    }

    /// Takes the variables that begin with [`ENV_PREFIX`].
    ///
    /// # Errors
    /// An unknown name, a bad value.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        for (variable, text) in variables {
            if !variable.starts_with(ENV_PREFIX) || is_not_a_setting(&variable) {
                continue;
            }
            let name =
                by_variable(&variable).map_or_else(|| dotted(&variable), |setting| setting.name.to_owned());
            self.set(&name, &text, &Source::Environment(variable))?;
        }
        Ok(self)
    }

    /// Takes `name=value` as given to `--set`.
    ///
    /// # Errors
    /// No `=`, an unknown name, a bad value.
    pub fn assignment(self, assignment: &str) -> Result<Self, ConfigError> {
        let Some((name, text)) = assignment.split_once('=') else {
            return Err(ConfigError::NotAssignment { text: assignment.to_owned() });
        };
        self.flag(name.trim(), text.trim(), "--set")
    }

    /// Takes the value of a flag that stands for the setting `name`.
    ///
    /// # Errors
    /// An unknown name, a bad value.
    pub fn flag(mut self, name: &str, text: &str, flag: &str) -> Result<Self, ConfigError> {
        self.set(name, text, &Source::Flag(flag.to_owned()))?;
        Ok(self)
    }

    /// The configuration, checked as a whole.
    ///
    /// # Errors
    /// The values contradict each other.
    pub fn finish(self) -> Result<Loaded, ConfigError> {
        self.loaded.config.check_together().map_err(ConfigError::Contradiction)?;
        Ok(self.loaded)
    }

    fn set(&mut self, name: &str, text: &str, from: &Source) -> Result<(), ConfigError> {
        let Some(setting) = find(name) else {
            return Err(ConfigError::Unknown { name: name.to_owned(), from: from.clone() });
        };
        let refused = |reason| {
            let (name, text, from) = (name.to_owned(), text.to_owned(), from.clone());
            ConfigError::BadValue { name, text, from, reason }
        };
        if is_only_dynamic(name) && !text.is_empty() {
            return Err(refused(format!(
                "it cannot be configured, for all nodes must know it: change it while the broker runs (chronik-server configs alter --broker ID --set {name}={text})"
            )));
        }
        (setting.set)(&mut self.loaded.config, text).map_err(refused)?;
        self.loaded.sources.insert(setting.name, from.clone());
        Ok(())
    }
}

impl Config {
    /// The environment variable that sets `setting`.
    pub fn variable(setting: &Setting) -> String {
        format!("{ENV_PREFIX}{}", setting.name.to_ascii_uppercase().replace('.', "_"))
    }
}

fn by_variable(variable: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| Config::variable(setting) == variable)
}

fn dotted(variable: &str) -> String {
    variable.trim_start_matches(ENV_PREFIX).to_ascii_lowercase().replace('_', ".")
}

/// Whether the variable is ours but no setting, or one that Kubernetes makes for a service called chronik.
fn is_not_a_setting(variable: &str) -> bool {
    let of_kubernetes =
        ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"].iter().any(|part| variable.contains(part))
            || variable.ends_with("_PORT");
    NOT_SETTINGS.contains(&variable) || of_kubernetes
}

/// Quotes dotted keys: to TOML, `wal.flush` and `wal.flush.interval.ms` would contradict each other, and Kafka has such names.
fn with_whole_names(text: &str) -> String {
    text.lines().map(|line| whole_name(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

fn whole_name(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let dotted = key.contains('.') && key.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    dotted.then(|| format!("\"{key}\" ={value}"))
}

/// The leaves of a table by their dotted names.
fn flatten(table: toml::Table, source: &Source) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut leaves = BTreeMap::new();
    let mut open = vec![(String::new(), table)];
    while let Some((prefix, table)) = open.pop() {
        for (key, value) in table {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(table) => open.push((name, table)),
                leaf => {
                    let text = leaf_text(leaf, &name, source)?;
                    if leaves.insert(name.clone(), text).is_some() {
                        return Err(ConfigError::Twice { name, from: source.clone() });
                    }
                }
            }
        }
    }
    Ok(leaves)
}

fn leaf_text(value: toml::Value, name: &str, source: &Source) -> Result<String, ConfigError> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Array(items) => {
            let items: Result<Vec<_>, _> =
                items.into_iter().map(|item| leaf_text(item, name, source)).collect();
            Ok(items?.join(","))
        }
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(format!("{number:?}")),
        toml::Value::Boolean(flag) => Ok(flag.to_string()),
        other => Err(ConfigError::BadValue {
            name: name.to_owned(),
            text: other.to_string(),
            from: source.clone(),
            reason: "it must be a number, true or false, a text, or a list of texts".to_owned(),
        }),
    }
}
