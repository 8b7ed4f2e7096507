//! Offsets by topic id, as clients newer than Kafka 4.0 commit and fetch them (KIP-848).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::offset_commit::OffsetCommitRequestTopic;
use chronik_kafka::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup,
};
use chronik_kafka::message::{OffsetCommitRequest, OffsetCommitResponse};
use uuid::Uuid;

use crate::member::{Member, QUICK, commit, commit_request, committed};
use crate::support::Server;
use crate::support::raw::Raw;

/// The first version with ids.
const BY_ID: i16 = 10;

/// An id that no topic has.
const NOBODY: Uuid = Uuid::from_u128(77);

fn id_of(raw: &mut Raw, topic: &str) -> Uuid {
    let id = raw.topic(topic, false).topic_id;
    assert_ne!(id, Uuid::nil());
    id
}

/// One offset for each partition of a topic.
fn topic(topic_id: Uuid, offsets: &[(i32, i64)]) -> OffsetCommitRequestTopic {
    let partition = |&(index, offset): &(i32, i64)| {
        commit_request("", index, offset).topics.remove(0).partitions.remove(0)
    };
    OffsetCommitRequestTopic {
        topic_id,
        partitions: offsets.iter().map(partition).collect(),
        ..Default::default()
    }
}

fn commit_by_id(raw: &mut Raw, topics: Vec<OffsetCommitRequestTopic>) -> OffsetCommitResponse {
    raw.ask(BY_ID, &OffsetCommitRequest { group_id: "g".into(), topics, ..Default::default() })
}

/// Topic ids with the code of each partition.
fn codes(response: &OffsetCommitResponse) -> Vec<(Uuid, Vec<(i32, ErrorCode)>)> {
    let of_topic = |topic: &chronik_kafka::message::offset_commit::OffsetCommitResponseTopic| {
        assert_eq!(&*topic.name, "", "there are no names on this wire");
        (topic.topic_id, topic.partitions.iter().map(|p| (p.partition_index, p.error_code)).collect())
    };
    response.topics.iter().map(of_topic).collect()
}

fn fetch_by_id(raw: &mut Raw, group: &str, topics: Option<&[(Uuid, &[i32])]>) -> OffsetFetchResponseGroup {
    let topic = |(topic_id, partitions): &(Uuid, &[i32])| OffsetFetchRequestTopics {
        topic_id: *topic_id,
        partition_indexes: partitions.to_vec(),
        ..Default::default()
    };
    let group = OffsetFetchRequestGroup {
        group_id: group.into(),
        topics: topics.map(|topics| topics.iter().map(topic).collect()),
        ..Default::default()
    };
    let request = OffsetFetchRequest { groups: vec![group], require_stable: true, ..Default::default() };
    let mut response = raw.ask(BY_ID, &request);
    assert_eq!(response.groups.len(), 1);
    response.groups.remove(0)
}

/// A topic, and of each partition the offset and the code.
type Found = (Uuid, Vec<(i32, i64, ErrorCode)>);

fn offsets(group: &OffsetFetchResponseGroup) -> Vec<Found> {
    let topics = group.topics.iter();
    let of_topic = |topic: &chronik_kafka::message::offset_fetch::OffsetFetchResponseTopics| {
        let partitions = topic.partitions.iter();
        (topic.topic_id, partitions.map(|p| (p.partition_index, p.committed_offset, p.error_code)).collect())
    };
    topics.map(of_topic).collect()
}

#[test]
fn what_is_committed_by_id_is_found_by_id_and_by_name() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 2, &[]);
    raw.create_topic("other", 1, &[]);
    let (orders, other) = (id_of(&mut raw, "orders"), id_of(&mut raw, "other"));
    let none = ErrorCode::NONE;
    let response = commit_by_id(&mut raw, vec![topic(orders, &[(0, 5), (1, 6)])]);
    assert_eq!(codes(&response), [(orders, vec![(0, none), (1, none)])]);
    assert_eq!(committed(&mut raw, "g", "orders", 1), 6);
    assert_eq!(commit(&mut raw, "g", "other", 0, 7), none, "by name");

    let found = fetch_by_id(&mut raw, "g", Some(&[(other, &[0]), (orders, &[1, 0])]));
    assert_eq!(found.error_code, none);
    let expected = [(other, vec![(0, 7, none)]), (orders, vec![(1, 6, none), (0, 5, none)])];
    assert_eq!(offsets(&found), expected);
    assert_eq!(found.topics[0].partitions[0].metadata.as_deref(), Some("note"));
    let mut all = offsets(&fetch_by_id(&mut raw, "g", None));
    all.sort_by_key(|(topic, _)| *topic);
    let mut expected = [(orders, vec![(0, 5, none), (1, 6, none)]), (other, vec![(0, 7, none)])];
    expected.sort_by_key(|(topic, _)| *topic);
    assert_eq!(all, expected);
}

