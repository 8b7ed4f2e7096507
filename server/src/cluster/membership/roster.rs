//! Whom this node dials, and whom it listens to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use concurrency_models::image::Image;

use super::super::raft::{Node, peer_id, raft_id};
use super::super::state::ClusterState;
use crate::clock::Clock;
use crate::config::HostPort;
use crate::limits;
use crate::peer::hello::Refusal;
use crate::peer::{NodeId, Peers};
use crate::shutdown::Shutdown;
use crate::telemetry::Pulse;

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
    removed: BTreeSet<i32>,
}

impl Roster {
    /// Of node `own`, which knows these nodes beforehand, and the metadata as far as it has it.
    pub(in super::super) fn new(own: i32, beforehand: BTreeMap<i32, HostPort>, state: &ClusterState) -> Self {
        let inner = Inner { own, beforehand: Image::new(beforehand), known: Image::new(Known::default()) };
        let roster = Self(Arc::new(inner));
        roster.follow(state, &[]);
        roster
    }

    /// Where the nodes of the cluster are, as one of them says.
    pub(in super::super) fn told(&self, nodes: BTreeMap<i32, HostPort>) {
        self.0.beforehand.replace(nodes);
        self.follow(&ClusterState::default(), &[]);
    }

    /// Takes up what the metadata says. Who was removed and is still a member of Raft hears that it was, so it stays known until it is none. Returns whether
    /// anything is new.
    pub(in super::super) fn follow(&self, state: &ClusterState, members: &[u64]) -> bool {
        let before = self.0.known.load();
        let leaves = |id: i32| state.was_removed(id) && members.contains(&raft_id(id));
        let mut others = self.others(state);
        others.extend(
            before.others.iter().filter(|(id, _)| leaves(**id)).map(|(id, place)| (*id, place.clone())),
        );
        let removed = state.removed().filter(|id| !others.contains_key(id)).collect();
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

/// The task that dials whoever comes, and nobody who has gone.
pub(in super::super) struct Contacts {
    pub(in super::super) roster: Roster,
    pub(in super::super) control: Peers,
    /// What is applied here.
    pub(in super::super) committed: Arc<Image<ClusterState>>,
    pub(in super::super) raft: Node,
    pub(in super::super) clock: Clock,
    /// Requested when this node was removed and is not needed any more.
    pub(in super::super) gone: Shutdown,
}

impl Contacts {
    /// Runs until the Raft loop has ended.
    pub(in super::super) async fn run(self, pulse: Pulse) {
        loop {
            let seen = self.committed.version();
            let state = self.committed.load();
            let membership = self.raft.membership();
            let members = [membership.voters, membership.learners].concat();
            pulse.beat();
            if self.roster.follow(&state, &members) {
                self.control.set(&self.roster.peers());
            }
            let own = self.roster.0.own;
            let nobody_leads = self.raft.leadership().load().leader_id == 0;
            if state.was_removed(own) && (nobody_leads || !members.contains(&raft_id(own))) {
                self.gone.request(); // the others do without its vote
            }
            let somebody_leaves = state.removed().any(|id| members.contains(&raft_id(id)));
            pulse.idle();
            tokio::select! {
                biased;
                changed = self.committed.at_least(seen + 1) => if changed.is_err() { return },
                () = self.clock.sleep(limits::MEMBERSHIP_INTERVAL), if somebody_leaves => {}
            }
        }
    }
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
        let roster = Roster::new(1, beforehand, &state);
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
        let roster = Roster::new(4, BTreeMap::new(), &ClusterState::default());
        assert!(!roster.knows(1));
        roster.told([(1, place("a")), (4, place("d"))].into());
        assert!(roster.knows(1) && !roster.knows(4), "it is no peer of its own");
    }
}
