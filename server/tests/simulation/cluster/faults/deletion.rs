//! Somebody deletes records, perhaps all that there are, while a replica may be down.

use super::{Fault, Strike};
use crate::cluster::{Cluster, writers};

/// Records that are left, at most.
const MOST_LEFT: u64 = 4;

pub(super) struct Deletion;

impl Fault for Deletion {
    fn name(&self) -> &'static str {
        "deletion"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let topics: Vec<String> = writers::topics().collect();
            let drawn = cluster.rng.below(topics.len() as u64);
            let topic = topics[usize::try_from(drawn).expect("few")].clone();
            let left = cluster.rng.below(2) * cluster.rng.below(MOST_LEFT);
            let deleted = cluster.delete_records(&topic, left.cast_signed()).await;
            let came_to = if deleted { "are deleted" } else { "may be deleted" };
            cluster.say(&format!("{topic}: all committed records but {left} {came_to}"));
        })
    }
}
