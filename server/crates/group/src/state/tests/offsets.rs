//! Committed offsets: who may commit, what is kept, and for how long.

use super::*;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

fn offset(topic: &str, partition: i32, offset: i64) -> NewOffset {
    NewOffset { topic: topic.into(), partition, offset, leader_epoch: 3, metadata: "m".into() }
}

fn by(member: &str, generation: i32, offsets: Vec<NewOffset>) -> Request {
    Request::Commit(Commit {
        member_id: member.into(),
        generation,
        offsets,
        retention_time_ms: -1,
        ..Default::default()
    })
}

fn committed(table: &Table, topic: &str, partition: i32) -> Option<i64> {
    table.group.offsets().get(topic, partition).map(|value| value.offset)
}

#[test]
fn an_offset_counts_once_it_is_durable() {
    let mut table = Table::stable(&["a"]);
    table.disk_is_quick = false;
    let token = table.ask(by("a", 1, vec![offset("t", 0, 5), offset("t", 1, 6)]));
    assert_eq!((table.answer(token), committed(&table, "t", 0)), (None, None));
    table.disk(Ok(()));
    assert_eq!(table.answer(token), Some(&Answer::Each(vec![ErrorCode::NONE; 2])));
    assert_eq!((committed(&table, "t", 0), committed(&table, "t", 1)), (Some(5), Some(6)));
    let value = table.group.offsets().get("t", 0).unwrap();
    assert_eq!(
        (value.leader_epoch, value.metadata.as_str(), value.commit_timestamp_ms),
        (3, "m", table.now_ms)
    );
}

#[test]
fn an_offset_that_cannot_be_written_is_not_committed() {
    let codes = [
        (AppendError::Unwritable, ErrorCode::NOT_COORDINATOR),
        (AppendError::TooLarge, ErrorCode::INVALID_COMMIT_OFFSET_SIZE),
    ];
    for (error, code) in codes {
        let mut table = Table::stable(&["a"]);
        table.disk_is_quick = false;
        let token = table.ask(by("a", 1, vec![offset("t", 0, 5)]));
        table.disk(Err(error));
        assert_eq!((table.code(token), committed(&table, "t", 0)), (code, None));
    }
}

#[test]
fn who_may_commit() {
    let stable = || Table::stable(&["a"]);
    let rebalancing = || {
        let mut table = stable();
        table.join(named("b"));
        table
    };
    let completing = || {
        let mut table = Table::new();
        table.join(named("a"));
        table
    };
    let emptied = || {
        let mut table = stable();
        table.leave("a");
        table
    };
    /// Who commits, where, with which member id and generation, and what comes of it.
    type Case<'a> = (&'a str, &'a dyn Fn() -> Table, (&'a str, i32), ErrorCode);
    let cases: [Case<'_>; 12] = [
        ("a member", &stable, ("a", 1), ErrorCode::NONE),
        ("a member of an old generation", &stable, ("a", 0), ErrorCode::ILLEGAL_GENERATION),
        ("nobody's generation", &stable, ("x", 1), ErrorCode::UNKNOWN_MEMBER_ID),
        ("a consumer beside the group", &stable, ("", -1), ErrorCode::UNKNOWN_MEMBER_ID),
        ("a member without generation", &stable, ("a", -1), ErrorCode::ILLEGAL_GENERATION),
        ("before it joins again", &rebalancing, ("a", 1), ErrorCode::NONE),
        ("between join and sync", &completing, ("a", 1), ErrorCode::REBALANCE_IN_PROGRESS),
        ("an administrator, of a group without members", &emptied, ("", -1), ErrorCode::NONE),
        ("a member that has left", &emptied, ("a", 1), ErrorCode::UNKNOWN_MEMBER_ID),
        ("nobody, of a new group", &Table::new, ("", -1), ErrorCode::NONE),
        ("a member of a group that is not there", &Table::new, ("a", 1), ErrorCode::GROUP_ID_NOT_FOUND),
        ("a name without generation, of a new group", &Table::new, ("a", -1), ErrorCode::NONE),
    ];
    for (name, table, (member, generation), code) in cases {
        let mut table = table();
        let token = table.ask(by(member, generation, vec![offset("t", 0, 5)]));
        assert_eq!(table.code(token), code, "{name}");
        assert_eq!(committed(&table, "t", 0).is_some(), code.is_none(), "{name}");
    }
}

#[test]
fn who_commits_is_alive() {
    let mut table = Table::stable(&["a"]);
    for number in 0..5 {
        table.pass(i64::from(SESSION_MS) - 1);
        table.ask(by("a", 1, vec![offset("t", 0, number)]));
    }
    assert_eq!(table.state(), "Stable");
}

#[test]
fn too_much_metadata_is_refused_and_the_rest_is_not() {
    let mut table = Table::stable(&["a"]);
    let large = NewOffset { metadata: "x".repeat(4_097).into(), ..offset("t", 0, 5) };
    let fits = NewOffset { metadata: "x".repeat(4_096).into(), ..offset("t", 1, 6) };
    let token = table.ask(by("a", 1, vec![large.clone(), fits]));
    let codes = vec![ErrorCode::OFFSET_METADATA_TOO_LARGE, ErrorCode::NONE];
    assert_eq!(table.answer(token), Some(&Answer::Each(codes)));
    assert_eq!((committed(&table, "t", 0), committed(&table, "t", 1)), (None, Some(6)));
    let token = table.ask(by("a", 1, vec![large]));
    assert_eq!(table.code(token), ErrorCode::OFFSET_METADATA_TOO_LARGE);
}

