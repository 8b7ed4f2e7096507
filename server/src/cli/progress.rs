//! A progress bar: on a terminal only, and only for what takes longer than two seconds.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::Clock;

const PATIENCE: Duration = Duration::from_secs(2);

/// How far something is, in bytes or steps.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    clock: Clock,
    shown_from: Duration,
}

impl Progress {
    /// Of so many bytes.
    pub(super) fn bytes(what: &'static str, total: u64, clock: &Clock) -> Self {
        Self::new(what, total, "{bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left", clock)
    }

    /// Of so many steps.
    pub(super) fn steps(what: &'static str, total: u64, clock: &Clock) -> Self {
        Self::new(what, total, "{pos} of {len}, {eta} left", clock)
    }

    fn new(what: &'static str, total: u64, numbers: &str, clock: &Clock) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let template = format!("{{msg}} {{bar:30}} {numbers}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, clock: clock.clone(), shown_from: clock.uptime() + PATIENCE }
    }

    /// It is at `position` now.
    pub(super) fn set(&self, position: u64) {
        if self.bar.is_hidden() && std::io::stderr().is_terminal() && self.clock.uptime() >= self.shown_from {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
