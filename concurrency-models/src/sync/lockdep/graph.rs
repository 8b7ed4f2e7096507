//! Which lock was held when which was asked for.

use std::collections::{BTreeMap, BTreeSet};

use super::on::Use;

/// A lock no checker knows, held for no longer than a look at the graph takes. Not the facade's: that one asks here.
#[expect(clippy::disallowed_types, reason = "lockdep cannot watch itself")]
static GRAPH: std::sync::Mutex<Graph> = std::sync::Mutex::new(Graph(BTreeMap::new()));

/// For each lock the locks asked for while it was held, and how that was the first time. Every lock that has an edge is a key.
struct Graph(BTreeMap<u64, BTreeMap<u64, Edge>>);

#[derive(Clone, Copy)]
struct Edge {
    held: Use,
    wanted: Use,
}

/// Adds that `held` was held when `wanted` was asked for. If that closes a cycle, it is not added; returned is how the other order came to be.
pub(super) fn add(held: &Use, wanted: &Use) -> Option<String> {
    change(|graph| {
        let (from, to) = (held.object.serial, wanted.object.serial);
        if graph.0.get(&from).is_some_and(|edges| edges.contains_key(&to)) {
            return None;
        }
        if let Some(path) = graph.path(to, from) {
            let steps =
                path.iter().map(|edge| format!("{} was held when {} was wanted", edge.held, edge.wanted));
            return Some(steps.collect::<Vec<_>>().join(", "));
        }
        graph.0.entry(to).or_default();
        graph.0.entry(from).or_default().insert(to, Edge { held: *held, wanted: *wanted });
        None
    })
}

/// Takes a lock out that is no more.
pub(super) fn forget(serial: u64) {
    change(|graph| {
        if graph.0.remove(&serial).is_some() {
            graph.0.values_mut().for_each(|edges| _ = edges.remove(&serial));
        }
    });
}

fn change<R>(change: impl FnOnce(&mut Graph) -> R) -> R {
    change(&mut GRAPH.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

impl Graph {
    /// The edges that lead from one lock to another, if any do.
    fn path(&self, from: u64, to: u64) -> Option<Vec<Edge>> {
        let mut seen = BTreeSet::from([from]);
        let mut paths = vec![(from, Vec::new())];
        while let Some((at, path)) = paths.pop() {
            if at == to {
                return Some(path);
            }
            for (next, edge) in self.0.get(&at).into_iter().flatten().filter(|(next, _)| seen.insert(**next))
            {
                paths.push((*next, [path.as_slice(), &[*edge]].concat()));
            }
        }
        None
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::sync::Mutex;

    #[test]
    fn a_lock_that_is_gone_leaves_nothing_behind() {
        let outer = Mutex::new(());
        let known = || change(|graph| graph.0.len());
        let before = known();
        for _ in 0..3 {
            let inner = Mutex::new(());
            let _held = outer.lock();
            drop(inner.lock());
            assert_eq!(known(), before + 2);
        }
        drop(outer);
        assert_eq!(known(), before);
    }
}
