//! What comes from other nodes, and changes of membership.

use raft::eraftpb::{
    ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2, Entry, Message, MessageType,
    Snapshot,
};
use raft::prelude::ConfState;

use concurrency_models::raft_loop::Event;

pub(crate) use crate::group::message;

pub(crate) fn entry(index: u64, data: Vec<u8>) -> Entry {
    Entry { index, term: 2, data: data.into(), ..Entry::default() }
}

/// An entry of a change, as it stands in the log.
pub(crate) fn change_entry(index: u64, change: &ConfChangeV2) -> Entry {
    let mut entry = entry(index, protobuf::Message::write_to_bytes(change).expect("it can be encoded"));
    entry.set_entry_type(raft::eraftpb::EntryType::EntryConfChangeV2);
    entry
}

/// From leader 2: these entries, which follow what the log has, and what is committed.
pub(crate) fn append_entries(entries: Vec<Entry>, commit: u64) -> Message {
    let mut append = message(MessageType::MsgAppend);
    append.index = entries.first().map_or(0, |first| first.index - 1);
    append.log_term = if append.index == 0 { 0 } else { append.term };
    append.commit = commit;
    append.set_entries(entries.into());
    append
}

/// From leader 2: entries `1..=last` in term 2.
pub(crate) fn append(last: u64) -> Message {
    append_entries((1..=last).map(|index| entry(index, vec![1])).collect(), 0)
}

/// From leader 2: its state as of `index`, in term 2.
pub(crate) fn snapshot(index: u64, voters: &[u64]) -> Message {
    let mut snapshot = Snapshot { data: vec![9].into(), ..Snapshot::default() };
    let metadata = snapshot.mut_metadata();
    (metadata.index, metadata.term) = (index, 2);
    metadata.set_conf_state(ConfState { voters: voters.to_vec(), ..ConfState::default() });
    let mut message = message(MessageType::MsgSnapshot);
    message.set_snapshot(snapshot);
    message
}

/// Its arrival.
pub(crate) fn arrives(message: Message) -> Event {
    Event::Message(Box::new(message))
}

/// A change of one node or of several; joint, and left by itself, if it is of several.
pub(crate) fn change<const N: usize>(changes: [(ConfChangeType, u64); N]) -> ConfChangeV2 {
    let singles = changes.map(|(kind, node_id)| {
        let mut single = ConfChangeSingle::default();
        single.set_change_type(kind);
        single.node_id = node_id;
        single
    });
    let mut change = ConfChangeV2::default();
    change.set_changes(singles.to_vec().into());
    change
}

/// The same, joint until it is left explicitly.
pub(crate) fn joint<const N: usize>(changes: [(ConfChangeType, u64); N]) -> ConfChangeV2 {
    let mut change = change(changes);
    change.set_transition(ConfChangeTransition::Explicit);
    change
}
