//! Static members (KIP-345).

use super::*;

/// A stable group of static members `i1` (leader, id `a`) and `i2` (id `b`).
fn stable() -> Table {
    let mut table = Table::with(GroupConfig { initial_rebalance_delay_ms: 10, ..GroupConfig::default() });
    table.join(instance("i1", "a"));
    table.join(instance("i2", "b"));
    table.pass(100);
    table.sync("a", 1, &[("a", "for i1"), ("b", "for i2")]);
    table.sync("b", 1, &[]);
    assert_eq!(table.state(), "Stable");
    table
}

fn heartbeat(table: &mut Table, instance: &str, member: &str) -> ErrorCode {
    let token = table.ask(Request::Heartbeat(HeartbeatRequest {
        generation_id: table.group.generation(),
        member_id: member.into(),
        group_instance_id: Some(instance.into()),
        ..Default::default()
    }));
    table.code(token)
}

#[test]
fn one_that_starts_again_has_its_assignment_and_nobody_notices() {
    let mut table = stable();
    let joined = table.join(instance("i2", "b2"));
    let answer = table.joined(joined);
    assert_eq!(
        (answer.error_code, answer.generation_id, answer.member_id.as_str()),
        (ErrorCode::NONE, 1, "b2")
    );
    assert_eq!(table.state(), "Stable");
    let synced = table.sync("b2", 1, &[]);
    assert_eq!(table.synced(synced).assignment, &b"for i2"[..]);
    assert_eq!(table.heartbeat("a", 1), ErrorCode::NONE);
}

#[test]
fn who_runs_under_the_old_id_is_fenced() {
    let mut table = stable();
    table.join(instance("i2", "b2"));
    assert_eq!(heartbeat(&mut table, "i2", "b"), ErrorCode::FENCED_INSTANCE_ID);
    assert_eq!(heartbeat(&mut table, "i2", "b2"), ErrorCode::NONE);
    assert_eq!(table.heartbeat("b", 1), ErrorCode::UNKNOWN_MEMBER_ID, "without its instance id");
    let join = Join { member_id: "b".into(), ..instance("i2", "x") };
    let token = table.join(join);
    assert_eq!(table.code(token), ErrorCode::FENCED_INSTANCE_ID);
    let commit = Commit {
        member_id: "b".into(),
        group_instance_id: Some("i2".into()),
        generation: 1,
        offsets: vec![NewOffset { topic: "t".into(), ..Default::default() }],
        retention_time_ms: -1,
    };
    let token = table.ask(Request::Commit(commit));
    assert_eq!(table.code(token), ErrorCode::FENCED_INSTANCE_ID);
}

#[test]
fn a_leader_that_starts_again_is_told_of_its_part_only_if_it_can_skip_the_assignment() {
    let mut table = stable();
    let joined = table.join(instance("i1", "a2"));
    let answer = table.joined(joined);
    assert_eq!((answer.leader.as_str(), answer.skip_assignment, answer.members.len()), ("a", false, 0));

    let mut table = stable();
    let joined = table.join(Join { knows_skip_assignment: true, ..instance("i1", "a2") });
    let answer = table.joined(joined);
    assert_eq!((answer.leader.as_str(), answer.skip_assignment, answer.members.len()), ("a2", true, 2));
    let synced = table.sync("a2", 1, &[("a2", "another"), ("b", "another")]);
    assert_eq!(table.synced(synced).assignment, &b"for i1"[..], "the assignment stays");
}

#[test]
fn one_that_wants_something_else_causes_a_rebalance() {
    let mut table = stable();
    let protocols = vec![("sticky".into(), subscription("t")), ("range".into(), subscription("t"))];
    let joined = table.join(Join { protocols, ..instance("i2", "b2") });
    assert_eq!(table.state(), "Stable", "range is what all have: the generation stays");
    assert_eq!(table.joined(joined).generation_id, 1);
}

#[test]
fn the_new_id_is_durable_before_anybody_hears_of_it() {
    let mut table = stable();
    table.disk_is_quick = false;
    let joined = table.join(instance("i2", "b2"));
    assert_eq!(table.answer(joined), None);
    table.disk(Ok(()));
    assert_eq!(table.joined(joined).member_id, "b2");
}