#[test]
fn offsets_of_a_group_without_members_expire() {
    let mut table = Table::stable(&["a"]);
    table.ask(by("a", 1, vec![offset("t", 0, 5)]));
    table.pass(100);
    table.now_ms += 2 * WEEK_MS; // it never stopped reading
    table.event(Event::ExpireOffsets);
    // The clock jumped: its session has ended as well, and the offsets' time begins now.
    assert_eq!((table.state(), committed(&table, "t", 0)), ("Empty", Some(5)));
    table.now_ms += WEEK_MS - 1;
    table.event(Event::ExpireOffsets);
    assert_eq!(committed(&table, "t", 0), Some(5));
    table.now_ms += 1;
    table.event(Event::ExpireOffsets);
    assert!(table.group.is_vacant(), "and the group with them");
    let last = &table.log[table.log.len() - 2..];
    assert!(last.iter().all(|record| record.value.is_none()), "tombstones for offset and group");
}

#[test]
fn offsets_of_consumers_beside_a_group_expire_by_themselves() {
    let mut table = Table::new();
    table.ask(by("", -1, vec![offset("t", 0, 5)]));
    table.now_ms = WEEK_MS / 2;
    table.ask(by("", -1, vec![offset("t", 1, 6)]));
    table.now_ms = WEEK_MS;
    table.event(Event::ExpireOffsets);
    assert_eq!((committed(&table, "t", 0), committed(&table, "t", 1)), (None, Some(6)));
}

#[test]
fn offsets_of_a_topic_that_nobody_reads_any_more_expire_while_the_group_lives() {
    let mut table = Table::stable(&["a"]); // reads "t"
    table.ask(by("a", 1, vec![offset("t", 0, 5), offset("old", 0, 6)]));
    for _ in 0..WEEK_MS / 9_000 + 2 {
        table.pass(9_000);
        table.heartbeat("a", 1);
    }
    table.event(Event::ExpireOffsets);
    assert_eq!((committed(&table, "t", 0), committed(&table, "old", 0)), (Some(5), None));
}

#[test]
fn a_client_may_say_how_long_its_offsets_are_kept() {
    let mut table = Table::new();
    table.ask(Request::Commit(Commit {
        generation: -1,
        offsets: vec![offset("t", 0, 5)],
        retention_time_ms: 1_000,
        ..Default::default()
    }));
    table.now_ms = 999;
    table.event(Event::ExpireOffsets);
    assert_eq!(committed(&table, "t", 0), Some(5));
    table.now_ms = 1_000;
    table.event(Event::ExpireOffsets);
    assert!(table.group.is_vacant());
}

#[test]
fn offsets_of_a_deleted_topic_go_with_it() {
    let mut table = Table::stable(&["a"]);
    table.ask(by("a", 1, vec![offset("t", 0, 5), offset("gone", 0, 6), offset("gone", 1, 7)]));
    table.disk_is_quick = false;
    table.event(Event::TopicsDeleted(["gone".into()].into()));
    assert_eq!(table.group.offsets().len(), 1, "at once");
    table.disk(Ok(()));
    assert_eq!(table.log.iter().filter(|record| record.value.is_none()).count(), 2);
}

#[test]
fn offsets_can_be_deleted_if_nobody_reads_their_topic() {
    let mut table = Table::stable(&["a"]); // reads "t"
    table.ask(by("a", 1, vec![offset("t", 0, 5), offset("old", 0, 6)]));
    let token =
        table.ask(Request::DeleteOffsets(vec![("t".into(), 0), ("old".into(), 0), ("never".into(), 0)]));
    let codes = vec![ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode::NONE, ErrorCode::NONE];
    assert_eq!(table.answer(token), Some(&Answer::Each(codes)));
    assert_eq!((committed(&table, "t", 0), committed(&table, "old", 0)), (Some(5), None));
    table.leave("a");
    let token = table.ask(Request::DeleteOffsets(vec![("t".into(), 0)]));
    assert_eq!((table.code(token), committed(&table, "t", 0)), (ErrorCode::NONE, None));
    let mut nobody = Table::new();
    let token = nobody.ask(Request::DeleteOffsets(vec![("t".into(), 0)]));
    assert_eq!(nobody.code(token), ErrorCode::GROUP_ID_NOT_FOUND);
}

#[test]
fn a_group_is_deleted_only_without_members() {
    let mut table = Table::stable(&["a"]);
    table.ask(by("a", 1, vec![offset("t", 0, 5)]));
    let token = table.ask(Request::Delete);
    assert_eq!(table.code(token), ErrorCode::NON_EMPTY_GROUP);
    table.leave("a");
    let token = table.ask(Request::Delete);
    assert_eq!(table.code(token), ErrorCode::NONE);
    assert!(table.group.is_vacant());
    let token = table.ask(Request::Delete);
    assert_eq!(table.code(token), ErrorCode::GROUP_ID_NOT_FOUND);
}

#[test]
fn a_group_that_cannot_be_deleted_lives_on() {
    let mut table = Table::new();
    table.ask(by("", -1, vec![offset("t", 0, 5)]));
    table.disk_is_quick = false;
    let token = table.ask(Request::Delete);
    table.disk(Err(AppendError::Unwritable));
    assert_eq!((table.code(token), table.state()), (ErrorCode::NOT_COORDINATOR, "Empty"));
    assert_eq!(committed(&table, "t", 0), Some(5));
}