#[test]
fn an_id_that_no_topic_has_is_named_for_each_partition_and_the_rest_is_done() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    let orders = id_of(&mut raw, "orders");
    let (none, unknown) = (ErrorCode::NONE, ErrorCode::UNKNOWN_TOPIC_ID);
    let asked = vec![
        topic(NOBODY, &[(0, 1), (3, 1)]),
        topic(orders, &[(0, 5), (7, 1)]),
        topic(Uuid::nil(), &[(0, 1)]),
    ];
    let response = commit_by_id(&mut raw, asked);
    let expected = [
        (NOBODY, vec![(0, unknown), (3, unknown)]),
        (orders, vec![(0, none), (7, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)]),
        (Uuid::nil(), vec![(0, unknown)]),
    ];
    assert_eq!(codes(&response), expected);

    let found = fetch_by_id(&mut raw, "g", Some(&[(NOBODY, &[0, 3]), (orders, &[0, 7])]));
    let expected =
        [(orders, vec![(0, 5, none), (7, -1, none)]), (NOBODY, vec![(0, -1, unknown), (3, -1, unknown)])];
    assert_eq!(
        (found.error_code, offsets(&found)),
        (none, expected.to_vec()),
        "what is not known comes last"
    );
    let unknown_only = fetch_by_id(&mut raw, "g", Some(&[(NOBODY, &[0])]));
    assert_eq!(offsets(&unknown_only), [(NOBODY, vec![(0, -1, unknown)])]);
}

#[test]
fn a_topic_made_anew_under_the_same_name_has_none_of_the_old_offsets() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    let old = id_of(&mut raw, "orders");
    commit_by_id(&mut raw, vec![topic(old, &[(0, 5)])]);
    assert_eq!(raw.delete_topic("orders"), ErrorCode::NONE);
    raw.create_topic("orders", 1, &[]);
    let new = id_of(&mut raw, "orders");
    assert_ne!(old, new);
    let response = commit_by_id(&mut raw, vec![topic(old, &[(0, 6)])]);
    assert_eq!(
        codes(&response),
        [(old, vec![(0, ErrorCode::UNKNOWN_TOPIC_ID)])],
        "a consumer of the old one"
    );
    let found = fetch_by_id(&mut raw, "g", Some(&[(old, &[0]), (new, &[0])]));
    let expected = [(new, vec![(0, -1, ErrorCode::NONE)]), (old, vec![(0, -1, ErrorCode::UNKNOWN_TOPIC_ID)])];
    assert_eq!(offsets(&found), expected);
}

#[test]
fn a_member_of_a_group_that_is_not_there_is_told_so_by_versions_that_can() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    let orders = id_of(&mut raw, "orders");
    for version in [8, 9, BY_ID] {
        let mut request = OffsetCommitRequest {
            group_id: "nobody".into(),
            generation_id_or_member_epoch: 3,
            member_id: "m".into(),
            ..commit_request("orders", 0, 1)
        };
        request.topics[0].topic_id = orders;
        let code = if version < 9 { ErrorCode::ILLEGAL_GENERATION } else { ErrorCode::GROUP_ID_NOT_FOUND };
        let response = raw.ask(version, &request);
        assert_eq!(response.topics[0].partitions[0].error_code, code, "version {version}");
    }
    let mut member = Member::alone(&server, "g");
    member.generation += 1;
    assert_eq!(member.commit("orders", 0, 9), ErrorCode::ILLEGAL_GENERATION, "the group is there");
}
