//! The coordinator alone: a journal that is as slow as the test wants, a clock that it sets, and one thread that polls.
#![cfg(not(any(loom, shuttle)))]

mod leadership;
mod world;

use bytes::Bytes;
use chronik_group::coordinator::Message;
use chronik_group::state::{Answer, AppendError, Commit, Join, NewOffset, Request};
use chronik_group::{Ask, GroupConfig, Reply};
use chronik_kafka::message::sync_group::SyncGroupRequestAssignment;
use chronik_kafka::message::{HeartbeatRequest, SyncGroupRequest};
use chronik_kafka::{ErrorCode, Str};
use world::{Waits, World};

fn join(member_id: &str) -> Request {
    Request::Join(Box::new(Join {
        member_id: member_id.into(),
        client_id: "client".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::new())],
        ..Default::default()
    }))
}

fn sync(member: &Str, generation_id: i32) -> Request {
    Request::Sync(SyncGroupRequest {
        generation_id,
        member_id: member.clone(),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: member.clone(),
            assignment: Bytes::from_static(b"all"),
        }],
        ..Default::default()
    })
}

fn heartbeat(member: &Str, generation_id: i32) -> Request {
    Request::Heartbeat(HeartbeatRequest { generation_id, member_id: member.clone(), ..Default::default() })
}

fn commit(offset: i64) -> Request {
    let offsets = vec![NewOffset { topic: "t".into(), offset, ..Default::default() }];
    Request::Commit(Commit { generation: -1, offsets, retention_time_ms: -1, ..Default::default() })
}

/// Member id and generation of a join that was answered.
fn joined(reply: Option<Reply>) -> (Str, i32) {
    match reply {
        Some(Reply::Group(Answer::Join(response))) => {
            assert_eq!(response.error_code, ErrorCode::NONE);
            (response.member_id, response.generation_id)
        }
        other => panic!("a join has no answer: {other:?}"),
    }
}

fn code(reply: Option<Reply>) -> ErrorCode {
    match reply {
        Some(Reply::Group(Answer::Code(code)) | Reply::NotNow(code)) => code,
        Some(Reply::Group(Answer::Each(codes))) => codes[0],
        Some(Reply::Group(Answer::Sync(response))) => response.error_code,
        other => panic!("no answer: {other:?}"),
    }
}

fn world() -> World {
    let world = World::new(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() });
    world.lead_all(50);
    world
}

/// A stable group of one member.
fn stable(world: &mut World, group: &str) -> (Str, i32) {
    let (member, generation) = joined(world.ask_now(group, join("")));
    let synced = world.ask(group, sync(&member, generation));
    world.journal(Ok(()));
    assert_eq!(code(world.reply(synced)), ErrorCode::NONE);
    (member, generation)
}

/// N5: the rebalance completes in the very step in which the last member joins, and everyone hears of it.
#[test]
fn every_join_is_answered() {
    let mut world = world();
    let (first, _) = joined(world.ask_now("g", join("")));
    let mut waiting: Vec<Waits> = (0..10).map(|_| world.ask("g", join(""))).collect();
    waiting.push(world.ask("g", join(&first)));
    for waits in waiting {
        let (_, generation) = joined(world.reply(waits));
        assert_eq!(generation, 2);
    }
}

/// N6: a disk that is stuck is stuck for those who need it.
#[test]
fn heartbeats_go_on_while_an_append_is_stuck() {
    let mut world = world();
    let (member, generation) = stable(&mut world, "healthy");
    let mut stuck = world.ask("stuck", commit(5));
    for _ in 0..3 {
        assert_eq!(code(world.ask_now("healthy", heartbeat(&member, generation))), ErrorCode::NONE);
        world.pass(5_000);
    }
    let (other, generation) = joined(world.ask_now("stuck-2", join("")));
    let mut waits = world.ask("stuck-2", sync(&other, generation));
    assert_eq!(
        code(world.ask_now("stuck-2", heartbeat(&other, generation))),
        ErrorCode::NONE,
        "of the same group"
    );
    let acknowledged = world.is_answered(&mut stuck) || world.is_answered(&mut waits);
    assert!(!acknowledged, "nothing is acknowledged before it is durable");
    world.journal(Ok(()));
    assert_eq!(code(world.reply(stuck)), ErrorCode::NONE);
    assert_eq!(code(world.reply(waits)), ErrorCode::NONE);
}

#[test]
fn a_journal_that_takes_nothing_is_an_answer() {
    let mut world = world();
    world.refuse(Some(AppendError::Busy));
    assert_eq!(code(world.ask_now("g", commit(5))), ErrorCode::COORDINATOR_NOT_AVAILABLE);
    world.refuse(None);
    let waits = world.ask("g", commit(5));
    world.journal(Err(AppendError::Unwritable));
    assert_eq!(code(world.reply(waits)), ErrorCode::NOT_COORDINATOR);
}

