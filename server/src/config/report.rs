//! What the table prints: the effective configuration, a sample file, the reference.

use super::settings::{Config, SETTINGS, Setting};
use super::{Loaded, Source};

/// The effective values, one a line, as a TOML file with the source of each as a comment.
pub fn report(loaded: &Loaded) -> String {
    let lines: Vec<(String, &Source)> = SETTINGS
        .iter()
        .map(|setting| (assignment(setting, &loaded.config), loaded.source_of(setting.name)))
        .collect();
    let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0).min(70);
    lines.iter().map(|(line, source)| format!("{line:width$}  # {source}\n")).collect()
}

/// A configuration file with every setting at its default, commented out, with its documentation.
pub fn sample_file() -> String {
    let defaults = Config::default();
    let mut out = "# Chronik's configuration: every setting, at its default. Remove the first # of a line to change it.\n\
                   # An environment variable (CHRONIK_LOG_DIRS for log.dirs) wins over this file, a flag over both.\n"
        .to_owned();
    for_each(
        |section| format!("\n## {section}\n"),
        |setting| {
            let doc: String = setting.doc.lines().map(|line| format!("#{line}\n")).collect();
            format!("\n{doc}# {}\n#{}\n", about(setting), assignment(setting, &defaults))
        },
        &mut out,
    );
    out
}

/// Every setting for a reader, as Markdown.
pub fn reference() -> String {
    let defaults = Config::default();
    let mut out = "# Settings\n".to_owned();
    for_each(
        |section| format!("\n## {section}\n\n"),
        |setting| {
            let default = (setting.get)(&defaults);
            let default = if default.is_empty() { "not set".to_owned() } else { format!("`{default}`") };
            let doc = setting.doc.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("- **`{}`** ({}; default {default}). {doc}\n", setting.name, about(setting))
        },
        &mut out,
    );
    out
}

fn for_each(heading: impl Fn(&str) -> String, entry: impl Fn(&Setting) -> String, out: &mut String) {
    let mut section = "";
    for setting in SETTINGS {
        if setting.section != section {
            section = setting.section;
            out.push_str(&heading(section));
        }
        out.push_str(&entry(setting));
    }
}

fn about(setting: &Setting) -> String {
    match (setting.allowed)().as_str() {
        "" => setting.kind.to_owned(),
        allowed => format!("{}, {allowed}", setting.kind),
    }
}

fn assignment(setting: &Setting, config: &Config) -> String {
    let text = (setting.get)(config);
    let quoted =
        if setting.bare_in_toml && !text.is_empty() { text } else { toml::Value::from(text).to_string() };
    format!("{} = {quoted}", setting.name)
}
