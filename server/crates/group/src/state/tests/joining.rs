//! Into a group: who may, when, and what the others hear of it.

use super::*;

#[test]
fn the_first_generation_waits_for_more_members_and_not_for_ever() {
    let config = GroupConfig { initial_rebalance_delay_ms: 3_000, ..GroupConfig::default() };
    let mut table = Table::with(config);
    let first = table.join(named("a"));
    assert_eq!(table.state(), "PreparingRebalance");
    table.pass(2_000);
    let second = table.join(named("b"));
    table.pass(1_000); // the first wait is over, and extended, because somebody came
    assert_eq!(table.answer(first), None);
    table.pass(3_000);
    assert_eq!(table.state(), "CompletingRebalance");
    let (first, second) = (table.joined(first), table.joined(second));
    assert_eq!((first.generation_id, second.generation_id), (1, 1));
    assert_eq!((first.leader.as_str(), second.leader.as_str()), ("a", "a"), "who came first leads");
    assert_eq!((first.members.len(), second.members.len()), (2, 0), "only the leader learns the members");
    assert_eq!(first.members[1].metadata, subscription("t"));
    assert_eq!(first.protocol_name.as_deref(), Some("range"));
}

#[test]
fn the_wait_for_more_members_ends_with_the_rebalance_timeout() {
    let config = GroupConfig { initial_rebalance_delay_ms: 3_000, ..GroupConfig::default() };
    let mut table = Table::with(config);
    let first = table.join(Join { rebalance_timeout_ms: 8_000, ..named("0") });
    for number in 1..20 {
        table.pass(1_000);
        if table.answer(first).is_some() {
            assert!((8..=10).contains(&number), "after {number} s");
            return;
        }
        table.join(Join { rebalance_timeout_ms: 8_000, ..named(&number.to_string()) });
    }
    panic!("the wait was extended for ever");
}

#[test]
fn with_kip_394_a_member_comes_back_with_its_id() {
    let mut table = Table::new();
    let asked = table.join(Join { requires_known_member_id: true, ..named("a") });
    assert_eq!(table.code(asked), ErrorCode::MEMBER_ID_REQUIRED);
    assert_eq!(table.joined(asked).member_id, "a");
    assert_eq!(table.state(), "Empty", "nobody is in it yet");
    let joined = table.join(Join { requires_known_member_id: true, ..again("a") });
    assert_eq!(table.code(joined), ErrorCode::NONE);
    assert_eq!(table.group.member_count(), 1);
}

/// redpanda#3898: an id that nobody comes back with.
#[test]
fn an_id_that_was_given_out_expires() {
    let mut table = Table::new();
    table.join(Join { requires_known_member_id: true, ..named("a") });
    table.pass(i64::from(SESSION_MS) + 1);
    assert!(table.group.is_vacant(), "nothing is left");
    let late = table.join(Join { requires_known_member_id: true, ..again("a") });
    assert_eq!(table.code(late), ErrorCode::UNKNOWN_MEMBER_ID);
}

/// redpanda#3300, #3898: a rebalance waits for an id that was given out, and not longer than the id lives.
#[test]
fn an_id_that_was_given_out_does_not_hold_up_a_rebalance_for_ever() {
    let mut table = Table::stable(&["a"]);
    table.join(Join { requires_known_member_id: true, ..named("b") });
    let rejoined = table.join(again("a")); // the leader: a rebalance
    assert_eq!(table.answer(rejoined), None, "b may come");
    table.pass(i64::from(SESSION_MS) + 1);
    assert_eq!(table.joined(rejoined).generation_id, 2);
}

