//! Which nodes operators were told of: a line for each that falls silent, and one when it is heard again, however many partitions it leads.

use std::collections::{BTreeMap, BTreeSet};

use super::followed::Standing;

/// So many timeouts for a node that was not heard yet: it is no news that nodes need a while to connect.
const NOT_YET_HEARD: i64 = 5;

/// The nodes that are silent, by node id.
#[derive(Debug, Default)]
pub(super) struct Silent(BTreeSet<i32>);

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The node has not been heard for too long.
    Silent(i32, Standing),
    /// It is heard again.
    Heard(i32),
}

impl Silent {
    /// What is different. Whoever is not followed any more, because others lead in its place, is forgotten.
    pub(super) fn look(&mut self, leaders: &BTreeMap<i32, Standing>, timeout_ms: i64) -> Vec<News> {
        self.0.retain(|node_id| leaders.contains_key(node_id));
        let mut news = Vec::new();
        for (node_id, standing) in leaders {
            let timeout_ms = if standing.was_heard { timeout_ms } else { NOT_YET_HEARD * timeout_ms };
            if standing.silence_ms < timeout_ms {
                news.extend(self.0.remove(node_id).then_some(News::Heard(*node_id)));
            } else if self.0.insert(*node_id) {
                news.push(News::Silent(*node_id, *standing));
            }
        }
        news
    }
}

impl News {
    /// Tells of it.
    pub(super) fn tell(&self) {
        match self {
            Self::Silent(node_id, Standing { partitions, silence_ms, .. }) => tracing::warn!(
                "node {node_id} is suspected: nothing heard of it for {silence_ms} ms; it leads {partitions} of the partitions that this node follows"
            ),
            Self::Heard(node_id) => {
                tracing::info!("node {node_id} is heard again, and not suspected any more");
            }
        }
    }
}
