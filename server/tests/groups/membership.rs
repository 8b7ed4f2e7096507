//! Members that come, go, and go without a word.

use std::time::{Duration, Instant};

use chronik_kafka::ErrorCode;

use crate::member::{Member, QUICK, commit};
use crate::support::raw::Raw;
use crate::support::{Server, wait_for};

/// Two members of a stable group; the first leads.
fn two(server: &Server, group: &str) -> (Member, Member) {
    let mut first = Member::alone(server, group);
    let mut second = Member::connect(server, group);
    let sent = second.send_join();
    hears_of_a_rebalance(&mut first);
    let joined = first.join();
    assert_eq!((joined.generation_id, joined.members.len()), (2, 2));
    second.receive_join(sent);
    let (a, b) = (first.id.clone(), second.id.clone());
    assert_eq!(first.sync(&[(&a, "a"), (&b, "b")]), Ok("a".to_owned()));
    assert_eq!(second.sync(&[]), Ok("b".to_owned()));
    (first, second)
}

/// Another member's join is on its way, over another connection.
fn hears_of_a_rebalance(member: &mut Member) {
    wait_for("the member to hear of a rebalance", || {
        (member.heartbeat() == ErrorCode::REBALANCE_IN_PROGRESS).then_some(())
    });
}

#[test]
fn a_member_that_leaves_leaves_its_share_to_the_other() {
    let server = Server::with(&QUICK);
    let (mut first, mut second) = two(&server, "g");
    assert_eq!(first.leave(), ErrorCode::NONE);
    assert_eq!(second.heartbeat(), ErrorCode::REBALANCE_IN_PROGRESS);
    let joined = second.join();
    assert_eq!(
        (joined.generation_id, joined.members.len(), joined.leader.as_str()),
        (3, 1, second.id.as_str())
    );
    assert_eq!(first.heartbeat(), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_member_that_dies_is_missed_when_its_session_ends() {
    let server = Server::with(&QUICK);
    let (mut first, mut second) = two(&server, "g");
    second.session_ms = 1_500;
    let sent = second.send_join(); // as it was: nobody notices, but it is known to be impatient from the next join on
    second.receive_join(sent);
    let rejoin = first.send_join();
    hears_of_a_rebalance(&mut second);
    second.join();
    first.receive_join(rejoin);
    first.sync(&[]).expect("assigned");
    second.sync(&[]).expect("assigned");
    drop(second);
    let started = Instant::now();
    wait_for("the rebalance", || {
        std::thread::sleep(Duration::from_millis(20));
        (first.heartbeat() == ErrorCode::REBALANCE_IN_PROGRESS).then_some(())
    });
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    assert_eq!(first.join().members.len(), 1);
}

#[test]
fn a_join_that_waits_holds_up_no_other_connection() {
    let server = Server::with(&QUICK);
    Raw::connect(&server).create_topic("orders", 1, &[]);
    let (mut first, mut second) = two(&server, "g");
    let mut third = Member::connect(&server, "g");
    let sent = third.send_join();
    hears_of_a_rebalance(&mut first);
    assert_eq!(first.commit("orders", 0, 3), ErrorCode::NONE, "before it joins again");
    assert_eq!(commit(&mut Raw::connect(&server), "another", "orders", 0, 1), ErrorCode::NONE);
    let rejoined = first.send_join();
    second.join();
    assert_eq!(first.receive_join(rejoined).generation_id, third.receive_join(sent).generation_id);
}

#[test]
fn a_join_ends_with_its_connection_and_the_others_go_on() {
    let server = Server::with(&QUICK);
    let (mut first, mut second) = two(&server, "g");
    let before = server.connections();
    let mut gone = Member::connect(&server, "g");
    gone.session_ms = 200;
    let _never_received = gone.send_join();
    hears_of_a_rebalance(&mut first);
    drop(gone);
    wait_for("the connection to end", || (server.connections() <= before).then_some(()));
    let sent = first.send_join();
    assert_eq!(
        second.join().error_code,
        ErrorCode::NONE,
        "the one that is gone is not waited for until the rebalance times out"
    );
    assert_eq!(first.receive_join(sent).members.len(), 2);
}

#[test]
fn a_join_does_not_hold_up_a_stop() {
    let mut server = Server::with(&QUICK);
    let (first, second) = two(&server, "g");
    let mut third = Member::connect(&server, "g");
    let sent = third.send_join();
    std::thread::sleep(Duration::from_millis(100)); // it is waiting now
    let started = Instant::now();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(third.receive_join(sent).error_code, ErrorCode::NOT_COORDINATOR, "it is told to look again");
    drop((first, second));
}

#[test]
fn what_is_not_a_join_is_refused() {
    let server = Server::with(&["group.max.size=1"]);
    let mut raw = Raw::connect(&server);
    let member = Member::connect(&server, "g");
    let sound = member.join_request();
    let cases = [
        (
            "no group",
            ErrorCode::INVALID_GROUP_ID,
            chronik_kafka::message::JoinGroupRequest { group_id: "".into(), ..sound.clone() },
        ),
        (
            "a short session",
            ErrorCode::INVALID_SESSION_TIMEOUT,
            chronik_kafka::message::JoinGroupRequest { session_timeout_ms: 5_999, ..sound.clone() },
        ),
        (
            "an unknown member",
            ErrorCode::UNKNOWN_MEMBER_ID,
            chronik_kafka::message::JoinGroupRequest { member_id: "x".into(), ..sound.clone() },
        ),
        (
            "no protocol",
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
            chronik_kafka::message::JoinGroupRequest { protocols: vec![], ..sound.clone() },
        ),
    ];
    for (name, code, request) in cases {
        assert_eq!(raw.ask(9, &request).error_code, code, "{name}");
    }
    let mut huge = sound;
    huge.group_instance_id = Some("i".repeat(32_767).into()); // the longest that there is
    assert_eq!(raw.ask(9, &huge).error_code, ErrorCode::NONE);
}

#[test]
fn a_static_member_starts_again_without_a_rebalance() {
    let server = Server::with(&QUICK);
    let mut first = Member::connect(&server, "g");
    first.instance = Some("one".to_owned());
    assert_eq!(first.join().error_code, ErrorCode::NONE);
    let id = first.id.clone();
    assert_eq!(first.sync(&[(&id, "mine")]), Ok("mine".to_owned()));
    let mut again = Member::connect(&server, "g");
    again.instance = Some("one".to_owned());
    let joined = again.join();
    assert_eq!((joined.error_code, joined.generation_id, joined.skip_assignment), (ErrorCode::NONE, 1, true));
    assert_eq!(again.sync(&[]), Ok("mine".to_owned()));
    assert_eq!(first.heartbeat(), ErrorCode::FENCED_INSTANCE_ID);
    assert_eq!(again.heartbeat(), ErrorCode::NONE);
}