#[test]
fn a_new_id_that_cannot_be_written_is_none() {
    let mut table = stable();
    table.disk_is_quick = false;
    let joined = table.join(instance("i2", "b2"));
    table.disk(Err(AppendError::Unwritable));
    assert_eq!(table.code(joined), ErrorCode::NOT_COORDINATOR);
    assert_eq!(heartbeat(&mut table, "i2", "b"), ErrorCode::NONE, "as if nothing had been");
    assert_eq!(heartbeat(&mut table, "i2", "b2"), ErrorCode::FENCED_INSTANCE_ID);
}

/// apache/kafka#8405: between join and sync the leader assigns to the old id, and the new one would go without.
#[test]
fn one_that_starts_again_before_the_assignment_is_not_left_without_one() {
    let mut table = Table::with(GroupConfig { initial_rebalance_delay_ms: 10, ..GroupConfig::default() });
    table.join(instance("i1", "a"));
    table.join(instance("i2", "b"));
    table.pass(100);
    assert_eq!(table.state(), "CompletingRebalance");
    table.disk_is_quick = false;
    let waiting = table.sync("a", 1, &[("a", "1"), ("b", "2")]); // on its way to the log
    let joined = table.join(instance("i2", "b2"));
    table.disk(Ok(()));
    table.disk_is_quick = true;
    assert_eq!(table.state(), "PreparingRebalance");
    assert_eq!(table.code(waiting), ErrorCode::REBALANCE_IN_PROGRESS);
    let leader = table.join(again_static("i1", "a"));
    assert_eq!((table.joined(joined).generation_id, table.joined(leader).generation_id), (2, 2));
    table.sync("a", 2, &[("a", "1"), ("b2", "2")]);
    let synced = table.sync("b2", 2, &[]);
    assert_eq!(table.synced(synced).assignment, &b"2"[..]);
}

fn again_static(name: &str, id: &str) -> Join {
    Join { member_id: id.into(), ..instance(name, "unused") }
}

#[test]
fn one_that_starts_again_while_it_joins_ends_its_first_join() {
    let mut table = stable();
    table.join(named("c")); // a rebalance
    let first = table.join(again_static("i2", "b"));
    let second = table.join(instance("i2", "b2"));
    assert_eq!(table.code(first), ErrorCode::FENCED_INSTANCE_ID);
    table.join(again_static("i1", "a"));
    assert_eq!(table.joined(second).generation_id, 2);
    assert_eq!(table.group.member_count(), 3);
}

/// It is not removed when it misses a rebalance, but when its session ends.
#[test]
fn one_that_misses_a_rebalance_keeps_its_place_until_its_session_ends() {
    let mut table = stable();
    let quick = |join: Join| Join { rebalance_timeout_ms: 1_000, session_timeout_ms: 30_000, ..join };
    let mut other = Table::with(table.config.clone());
    other.join(quick(instance("i1", "a")));
    other.join(quick(instance("i2", "b")));
    other.pass(100);
    other.sync("a", 1, &[]);
    other.sync("b", 1, &[]);
    let joined = other.join(quick(again_static("i1", "a")));
    other.pass(1_100);
    assert_eq!(other.joined(joined).generation_id, 2);
    assert_eq!(other.group.member_count(), 2, "i2 is still expected");
    table.pass(i64::from(SESSION_MS) + 200);
    assert_eq!(table.group.member_count(), 0, "and not for ever");
}

#[test]
fn an_administrator_removes_one_by_its_name() {
    let mut table = stable();
    let identity = |member: &str, name: &str| MemberIdentity {
        member_id: member.into(),
        group_instance_id: Some(name.into()),
        reason: Some("replaced".into()),
    };
    let members = vec![identity("", "i2"), identity("", "i9"), identity("x", "i1")];
    let token = table.ask(Request::Leave(members));
    let Some(Answer::Leave(answer)) = table.answer(token) else { panic!("no answer") };
    let codes: Vec<ErrorCode> = answer.members.iter().map(|member| member.error_code).collect();
    assert_eq!(
        codes,
        [ErrorCode::NONE, ErrorCode::UNKNOWN_MEMBER_ID, ErrorCode::FENCED_INSTANCE_ID],
        "each for itself"
    );
    assert_eq!((table.state(), table.group.member_count()), ("PreparingRebalance", 1));
}
