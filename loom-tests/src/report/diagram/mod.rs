//! A failing execution as a sequence diagram: threads are columns, time runs down.
//!
//! [`rows`] makes one row of what belongs together, [`fold`] leaves out what explains nothing, [`svg`] draws.

mod end;
mod fold;
mod layout;
mod names;
mod rows;
mod svg;

pub(super) use svg::draw;

use super::trace::Trace;

/// Who is stuck at the end, a sentence for each.
pub(super) fn words(trace: &Trace) -> Vec<String> {
    let sentence = |stuck: end::Stuck| {
        format!("{} {}, {}.", rows::thread_name(trace, stuck.thread), stuck.wants, stuck.because)
    };
    end::stuck(trace).into_iter().map(sentence).collect()
}

/// Every row in words, with its thread and its line.
pub(super) fn lines(trace: &Trace) -> Vec<String> {
    let line =
        |row: Row| format!("{:<9} {:<44} {}", rows::thread_name(trace, row.thread), row.text, row.site);
    rows::rows(trace).into_iter().map(|row| line(row).trim_end().to_owned()).collect()
}

/// A row of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// One thing that a thread does.
    Row(Row),
    /// So many rows in a row that are left out, of these threads.
    Folded { rows: usize, threads: Vec<usize> },
}

/// What a thread does, in a word, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    thread: usize,
    kind: Kind,
    /// The object, if there is one.
    object: Option<usize>,
    /// `lock mailbox::State<u32>`.
    text: String,
    /// `mailbox.rs:101`.
    site: String,
    /// The steps that it stands for: from, and up to.
    steps: std::ops::Range<usize>,
}

/// What a row looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A lock taken and given back with nothing in between.
    Section,
    /// A lock asked for that is not free.
    Asks,
    /// A lock taken, and held over other rows.
    Takes,
    /// Given back.
    Gives,
    /// Sleeps.
    Sleeps,
    /// Goes on.
    Wakes,
    /// Wakes another.
    Notifies,
    /// Starts this thread.
    Spawns(usize),
    /// Anything else.
    Other,
}

/// A site as a reader wants it: without what is the same for all of a kind.
fn short_site(site: &str) -> &str {
    let known = ["concurrency-models/src/", "loom-tests/"];
    match known.iter().find_map(|folder| site.strip_prefix(folder)) {
        Some(rest) => rest,
        None => site.rsplit_once('/').map_or(site, |(_, file)| file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_short() {
        assert_eq!(short_site("concurrency-models/src/raft_loop/run.rs:14"), "raft_loop/run.rs:14");
        assert_eq!(short_site("loom-tests/tests/mailbox.rs:7"), "tests/mailbox.rs:7");
        assert_eq!(short_site("/rustc/5980/library/alloc/src/sync.rs:3734"), "sync.rs:3734");
    }
}
