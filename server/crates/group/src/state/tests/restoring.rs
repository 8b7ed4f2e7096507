//! What the log has is what was: a group that is read back goes on.

use super::*;
use crate::replay::Replay;

/// The group that a new coordinator finds.
fn restored(table: &Table) -> Option<Table> {
    let mut replay = Replay::default();
    for Record { key, value } in &table.log {
        replay.record(key, value.as_ref()).expect("as we wrote it");
    }
    let group = replay.finish(table.now_ms).pop()?;
    let mut other = Table::with(table.config.clone());
    (other.group, other.now_ms) = (group, table.now_ms);
    Some(other)
}

fn commit(table: &mut Table, partition: i32, offset: i64) {
    let offset = NewOffset { topic: "t".into(), partition, offset, ..Default::default() };
    let (generation, member) = (table.group.generation(), table.group.leader.clone().unwrap_or_default());
    let generation = if member.is_empty() { -1 } else { generation };
    let commit = Commit {
        member_id: member,
        generation,
        offsets: vec![offset],
        retention_time_ms: -1,
        ..Default::default()
    };
    let token = table.ask(Request::Commit(commit));
    assert_eq!(table.code(token), ErrorCode::NONE);
}

#[test]
fn members_assignments_and_offsets_are_as_they_were() {
    let mut table = Table::stable(&["a", "b"]);
    commit(&mut table, 0, 5);
    commit(&mut table, 0, 6);
    commit(&mut table, 1, 9);
    let mut found = restored(&table).expect("a group");
    assert_eq!(found.group.describe(), table.group.describe());
    assert_eq!(found.group.offsets(), table.group.offsets());
    assert_eq!(found.heartbeat("b", 1), ErrorCode::NONE);
    let synced = found.sync("b", 1, &[]);
    assert_eq!(found.synced(synced).assignment, &b"b"[..]);
    found.pass(i64::from(SESSION_MS) - 1);
    assert_eq!(found.group.member_count(), 2, "they have a whole session");
    found.pass(1_000);
    assert_eq!((found.state(), found.group.member_count()), ("Empty", 0), "and not more");
}

#[test]
fn static_members_and_an_empty_group_come_back_too() {
    let mut table = Table::new();
    table.join(instance("i1", "a"));
    table.sync("a", 1, &[("a", "x")]);
    let mut found = restored(&table).expect("a group");
    let joined = found.join(instance("i1", "a2"));
    assert_eq!((found.joined(joined).member_id.as_str(), found.state()), ("a2", "Stable"));
    let mut again =
        restored(&Table { log: [table.log.clone(), found.log.clone()].concat(), ..table }).expect("a group");
    assert_eq!(again.heartbeat("a", 1), ErrorCode::UNKNOWN_MEMBER_ID, "the new id is what counts");
    assert_eq!(again.heartbeat("a2", 1), ErrorCode::NONE);
    again.log = Vec::new();
    again.leave("a2");
    let empty = restored(&again).expect("a group");
    assert_eq!((empty.state(), empty.group.generation()), ("Empty", 2));
}

#[test]
fn what_was_deleted_stays_deleted() {
    let mut table = Table::new();
    commit(&mut table, 0, 5);
    commit(&mut table, 1, 6);
    let token = table.ask(Request::DeleteOffsets(vec![("t".into(), 0)]));
    assert_eq!(table.code(token), ErrorCode::NONE);
    let found = restored(&table).expect("a group");
    assert_eq!(found.group.offsets().len(), 1);
    table.ask(Request::Delete);
    assert!(restored(&table).is_none());
}

#[test]
fn records_of_later_versions_are_skipped() {
    let mut replay = Replay::default();
    replay
        .record(&Bytes::from_static(b"\x00\x03\x00\x01g"), Some(&Bytes::from_static(b"x")))
        .expect("skipped");
    assert_eq!((replay.skipped(), replay.finish(0).len()), (1, 0));
}
