//! From a generation to its assignment, which is durable before anybody acts on it.

use super::*;

fn completing(members: &[&'static str]) -> Table {
    let mut table = Table::with(GroupConfig { initial_rebalance_delay_ms: 10, ..GroupConfig::default() });
    for id in members {
        table.join(named(id));
    }
    table.pass(100);
    assert_eq!(table.state(), "CompletingRebalance");
    table
}

#[test]
fn nobody_has_an_assignment_before_it_is_durable() {
    let mut table = completing(&["a", "b"]);
    table.disk_is_quick = false;
    let follower = table.sync("b", 1, &[]);
    let leader = table.sync("a", 1, &[("a", "for a"), ("b", "for b")]);
    assert_eq!((table.answer(leader), table.answer(follower)), (None, None));
    assert_eq!(table.heartbeat("a", 1), ErrorCode::NONE, "heartbeats do not wait for the disk");
    table.disk(Ok(()));
    assert_eq!(table.synced(leader).assignment, &b"for a"[..]);
    assert_eq!(table.synced(follower).assignment, &b"for b"[..]);
    assert_eq!(table.synced(follower).protocol_name.as_deref(), Some("range"));
    assert_eq!(table.state(), "Stable");
    let late = table.sync("b", 1, &[]);
    assert_eq!(table.synced(late).assignment, &b"for b"[..], "asked for again");
}

#[test]
fn an_assignment_that_cannot_be_written_is_none() {
    let codes = [
        (AppendError::Busy, ErrorCode::COORDINATOR_NOT_AVAILABLE),
        (AppendError::Unwritable, ErrorCode::NOT_COORDINATOR),
        (AppendError::TooLarge, ErrorCode::UNKNOWN_SERVER_ERROR),
    ];
    for (error, code) in codes {
        let mut table = completing(&["a", "b"]);
        table.disk_is_quick = false;
        let (follower, leader) = (table.sync("b", 1, &[]), table.sync("a", 1, &[("a", "x")]));
        table.disk(Err(error));
        assert_eq!((table.code(leader), table.code(follower)), (code, code));
        assert_eq!(table.state(), "PreparingRebalance", "they try again");
    }
}

#[test]
fn an_assignment_for_a_generation_that_is_over_changes_nothing() {
    let mut table = completing(&["a", "b"]);
    table.disk_is_quick = false;
    let leader = table.sync("a", 1, &[("a", "old"), ("b", "old")]);
    table.join(named("c"));
    assert_eq!(table.code(leader), ErrorCode::REBALANCE_IN_PROGRESS);
    table.join(again("a"));
    table.join(again("b"));
    assert_eq!((table.state(), table.group.generation()), ("CompletingRebalance", 2));
    table.disk(Ok(()));
    assert_eq!(table.state(), "CompletingRebalance", "generation 2 has no assignment yet");
    table.disk_is_quick = true;
    let leader = table.sync("a", 2, &[("a", "new")]);
    assert_eq!(table.synced(leader).assignment, &b"new"[..]);
}

#[test]
fn what_is_not_a_sync_is_refused() {
    let sync = |member: &str, generation_id| SyncGroupRequest {
        member_id: member.into(),
        generation_id,
        ..Default::default()
    };
    let with_instance = SyncGroupRequest { group_instance_id: Some("i".into()), ..sync("a", 1) };
    let other_type = SyncGroupRequest { protocol_type: Some("connect".into()), ..sync("a", 1) };
    let other_protocol = SyncGroupRequest { protocol_name: Some("sticky".into()), ..sync("a", 1) };
    let cases = [
        ("no member", sync("x", 1), ErrorCode::UNKNOWN_MEMBER_ID),
        ("an instance that nobody knows", with_instance, ErrorCode::UNKNOWN_MEMBER_ID),
        ("an old generation", sync("a", 0), ErrorCode::ILLEGAL_GENERATION),
        ("a generation to come", sync("a", 2), ErrorCode::ILLEGAL_GENERATION),
        ("another type", other_type, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
        ("another protocol", other_protocol, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
    ];
    for (name, request, code) in cases {
        let mut table = completing(&["a", "b"]);
        let token = table.ask(Request::Sync(request));
        assert_eq!(table.code(token), code, "{name}");
    }
    let mut table = Table::stable(&["a", "b"]);
    table.join(named("c"));
    let token = table.sync("b", 1, &[]);
    assert_eq!(table.code(token), ErrorCode::REBALANCE_IN_PROGRESS);
    let token = Table::new().sync("a", 1, &[]);
    assert_eq!(token, 0);
}

#[test]
fn a_rebalance_ends_the_syncs_that_wait() {
    let mut table = completing(&["a", "b"]);
    let follower = table.sync("b", 1, &[]);
    table.join(named("c"));
    assert_eq!(table.code(follower), ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(table.state(), "PreparingRebalance");
}

#[test]
fn a_leader_that_syncs_twice_writes_once() {
    let mut table = completing(&["a"]);
    table.disk_is_quick = false;
    let first = table.sync("a", 1, &[("a", "1")]);
    let second = table.sync("a", 1, &[("a", "2")]);
    assert_eq!(table.under_way.len(), 1);
    assert_eq!(table.code(first), ErrorCode::REBALANCE_IN_PROGRESS);
    table.disk(Ok(()));
    assert_eq!(table.synced(second).assignment, &b"1"[..], "what is durable");
}

#[test]
fn who_joins_and_never_syncs_is_removed() {
    let mut table = completing(&["a", "b"]);
    table.sync("a", 1, &[("a", "x")]);
    for _ in 0..9 {
        table.pass(i64::from(REBALANCE_MS) / 10);
        table.heartbeat("a", 1);
        table.heartbeat("b", 1); // it lives, and keeps its partitions from the others
    }
    assert_eq!(table.state(), "Stable");
    table.pass(i64::from(REBALANCE_MS) / 10 + 200);
    assert_eq!(table.state(), "PreparingRebalance");
    assert_eq!(table.heartbeat("b", 1), ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(table.heartbeat("a", 1), ErrorCode::REBALANCE_IN_PROGRESS);
}

#[test]
fn members_are_described_with_what_they_have_once_they_have_it() {
    let table = completing(&["a", "b"]);
    let described = table.group.describe();
    assert_eq!(
        (described.group_state.as_str(), described.protocol_data.as_str()),
        ("CompletingRebalance", "")
    );
    assert!(described.members.iter().all(|member| member.member_metadata.is_empty()));
    let described = Table::stable(&["a", "b"]).group.describe();
    assert_eq!((described.group_state.as_str(), described.protocol_data.as_str()), ("Stable", "range"));
    assert_eq!(described.members[1].member_assignment, &b"b"[..]);
    assert_eq!(described.members[1].member_metadata, subscription("t"));
    assert_eq!(described.members[1].client_host, "/127.0.0.1");
    let listed = Table::stable(&["a"]).group.list();
    assert_eq!((listed.group_state.as_str(), listed.group_type.as_str()), ("Stable", "classic"));
}
