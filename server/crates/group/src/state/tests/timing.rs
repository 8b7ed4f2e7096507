//! Sessions, heartbeats, and members that go with and without a word.

use super::*;

#[test]
fn a_heartbeat_says_what_to_do() {
    let mut table = Table::stable(&["a", "b"]);
    assert_eq!(table.heartbeat("a", 1), ErrorCode::NONE);
    assert_eq!(table.heartbeat("a", 0), ErrorCode::ILLEGAL_GENERATION);
    assert_eq!(table.heartbeat("x", 1), ErrorCode::UNKNOWN_MEMBER_ID);
    table.join(named("c"));
    assert_eq!(table.heartbeat("a", 1), ErrorCode::REBALANCE_IN_PROGRESS);
    assert_eq!(Table::new().heartbeat("a", 0), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_silent_member_is_removed_when_its_session_ends_and_not_before() {
    let mut table = Table::stable(&["a", "b"]);
    for _ in 0..5 {
        table.pass(i64::from(SESSION_MS) - 1_000);
        assert_eq!(table.heartbeat("a", 1), ErrorCode::NONE);
        assert_eq!(table.heartbeat("b", 1), ErrorCode::NONE);
    }
    table.pass(i64::from(SESSION_MS) - 1);
    table.heartbeat("b", 1);
    assert_eq!((table.state(), table.group.member_count()), ("Stable", 2));
    table.pass(1);
    assert_eq!((table.state(), table.group.member_count()), ("PreparingRebalance", 1));
    let joined = table.join(again("b"));
    assert_eq!((table.joined(joined).generation_id, table.joined(joined).leader.as_str()), (2, "b"));
}

/// redpanda#3300: members that are dead while a rebalance waits for them.
#[test]
fn dead_members_do_not_hold_up_a_rebalance() {
    let mut table = Table::stable(&["a", "b", "c"]);
    let joined = table.join(again("a"));
    table.pass(i64::from(SESSION_MS) + 1); // shorter than the rebalance timeout
    assert_eq!(table.joined(joined).generation_id, 2);
    assert_eq!(table.group.member_count(), 1);
}

#[test]
fn members_that_live_and_do_not_join_are_left_behind_when_the_rebalance_times_out() {
    let mut table = Table::stable(&["a", "b"]);
    let joined = table.join(again("a"));
    for _ in 0..REBALANCE_MS / 5_000 {
        assert_eq!(table.answer(joined), None);
        assert_eq!(table.heartbeat("b", 1), ErrorCode::REBALANCE_IN_PROGRESS);
        table.pass(5_000);
    }
    assert_eq!((table.joined(joined).generation_id, table.group.member_count()), (2, 1));
    assert_eq!(table.heartbeat("b", 1), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn who_waits_for_a_rebalance_is_not_silent() {
    let mut table = Table::stable(&["a", "b"]);
    table.join(again("a"));
    for _ in 0..5 {
        table.pass(i64::from(SESSION_MS) - 1);
        table.heartbeat("b", 1);
    }
    assert_eq!(table.group.member_count(), 2, "a waits, and cannot send heartbeats");
}

#[test]
fn a_client_that_went_while_it_joined_does_not_hold_up_the_others() {
    let mut table = Table::stable(&["a", "b"]);
    let waits = table.join(named("c"));
    table.event(Event::Abandoned(waits));
    let joined = [table.join(again("a")), table.join(again("b"))];
    assert_eq!(table.answer(joined[0]), None, "it may connect again");
    table.pass(i64::from(SESSION_MS) + 1);
    assert_eq!((table.joined(joined[0]).generation_id, table.joined(joined[1]).generation_id), (2, 2));
    assert_eq!(table.group.member_count(), 2);
    assert_eq!(table.answer(waits), None, "nobody is there to be told");
}

#[test]
fn a_client_that_went_while_it_joined_may_come_back() {
    let mut table = Table::stable(&["a", "b"]);
    let waits = table.join(again("a"));
    table.event(Event::Abandoned(waits));
    table.pass(1_000);
    let back = table.join(again("a"));
    table.join(again("b"));
    assert_eq!(table.joined(back).generation_id, 2);
}

#[test]
fn a_client_that_went_while_it_synced_is_silent_from_then_on() {
    let mut table = Table::with(GroupConfig { initial_rebalance_delay_ms: 10, ..GroupConfig::default() });
    table.join(named("a"));
    table.join(named("b"));
    table.pass(100);
    let waits = table.sync("b", 1, &[]);
    table.event(Event::Abandoned(waits));
    table.pass(i64::from(SESSION_MS) - 1_000);
    table.heartbeat("a", 1);
    table.pass(2_000);
    assert_eq!(table.group.member_count(), 1);
}

/// Without KIP-394 nobody can come back for such a member, and no heartbeat can renew it.
#[test]
fn a_new_member_that_waits_for_too_long_is_forgotten() {
    let mut table = Table::stable(&["a"]);
    let patient = |id| Join { rebalance_timeout_ms: 3_600_000, ..again(id) };
    table.join(patient("a"));
    let joined = table.join(again("a"));
    assert_ne!(table.answer(joined), None);
    table.join(Join { rebalance_timeout_ms: 3_600_000, ..named("b") });
    let new = table.next_token - 1;
    for _ in 0..31 {
        table.heartbeat("a", table.group.generation());
        if table.answer(new).is_some() {
            break;
        }
        table.pass(9_999);
    }
    assert_eq!(table.code(new), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn the_last_member_leaves_an_empty_group_behind() {
    let mut table = Table::stable(&["a"]);
    table.disk_is_quick = false;
    let left = table.leave("a");
    assert_eq!((table.state(), table.group.generation()), ("Empty", 2));
    assert_eq!(table.answer(left), None, "not before that is durable");
    table.disk(Ok(()));
    assert_eq!(table.code(left), ErrorCode::NONE);
    assert!(!table.group.is_vacant(), "the log knows of it");
    assert_eq!(table.heartbeat("a", 1), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_group_that_was_never_stored_vanishes_with_its_last_member() {
    let mut table = Table::new();
    let joined = table.join(named("a"));
    assert_eq!(table.code(joined), ErrorCode::NONE);
    let left = table.leave("a");
    assert_eq!(table.code(left), ErrorCode::NONE);
    assert!(table.group.is_vacant() && table.log.is_empty());
}

#[test]
fn who_leaves_is_gone_at_once() {
    let mut table = Table::stable(&["a", "b"]);
    let left = table.leave("b");
    assert_eq!((table.code(left), table.state()), (ErrorCode::NONE, "PreparingRebalance"));
    let left = table.leave("b");
    assert_eq!(table.code(left), ErrorCode::UNKNOWN_MEMBER_ID);
    let joined = table.join(again("a"));
    assert_eq!(table.joined(joined).generation_id, 2);
}

#[test]
fn who_leaves_while_it_joins_learns_that_it_is_no_member() {
    let mut table = Table::stable(&["a", "b", "c"]);
    let waits = table.join(again("b"));
    assert_eq!(table.answer(waits).map(|_| ()), Some(()), "as it was: no rebalance");
    let waits = table.join(again("a"));
    table.leave("a");
    assert_eq!(table.code(waits), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn an_id_that_was_given_out_can_be_given_back() {
    let mut table = Table::new();
    table.join(Join { requires_known_member_id: true, ..named("a") });
    let left = table.leave("a");
    assert_eq!(table.code(left), ErrorCode::NONE);
    assert!(table.group.is_vacant());
}

#[test]
fn a_group_wakes_for_every_member_that_could_die() {
    let mut table = Table::stable(&["a"]);
    assert!(table.group.wake_at_ms() <= table.now_ms + i64::from(SESSION_MS));
    table.heartbeat("a", 1);
    table.pass(i64::from(SESSION_MS) + 1);
    assert_eq!(table.state(), "Empty");
    assert_eq!(table.group.wake_at_ms(), i64::MAX, "and for nothing else");
}
