//! Offsets over the wire: what cannot be committed, and what is deleted with what.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::offset_delete::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use chronik_kafka::message::offset_fetch::OffsetFetchRequestGroup;
use chronik_kafka::message::{OffsetDeleteRequest, OffsetFetchRequest};

use crate::member::{Member, QUICK, commit, commit_request, committed};
use crate::support::Server;
use crate::support::raw::Raw;

/// Topic, partition and offset of all that a group has committed.
fn all(raw: &mut Raw, group: &str) -> Vec<(String, i32, i64)> {
    let group = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    let answer = raw.ask(9, &OffsetFetchRequest { groups: vec![group], ..Default::default() });
    let topics = answer.groups[0].topics.iter();
    topics
        .flat_map(|topic| {
            topic.partitions.iter().map(|p| (topic.name.to_string(), p.partition_index, p.committed_offset))
        })
        .collect()
}

#[test]
fn what_cannot_be_committed_is_named_and_the_rest_is_committed() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 2, &[]);
    let mut request = commit_request("orders", 0, 1);
    request.group_id = "g".into();
    for partition in [1, 2, -1] {
        request.topics[0]
            .partitions
            .push(commit_request("", partition, 2).topics.remove(0).partitions.remove(0));
    }
    request.topics[0].partitions[1].committed_metadata = Some("x".repeat(4_097).into());
    request.topics.push(commit_request("unknown", 0, 3).topics.remove(0));
    let answer = raw.ask(9, &request);
    let codes: Vec<ErrorCode> =
        answer.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code).collect();
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(codes, [ErrorCode::NONE, ErrorCode::OFFSET_METADATA_TOO_LARGE, unknown, unknown, unknown]);
    assert_eq!(all(&mut raw, "g"), [("orders".to_owned(), 0, 1)]);
}

#[test]
fn a_member_commits_for_its_generation_only() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    let mut member = Member::alone(&server, "g");
    assert_eq!(member.commit("orders", 0, 5), ErrorCode::NONE);
    assert_eq!(
        commit(&mut raw, "g", "orders", 0, 9),
        ErrorCode::UNKNOWN_MEMBER_ID,
        "somebody beside the group"
    );
    member.generation += 1;
    assert_eq!(member.commit("orders", 0, 9), ErrorCode::ILLEGAL_GENERATION);
    assert_eq!(member.committed("orders", 0), 5);
    assert_eq!(committed(&mut raw, "never", "orders", 0), -1, "of a group that nobody knows");
}

#[test]
fn offsets_are_deleted_with_their_topic_and_by_hand() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    for topic in ["orders", "gone", "old"] {
        raw.create_topic(topic, 1, &[]);
        assert_eq!(commit(&mut raw, "g", topic, 0, 7), ErrorCode::NONE);
    }
    assert_eq!(raw.delete_topic("gone"), ErrorCode::NONE);
    assert_eq!(all(&mut raw, "g"), [("old".to_owned(), 0, 7), ("orders".to_owned(), 0, 7)]);
    let mut member = Member::alone(&server, "g"); // reads "orders"
    let topic = |name: &str, partition_index| OffsetDeleteRequestTopic {
        name: name.into(),
        partitions: vec![OffsetDeleteRequestPartition { partition_index }],
    };
    let topics = vec![topic("orders", 0), topic("old", 0), topic("old", 9)];
    let answer = raw.ask(0, &OffsetDeleteRequest { group_id: "g".into(), topics });
    let codes: Vec<ErrorCode> = answer.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
    let expected =
        [ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION];
    assert_eq!((answer.error_code, codes), (ErrorCode::NONE, expected.to_vec()));
    assert_eq!(all(&mut raw, "g"), [("orders".to_owned(), 0, 7)]);
    assert_eq!(member.leave(), ErrorCode::NONE);
    let nobody = OffsetDeleteRequest { group_id: "nobody".into(), topics: vec![topic("orders", 0)] };
    assert_eq!(raw.ask(0, &nobody).error_code, ErrorCode::GROUP_ID_NOT_FOUND);
}

#[test]
fn several_groups_are_asked_at_once() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    for (group, offset) in [("a", 1), ("b", 2)] {
        commit(&mut raw, group, "orders", 0, offset);
    }
    let group =
        |id: &str| OffsetFetchRequestGroup { group_id: id.into(), topics: None, ..Default::default() };
    let request =
        OffsetFetchRequest { groups: vec![group("b"), group("x"), group("a")], ..Default::default() };
    let groups = raw.ask(8, &request).groups;
    let offset =
        |index: usize| groups[index].topics.first().map(|topic| topic.partitions[0].committed_offset);
    assert_eq!([offset(0), offset(1), offset(2)], [Some(2), None, Some(1)]);
}
