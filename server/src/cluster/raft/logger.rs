//! raft logs through `slog`; here it ends in `tracing`, under the target `raft`.

use std::fmt::{self, Write as _};

use slog::{Drain, KV as _, Key, Level, Logger, Never, OwnedKVList, Record, Serializer};

/// A logger for raft.
pub(super) fn to_tracing() -> Logger {
    Logger::root(ToTracing, slog::o!())
}

struct ToTracing;

impl Drain for ToTracing {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        if !enabled(record.level()) {
            return Ok(());
        }
        let mut line = Line(record.msg().to_string());
        let _cannot_fail =
            record.kv().serialize(record, &mut line).and_then(|()| values.serialize(record, &mut line));
        let Line(line) = line;
        match record.level() {
            Level::Critical | Level::Error => tracing::error!(target: "raft", "{line}"),
            Level::Warning => tracing::warn!(target: "raft", "{line}"),
            // What raft finds worth an info is worth a line to those who look for it: terms and roles are told by our own.
            Level::Info | Level::Debug => tracing::debug!(target: "raft", "{line}"),
            Level::Trace => tracing::trace!(target: "raft", "{line}"),
        }
        Ok(())
    }
}

fn enabled(level: Level) -> bool {
    match level {
        Level::Critical | Level::Error => tracing::enabled!(target: "raft", tracing::Level::ERROR),
        Level::Warning => tracing::enabled!(target: "raft", tracing::Level::WARN),
        Level::Info | Level::Debug => tracing::enabled!(target: "raft", tracing::Level::DEBUG),
        Level::Trace => tracing::enabled!(target: "raft", tracing::Level::TRACE),
    }
}

/// A message with its values behind it: `became leader, term: 3`.
struct Line(String);

impl Serializer for Line {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.0, ", {key}: {value}").map_err(|_| slog::Error::Other)
    }
}
