//! Who has come in sync and who has not stayed so: a line for each node and some time, however many partitions there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::limits;

/// What operators are not told yet. In partitions that this node leads.
#[derive(Debug, Default)]
pub(crate) struct InSyncNews {
    /// By node id.
    come: BTreeMap<i32, Partitions>,
    /// By node id.
    gone: BTreeMap<i32, Partitions>,
}

/// How many there are, and the first few by name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Partitions {
    count: usize,
    names: Vec<String>,
}

impl InSyncNews {
    /// The in-sync set of a partition has changed.
    pub(super) fn note(&mut self, topic: &str, partition: i32, was: &BTreeSet<i32>, is: &BTreeSet<i32>) {
        let name = || format!("{topic}-{partition}");
        is.difference(was).for_each(|node| self.come.entry(*node).or_default().add(name));
        was.difference(is).for_each(|node| self.gone.entry(*node).or_default().add(name));
    }

    /// Tells of what was noted since the last time.
    pub(super) fn tell(&mut self) {
        for (node, partitions) in std::mem::take(&mut self.gone) {
            tracing::warn!("node {node} lags, and is out of sync in {partitions}");
        }
        for (node, partitions) in std::mem::take(&mut self.come) {
            tracing::info!("node {node} has come in sync in {partitions}");
        }
    }
}

impl Partitions {
    fn add(&mut self, name: impl Fn() -> String) {
        self.count += 1;
        if self.names.len() < limits::MAX_PARTITIONS_NAMED {
            self.names.push(name());
        }
    }
}

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, names } = self;
        write!(f, "{count} partition{} led here: {}", if *count == 1 { "" } else { "s" }, names.join(", "))?;
        match count - names.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_and_goes_is_counted_and_some_partitions_are_named() {
        let mut news = InSyncNews::default();
        news.note("a", 0, &BTreeSet::from([1, 3]), &BTreeSet::from([1, 2, 3]));
        assert_eq!(news.come[&2].to_string(), "1 partition led here: a-0");
        for partition in 1..9 {
            news.note("a", partition, &BTreeSet::from([1, 3]), &BTreeSet::from([1, 2]));
        }
        assert_eq!(
            news.come[&2].to_string(),
            "9 partitions led here: a-0, a-1, a-2, a-3, a-4, a-5 and 3 more"
        );
        assert_eq!(news.gone[&3].count, 8);
        assert!(!news.come.contains_key(&1) && !news.gone.contains_key(&2));
        news.tell();
        assert!(news.come.is_empty() && news.gone.is_empty(), "each is told once");
    }
}
