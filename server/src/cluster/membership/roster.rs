//! Whom this node dials, and whom it listens to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use concurrency_models::image::Image;

use super::super::raft::{peer_id, raft_id};
use super::super::state::ClusterState;
use crate::config::HostPort;
use crate::peer::NodeId;
use crate::peer::hello::Refusal;

/// The other nodes as this one knows them. Clones are the same.
#[derive(Clone)]
pub struct Roster(Arc<Inner>);

struct Inner {
    own: i32,
    /// Known before the metadata is, by node id: what is configured, or what a newcomer was told. It goes before what the metadata says of the same node: after all
    /// nodes have moved, it is the configuration that knows where they are.
    beforehand: Image<BTreeMap<i32, HostPort>>,
    known: Image<Known>,
}

/// What follows from the metadata and from what was known before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    others: BTreeMap<i32, HostPort>,
    /// Those that were removed and have no part in Raft any more: an entry that says so is committed.
    removed: BTreeSet<i32>,
}

impl Roster {
    /// Of node `own`, which knows these nodes beforehand, and the metadata and the members of Raft as far as it has them.
    pub(in super::super) fn new(
        own: i32,
        beforehand: BTreeMap<i32, HostPort>,
        state: &ClusterState,
        members: &[u64],
    ) -> Self {
        let inner = Inner { own, beforehand: Image::new(beforehand), known: Image::new(Known::default()) };
        let roster = Self(Arc::new(inner));
        roster.follow(state, members);
        roster
    }

    /// Where the nodes of the cluster are, as one of them says.
    pub(in super::super) fn told(&self, nodes: BTreeMap<i32, HostPort>) {
        self.0.beforehand.replace(nodes);
        self.follow(&ClusterState::default(), &[]);
    }

    /// The node whose roster it is.
    pub(super) fn own(&self) -> i32 {
        self.0.own
    }

    /// Takes up what the metadata says. Who was removed and is still a member of Raft stays known until it is none: it is to hear that it was removed, and has a vote on that.
    /// Returns whether anything is new.
    pub(in super::super) fn follow(&self, state: &ClusterState, members: &[u64]) -> bool {
        let before = self.0.known.load();
        let leaves = |id: i32| members.contains(&raft_id(id));
        let place = |id: i32| {
            let known = before.others.get(&id).cloned();
            known.or_else(|| self.0.beforehand.load().get(&id).cloned()).or_else(|| {
                let endpoint = state.last_place(id)?;
                Some(HostPort::new(&endpoint.host, endpoint.port))
            })
        };
        let mut others = self.others(state);
        let leaving = state.removed().filter(|id| leaves(*id) && *id != self.0.own);
        others.extend(leaving.filter_map(|id| Some((id, place(id)?))));
        let removed = state.removed().filter(|id| !leaves(*id)).collect();
        let known = Known { others, removed };
        let is_new = *before != known;
        if is_new {
            self.0.known.replace(known);
        }
        is_new
    }

    /// The other nodes and where they are, according to this metadata.
    pub fn others(&self, state: &ClusterState) -> BTreeMap<i32, HostPort> {
        let place = |node: &super::super::state::Node| HostPort::new(&node.endpoint.host, node.endpoint.port);
        let mut others: BTreeMap<i32, HostPort> =
            state.nodes().map(|(node_id, node)| (node_id, place(node))).collect();
        others.extend(self.0.beforehand.load().iter().map(|(node_id, place)| (*node_id, place.clone())));
        others.retain(|node_id, _| *node_id != self.0.own && !state.was_removed(*node_id));
        others
    }

    /// The same by peer id, as of now.
    pub(in super::super) fn peers(&self) -> BTreeMap<NodeId, HostPort> {
        by_peer_id(&self.0.known.load().others)
    }

    /// Whether the node was removed, and is not needed: Raft's membership as it is committed is without it.
    pub(in super::super) fn does_without(&self, node: NodeId) -> bool {
        matches!(self.refuses(node), Some(Refusal::Removed { .. }))
    }

    /// Whether the node belongs to the cluster, as far as this one knows.
    pub(in super::super) fn knows(&self, node: NodeId) -> bool {
        self.refuses(node).is_none()
    }

