//! What the run shows while it runs: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub(crate) struct Progress {
    /// Hidden if nobody looks.
    bar: ProgressBar,
    plain: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let plain = !std::io::stderr().is_terminal();
        let bar = if plain { ProgressBar::hidden() } else { ProgressBar::new(0) };
        if !plain {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self { bar, plain }
    }

    /// A step begins, of so many parts; `None` if nobody knows.
    pub(crate) fn begin(&self, name: &str, parts: Option<usize>) {
        let known = "{spinner} {prefix:<10} {bar:32} {pos:>4}/{len} {elapsed:>5}  {wide_msg}";
        let unknown = "{spinner} {prefix:<10} {pos:>4} done {elapsed:>5}  {wide_msg}";
        let style = ProgressStyle::with_template(if parts.is_some() { known } else { unknown });
        self.bar.reset();
        self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_length(parts.unwrap_or(0) as u64);
        self.bar.set_prefix(name.to_owned());
        self.bar.set_message("");
        if self.plain {
            println!("----  {name}");
        }
    }

    /// One part is done. `line` stays only where there is no bar.
    pub(crate) fn done(&self, line: &str, says: &str) {
        self.bar.inc(1);
        self.bar.set_message(says.to_owned());
        if self.plain && !line.is_empty() {
            println!("{line}");
        }
    }

    /// What is being done.
    pub(crate) fn doing(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| println!("{line}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
