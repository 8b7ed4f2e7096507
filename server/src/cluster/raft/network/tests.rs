//! What a node takes from another one.

use std::collections::{BTreeMap, BTreeSet};

use chronik_log::PartitionId;
use futures_util::future::BoxFuture;
use protobuf::ProtobufEnum as _;
use raft::eraftpb::{ConfChange, ConfChangeType, Entry, EntryType};

use super::super::{Events, events};
use super::*;
use crate::cluster::{ClusterState, Command, Endpoint};
use crate::storage::StorageError;

/// No partitions.
struct NoReplicas;

impl Replicas for NoReplicas {
    fn take_up<'a>(
        &'a self,
        _next: &'a ClusterState,
        _concerned: &'a BTreeSet<PartitionId>,
    ) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
    }
    fn heartbeat(&self, _from: i32, _bytes: Bytes) {}
    fn data(&self, _from: i32, _bytes: Bytes) {}
    fn connected(&self, _node: i32) {}
    fn lost(&self, _node: i32) {}
}

/// Node 1, which knows node 2, and that node 3 was removed; these are members of Raft.
fn node(members: &[i32]) -> (FromMembers, Events) {
    let mut state = ClusterState::default();
    for node_id in [1, 2, 3] {
        let endpoint = Endpoint { host: "h".into(), port: 1 };
        state.apply(&Command::AddNode { node_id, directory_id: Uuid::nil(), endpoint }).unwrap();
    }
    state.apply(&Command::RemoveNode { node_id: 3, directory_id: None }).unwrap();
    let members: Vec<u64> = members.iter().map(|id| raft_id(*id)).collect();
    let roster = Roster::new(1, BTreeMap::new(), &state, &members);
    let events = events();
    let from =
        FromMembers { events: events.0.clone(), replicas: Arc::new(NoReplicas), roster, standing: None };
    (from, events)
}

fn sent(kind: MessageType, from: i32, entries: Vec<Entry>) -> Bytes {
    let mut message = Message { from: raft_id(from), entries: entries.into(), ..Message::default() };
    message.set_msg_type(kind);
    message.write_to_bytes().unwrap().into()
}

#[test]
fn only_what_members_send_each_other_comes_to_raft() {
    let (node, (_, mut inbox)) = node(&[1, 2]);
    let mut taken = Vec::new();
    for kind in MessageType::values() {
        node.raft(peer_id(2), sent(*kind, 2, Vec::new()));
        taken.extend(inbox.try_recv().map(|_| *kind));
    }
    let expected: Vec<_> = MessageType::values().iter().copied().filter(|kind| members_send(*kind)).collect();
    assert_eq!((&taken, taken.len()), (&expected, 10));
}

#[test]
fn another_node_proposes_no_entry_by_the_back_door() {
    let (node, (_, mut inbox)) = node(&[1, 2]);
    let mut change = ConfChange { node_id: raft_id(4), ..ConfChange::default() };
    change.set_change_type(ConfChangeType::AddNode);
    let data = change.write_to_bytes().unwrap().into();
    let mut entry = Entry { data, ..Entry::default() };
    entry.set_entry_type(EntryType::EntryConfChange);
    for entries in [Vec::new(), vec![Entry::default()], vec![entry]] {
        node.raft(peer_id(2), sent(MessageType::MsgPropose, 2, entries));
        assert!(inbox.try_recv().is_none());
    }
    node.raft(peer_id(2), sent(MessageType::MsgHeartbeat, 1, Vec::new()));
    assert!(inbox.try_recv().is_none(), "in the name of another one");
}

fn hello(node_id: i32, purpose: Purpose) -> Hello {
    let (node_id, cluster_id) = (peer_id(node_id), Uuid::nil());
    Hello { cluster_id, node_id, to: 1, incarnation: 1, purpose, features: 0 }
}

#[tokio::test]
async fn who_was_removed_is_told_so_when_it_asks_and_heard_in_nothing_else() {
    for (members, is_needed) in [(&[1, 2, 3][..], true), (&[1, 2], false)] {
        let (node, (_, mut inbox)) = node(members);
        assert_eq!(node.refuses(&hello(3, Purpose::Control)), None);
        assert_eq!(node.refuses(&hello(3, Purpose::Data)).is_none(), is_needed);
        assert!(node.refuses(&hello(4, Purpose::Control)).is_some());
        node.raft(peer_id(3), sent(MessageType::MsgRequestVote, 3, Vec::new()));
        assert_eq!(inbox.try_recv().is_some(), is_needed);
        let answer = node.request(peer_id(3), DO_WITHOUT_ME, Bytes::new()).await.unwrap();
        assert_eq!(serde_json::from_slice::<bool>(&answer).unwrap(), !is_needed);
    }
}