    /// Why a node may not connect; `None` if it may.
    pub(in super::super) fn refuses(&self, node: NodeId) -> Option<Refusal> {
        let known = self.0.known.load();
        match i32::try_from(node) {
            Ok(id) if known.others.contains_key(&id) => None,
            Ok(id) if known.removed.contains(&id) => Some(Refusal::Removed { id: node }),
            _ => Some(Refusal::Unwelcome { id: node }),
        }
    }
}

/// As connections call nodes.
fn by_peer_id(places: &BTreeMap<i32, HostPort>) -> BTreeMap<NodeId, HostPort> {
    places.iter().map(|(node_id, place)| (peer_id(*node_id), place.clone())).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cluster::{Command, Endpoint};

    fn place(host: &str) -> HostPort {
        HostPort::new(host, 9192)
    }

    fn add(state: &mut ClusterState, node_id: i32, host: &str) {
        let endpoint = Endpoint { host: host.into(), port: 9192 };
        state.apply(&Command::AddNode { node_id, directory_id: Uuid::nil(), endpoint }).unwrap();
    }

    #[test]
    fn the_configuration_goes_before_the_metadata_and_a_removal_before_both() {
        let beforehand = BTreeMap::from([(1, place("a")), (2, place("b")), (3, place("c"))]);
        let mut state = ClusterState::default();
        let roster = Roster::new(1, beforehand, &state, &[]);
        assert_eq!(roster.peers().len(), 2);
        add(&mut state, 2, "elsewhere");
        assert!(!roster.follow(&state, &[]), "the configuration knows better");
        add(&mut state, 4, "d");
        assert!(roster.follow(&state, &[]) && !roster.follow(&state, &[]));
        assert_eq!(roster.peers(), by_peer_id(&[(2, place("b")), (3, place("c")), (4, place("d"))].into()));
        assert_eq!((roster.refuses(4), roster.refuses(5)), (None, Some(Refusal::Unwelcome { id: 5 })));
        for node_id in [3, 4] {
            state.apply(&Command::RemoveNode { node_id, directory_id: None }).unwrap();
        }
        roster.follow(&state, &[raft_id(3)]);
        assert_eq!((roster.peers().len(), roster.refuses(3)), (2, None), "it is still a member");
        roster.follow(&state, &[]);
        assert_eq!(roster.peers(), by_peer_id(&[(2, place("b"))].into()));
        assert_eq!(roster.refuses(3), Some(Refusal::Removed { id: 3 }));
    }

    #[test]
    fn a_newcomer_knows_what_it_is_told() {
        let roster = Roster::new(4, BTreeMap::new(), &ClusterState::default(), &[]);
        assert!(!roster.knows(1));
        roster.told([(1, place("a")), (4, place("d"))].into());
        assert!(roster.knows(1) && !roster.knows(4), "it is no peer of its own");
    }

    /// Its vote is needed for that it goes.
    #[test]
    fn after_a_restart_who_leaves_is_known_by_the_metadata_alone() {
        let mut state = ClusterState::default();
        for node_id in [1, 2] {
            add(&mut state, node_id, "h");
        }
        state.apply(&Command::RemoveNode { node_id: 2, directory_id: None }).unwrap();
        let roster = Roster::new(1, BTreeMap::new(), &state, &[raft_id(1), raft_id(2)]);
        assert_eq!(roster.peers(), by_peer_id(&[(2, place("h"))].into()));
        assert!(roster.knows(2) && !roster.does_without(2));
        roster.follow(&state, &[raft_id(1)]);
        assert!(roster.peers().is_empty() && !roster.knows(2) && roster.does_without(2));
        let its_own = Roster::new(2, BTreeMap::new(), &state, &[raft_id(1), raft_id(2)]);
        assert_eq!(its_own.peers(), by_peer_id(&[(1, place("h"))].into()));
    }

    #[test]
    fn nobody_says_that_it_does_without_a_member_of_which_it_does_not_know_where_it_is() {
        let mut state = ClusterState::default();
        add(&mut state, 1, "h");
        state.apply(&Command::RemoveNode { node_id: 2, directory_id: None }).unwrap(); // it has never registered
        let roster = Roster::new(1, BTreeMap::new(), &state, &[raft_id(1), raft_id(2)]);
        assert!(!roster.does_without(2));
    }
}
