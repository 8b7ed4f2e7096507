//! What survives a `kill -9`: members, their assignments, their generation, and every offset that was acknowledged.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::DeleteGroupsRequest;

use crate::member::{Member, QUICK, commit, committed};
use crate::support::raw::Raw;
use crate::support::{Server, wait_for};

#[test]
fn a_member_goes_on_as_if_nothing_had_been() {
    let mut server = Server::with(&QUICK);
    Raw::connect(&server).create_topic("orders", 2, &[]);
    let mut member = Member::alone(&server, "g");
    for offset in 0..20 {
        assert_eq!(member.commit("orders", 0, offset), ErrorCode::NONE);
    }
    server.crash();
    member.raw = Raw::connect(&server);
    assert_eq!(member.committed("orders", 0), 19);
    assert_eq!(member.heartbeat(), ErrorCode::NONE);
    assert_eq!(member.sync(&[]), Ok("all".to_owned()), "it has its assignment still");
    assert_eq!(member.commit("orders", 1, 3), ErrorCode::NONE);
    assert_eq!(server.terminate().code(), Some(0));
    server.restart();
    member.raw = Raw::connect(&server);
    assert_eq!((member.committed("orders", 0), member.committed("orders", 1)), (19, 3));
    assert_eq!(member.heartbeat(), ErrorCode::NONE);
}

#[test]
fn a_member_that_does_not_come_back_is_missed() {
    let mut server = Server::with(&QUICK);
    let mut member = Member::connect(&server, "g");
    member.session_ms = 500;
    member.join();
    let id = member.id.clone();
    member.sync(&[(&id, "x")]).expect("assigned");
    server.crash();
    let mut raw = Raw::connect(&server);
    let delete = DeleteGroupsRequest { groups_names: vec!["g".into()] };
    wait_for("its session to end", || {
        let code = raw.ask(2, &delete).results[0].error_code;
        (code == ErrorCode::NONE).then_some(())
    });
}

#[test]
fn what_was_deleted_stays_deleted() {
    let mut server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    raw.create_topic("gone", 1, &[]);
    for group in ["kept", "deleted"] {
        commit(&mut raw, group, "orders", 0, 5);
        commit(&mut raw, group, "gone", 0, 6);
    }
    let delete = DeleteGroupsRequest { groups_names: vec!["deleted".into()] };
    assert_eq!(raw.ask(2, &delete).results[0].error_code, ErrorCode::NONE);
    assert_eq!(raw.delete_topic("gone"), ErrorCode::NONE);
    server.crash();
    let mut raw = Raw::connect(&server);
    raw.create_topic("gone", 1, &[]);
    assert_eq!(committed(&mut raw, "kept", "orders", 0), 5);
    assert_eq!(committed(&mut raw, "deleted", "orders", 0), -1);
    assert_eq!(committed(&mut raw, "deleted", "gone", 0), -1);
}