#[test]
fn records_go_to_the_partition_of_their_group() {
    let mut world = world();
    world.ask("hello", commit(5));
    let journaled: Vec<_> =
        world.journaled().into_iter().map(|(partition, ticket)| (partition, ticket.leader_epoch)).collect();
    assert_eq!(journaled, [(22, 0)]);
}

#[test]
fn sessions_end_by_the_clock() {
    let mut world = world();
    let (member, generation) = stable(&mut world, "g");
    world.pass(10_001);
    world.journal(Ok(()));
    assert_eq!(code(world.ask_now("g", heartbeat(&member, generation))), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_join_whose_client_is_gone_holds_up_nobody() {
    let mut world = world();
    let (first, _) = stable(&mut world, "g");
    let gone = world.ask("g", join(""));
    let waits = world.ask("g", join("")); // a third
    drop(gone);
    world.tell(Message::Abandoned("g".into()));
    let mut rejoined = world.ask("g", join(&first));
    assert!(!world.is_answered(&mut rejoined), "it may come back");
    world.pass(10_001);
    assert_eq!(joined(world.reply(rejoined)).1, 2);
    assert_eq!(joined(world.reply(waits)).1, 2);
}

#[test]
fn nothing_is_served_before_it_is_loaded() {
    let mut world = World::new(GroupConfig::default());
    assert_eq!(code(world.ask_now("hello", join(""))), ErrorCode::COORDINATOR_NOT_AVAILABLE);
    world.tell(Message::Opened { partition_count: 50 });
    assert_eq!(code(world.ask_now("hello", join(""))), ErrorCode::NOT_COORDINATOR, "others lead");
    world.tell(Message::Leads { partition: 22, leader_epoch: 3 });
    assert_eq!(code(world.ask_now("hello", join(""))), ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    let asked = world.ask_offsets("hello");
    assert_eq!(code(asked), ErrorCode::COORDINATOR_LOAD_IN_PROGRESS, "not: there is none");
    world.load(22, 3);
    assert!(matches!(world.ask_offsets("hello"), Some(Reply::Offsets(_))));
}

#[test]
fn a_coordinator_that_closes_leaves_nobody_waiting() {
    let mut world = world();
    stable(&mut world, "g");
    let waits = world.ask("g", join(""));
    let stuck = world.ask("other", commit(1));
    world.tell(Message::Close);
    assert_eq!(code(world.reply(waits)), ErrorCode::NOT_COORDINATOR);
    assert_eq!(code(world.reply(stuck)), ErrorCode::NOT_COORDINATOR);
    assert!(world.has_ended());
}

#[test]
fn groups_that_are_gone_take_no_memory() {
    let mut world = world();
    for number in 0..1_000 {
        let group = format!("group-{number}");
        let request = world.ask_now(&group, heartbeat(&"nobody".into(), 1));
        assert_eq!(code(request), ErrorCode::UNKNOWN_MEMBER_ID);
        let (member, _) = joined(world.ask_now(&group, join("")));
        world.pass(1);
        assert_eq!(world.overview().groups.len(), 1);
        let left =
            chronik_kafka::message::leave_group::MemberIdentity { member_id: member, ..Default::default() };
        world.ask_now(&group, Request::Leave(vec![left])).expect("answered");
        assert_eq!(world.overview().groups.len(), 0);
    }
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let mut world = world();
    stable(&mut world, "a");
    world.ask("b", commit(1));
    world.journal(Ok(()));
    let mut list = |states: &[&str], types: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| Str::from(*name)).collect();
        let listed = world.ask_any(Ask::List { states: names(states), types: names(types) });
        let Some(Reply::Listed(response)) = listed else { panic!("no answer") };
        response.groups.iter().map(|group| group.group_id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(&[], &[]), ["a", "b"]);
    assert_eq!(list(&["stable"], &[]), ["a"]);
    assert_eq!(list(&["Empty", "Dead"], &["Classic"]), ["b"]);
    assert_eq!(list(&[], &["consumer"]), [""; 0]);
}

#[test]
fn a_group_that_is_not_there_is_described_as_dead() {
    let mut world = world();
    stable(&mut world, "a");
    let described = world.ask_any(Ask::Describe(vec!["x".into(), "a".into()]));
    let Some(Reply::Described(response)) = described else { panic!("no answer") };
    let groups: Vec<_> = response.groups.iter().map(|g| (g.error_code, g.group_state.as_str())).collect();
    assert_eq!(groups, [(ErrorCode::GROUP_ID_NOT_FOUND, "Dead"), (ErrorCode::NONE, "Stable")]);
}
