//! Who leads in whose place, as one node sees it between two images: a line for operators, however many partitions there are.

use std::collections::BTreeMap;
use std::fmt;

use super::state::{ClusterState, Topic};

/// By the other node, `None` if that is nobody, how many partitions. Of those that are in both images.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LeaderChanges {
    /// This node leads them now, by who did before.
    led: BTreeMap<Option<i32>, usize>,
    /// It does not lead them any more, by who does now.
    left: BTreeMap<Option<i32>, usize>,
}

impl LeaderChanges {
    /// What is different for this node in these topics, as they are now.
    pub(super) fn between<'a>(
        before: &ClusterState,
        topics: impl Iterator<Item = &'a Topic>,
        node_id: i32,
    ) -> Self {
        let mut changes = Self::default();
        for topic in topics {
            for (number, partition) in topic.indexed() {
                let known = before.topic_by_id(&topic.id).and_then(|topic| topic.partition(number));
                let Some(known) = known.filter(|known| known.leader != partition.leader) else { continue };
                if partition.leader == Some(node_id) {
                    *changes.led.entry(known.leader).or_default() += 1;
                } else if known.leader == Some(node_id) {
                    *changes.left.entry(partition.leader).or_default() += 1;
                }
            }
        }
        changes
    }

    /// Tells of it.
    pub(super) fn tell(&self) {
        for (from, partitions) in &self.led {
            tracing::info!("this node leads {} now, in place of {}", Partitions(*partitions), Whom(*from));
        }
        for (to, partitions) in &self.left {
            tracing::info!(
                "this node does not lead {} any more: {} does",
                Partitions(*partitions),
                Whom(*to)
            );
        }
    }
}

/// How many partitions.
pub(super) struct Partitions(pub(super) usize);

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 partition"),
            several => write!(f, "{several} partitions"),
        }
    }
}

/// A node, or nobody.
struct Whom(Option<i32>);

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(node) => write!(f, "node {node}"),
            None => f.write_str("nobody"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cluster::Command;
    use crate::cluster::example::registration;

    /// Nodes 1 to 3 and six partitions, of which each leads two.
    fn state() -> ClusterState {
        let mut state = ClusterState::default();
        for node_id in 1..=3 {
            state.apply(&registration(node_id)).unwrap();
            state.apply(&Command::UnfenceBroker { node_id, broker_epoch: state.version }).unwrap();
        }
        let replicas = |first: i32| (0..3).map(|n| (first + n) % 3 + 1).collect();
        let assignment = (0..6).map(replicas).collect();
        let (name, id) = ("a".into(), Uuid::from_u128(10));
        state.apply(&Command::CreateTopic { name, id, assignment, configs: BTreeMap::new() }).unwrap();
        state
    }

    fn fence(state: &mut ClusterState, node_id: i32) {
        let broker_epoch = state.brokers[&node_id].broker_epoch;
        state.apply(&Command::FenceBroker { node_id, broker_epoch }).unwrap();
    }

    fn between(before: &ClusterState, next: &ClusterState, node_id: i32) -> LeaderChanges {
        LeaderChanges::between(before, next.topics().map(|topic| &**topic), node_id)
    }

    fn counts<const N: usize>(counts: [(Option<i32>, usize); N]) -> BTreeMap<Option<i32>, usize> {
        BTreeMap::from(counts)
    }

    #[test]
    fn who_is_fenced_hands_over_what_it_led() {
        let begun = state();
        let (mut two, mut one) = (begun.clone(), begun.clone());
        fence(&mut two, 2);
        assert_eq!(between(&begun, &two, 3).led, counts([(Some(2), 2)]));
        assert_eq!(between(&begun, &two, 2).left, counts([(Some(3), 2)]));
        assert_eq!(between(&begun, &two, 1), LeaderChanges::default());
        fence(&mut one, 2);
        fence(&mut one, 3);
        let changes = between(&begun, &one, 1);
        assert_eq!(changes.led, counts([(Some(2), 2), (Some(3), 2)]), "both at a time");
        fence(&mut one, 1);
        assert_eq!(between(&begun, &one, 1).left, counts([(None, 2)]), "nobody is left");
    }

    #[test]
    fn what_is_new_or_as_before_is_nobodys_to_hand_over() {
        let begun = state();
        assert_eq!(between(&ClusterState::default(), &begun, 1), LeaderChanges::default());
        assert_eq!(between(&begun, &begun, 1), LeaderChanges::default());
    }

    #[test]
    fn it_is_said_in_words() {
        assert_eq!(Partitions(1).to_string() + " of " + &Whom(Some(7)).to_string(), "1 partition of node 7");
        assert_eq!(Partitions(2).to_string() + " of " + &Whom(None).to_string(), "2 partitions of nobody");
    }
}