#[test]
fn what_is_not_a_join_is_refused() {
    let cases: [(&str, Join, ErrorCode); 7] = [
        (
            "session too short",
            Join { session_timeout_ms: 5_999, ..named("x") },
            ErrorCode::INVALID_SESSION_TIMEOUT,
        ),
        (
            "session too long",
            Join { session_timeout_ms: 1_800_001, ..named("x") },
            ErrorCode::INVALID_SESSION_TIMEOUT,
        ),
        ("unknown member", again("x"), ErrorCode::UNKNOWN_MEMBER_ID),
        (
            "no protocol type",
            Join { protocol_type: "".into(), ..named("x") },
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
        ),
        (
            "another protocol type",
            Join { protocol_type: "connect".into(), ..named("x") },
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
        ),
        ("no protocols", Join { protocols: vec![], ..named("x") }, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
        (
            "no protocol in common",
            Join { protocols: vec![("sticky".into(), Bytes::new())], ..named("x") },
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
        ),
    ];
    for (name, join, code) in cases {
        let mut table = Table::stable(&["a"]);
        let token = table.join(join);
        assert_eq!(table.code(token), code, "{name}");
        assert_eq!((table.state(), table.group.member_count()), ("Stable", 1), "{name}");
    }
}

#[test]
fn a_group_has_its_size() {
    let config = GroupConfig { max_size: 2, initial_rebalance_delay_ms: 0, ..GroupConfig::default() };
    let mut table = Table::with(config);
    let first = table.join(named("a"));
    assert_eq!(table.joined(first).generation_id, 1);
    table.join(named("b"));
    assert_eq!(table.state(), "PreparingRebalance");
    table.join(again("a"));
    assert_eq!(table.state(), "CompletingRebalance");
    let third = table.join(named("c"));
    assert_eq!(table.code(third), ErrorCode::GROUP_MAX_SIZE_REACHED);
    let member = table.join(again("a"));
    assert_eq!(table.code(member), ErrorCode::NONE, "members may always come back");
}

#[test]
fn members_vote_for_a_protocol_that_all_have() {
    let offers =
        |names: &[&str]| names.iter().map(|name| (Str::from(*name), Bytes::new())).collect::<Vec<_>>();
    let cases: [(&[&[&str]], &str); 4] = [
        (&[&["range", "sticky"], &["sticky", "range"], &["sticky", "range"]], "sticky"),
        (&[&["cooperative-sticky", "range"], &["range"]], "range"), // an upgrade from eager to cooperative
        (&[&["x", "range"], &["y", "range"]], "range"),
        (&[&["b", "a"], &["a", "b"]], "a"),
    ];
    for (members, elected) in cases {
        let mut table = Table::with(GroupConfig { initial_rebalance_delay_ms: 10, ..GroupConfig::default() });
        let mut token = 0;
        for (number, names) in members.iter().enumerate() {
            token = table.join(Join { protocols: offers(names), ..named(&number.to_string()) });
        }
        table.pass(100);
        assert_eq!(table.joined(token).protocol_name.as_deref(), Some(elected), "{members:?}");
    }
}

#[test]
fn a_member_that_joins_again_causes_a_rebalance_only_if_something_has_changed() {
    let changed = |id| Join { protocols: vec![("range".into(), subscription("other"))], ..again(id) };
    let cases = [
        ("a follower as it was", again("b"), "Stable"),
        ("a follower with other wishes", changed("b"), "PreparingRebalance"),
        ("the leader", again("a"), "PreparingRebalance"),
    ];
    for (name, join, state) in cases {
        let mut table = Table::stable(&["a", "b"]);
        let token = table.join(join);
        assert_eq!(table.state(), state, "{name}");
        if state == "Stable" {
            let answer = table.joined(token);
            assert_eq!((answer.generation_id, answer.leader.as_str(), answer.members.len()), (1, "a", 0));
        } else {
            assert_eq!(table.answer(token), None, "{name}: it waits for the others");
        }
    }
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let mut table = Table::with(GroupConfig { initial_rebalance_delay_ms: 10, ..GroupConfig::default() });
    table.join(named("a"));
    table.join(named("b"));
    table.pass(100);
    assert_eq!(table.state(), "CompletingRebalance");
    let (leader, follower) = (table.join(again("a")), table.join(again("b")));
    assert_eq!((table.joined(leader).members.len(), table.joined(follower).members.len()), (2, 0));
    assert_eq!(table.group.generation(), 1);
}

#[test]
fn a_second_join_of_a_member_takes_the_place_of_its_first() {
    let mut table = Table::stable(&["a", "b"]);
    let (first, second) = (table.join(again("a")), table.join(again("a")));
    assert_eq!(table.code(first), ErrorCode::REBALANCE_IN_PROGRESS, "nobody is left without an answer");
    table.join(again("b"));
    assert_eq!(table.joined(second).generation_id, 2);
}

#[test]
fn a_group_that_is_being_deleted_takes_nobody() {
    let mut table = Table::stable(&["a"]);
    table.leave("a");
    table.disk_is_quick = false;
    let deleted = table.ask(Request::Delete);
    let joined = table.join(named("b"));
    assert_eq!(table.code(joined), ErrorCode::COORDINATOR_NOT_AVAILABLE);
    table.disk(Ok(()));
    assert_eq!(table.code(deleted), ErrorCode::NONE);
    assert!(table.group.is_vacant());
}
