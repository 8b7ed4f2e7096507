//! Offsets by topic id (KIP-848), and why a group was not deleted.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::delete_groups::{
    DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse,
};
use chronik_kafka::message::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use chronik_kafka::message::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};

use super::{A, B, Vectors};

pub(super) fn compare(vectors: &mut Vectors) {
    vectors.request(
        10,
        "01 ffffffff 01 00 01 00",
        (
            &commit_request(),
            "0267 00000007 046d2d31 0269 03 \
             0102030405060708090a0b0c0d0e0f10 03 00000003 00000000000003e8 00000005 056d657461 00 \
             00000004 0000000000000002 ffffffff 00 00 00 1112131415161718191a1b1c1d1e1f20 01 00 00",
        ),
    );
    vectors.response(
        10,
        "00000000 01 00",
        (
            &commit_response(),
            "00000009 03 0102030405060708090a0b0c0d0e0f10 03 00000003 0000 00 00000004 000c 00 00 \
             1112131415161718191a1b1c1d1e1f20 02 00000000 0064 00 00 00",
        ),
    );
    vectors.request(
        10,
        "01 00 00",
        (
            &fetch_request(),
            "03 0267 026d 00000006 03 0102030405060708090a0b0c0d0e0f10 03 00000003 00000004 00 \
             1112131415161718191a1b1c1d1e1f20 01 00 00 0268 00 ffffffff 00 00 01 00",
        ),
    );
    vectors.response(
        10,
        "00000000 01 00",
        (
            &fetch_response(),
            "00000009 03 0267 03 0102030405060708090a0b0c0d0e0f10 03 \
             00000003 00000000000003e8 00000005 056d657461 0000 00 00000004 ffffffffffffffff ffffffff 00 0000 00 00 \
             1112131415161718191a1b1c1d1e1f20 02 00000000 ffffffffffffffff ffffffff 01 0064 00 00 0000 00 \
             0268 01 000f 00 00",
        ),
    );
    let request = DeleteGroupsRequest { groups_names: vec!["g".into(), "hh".into()] };
    vectors.request(3, "01 00", (&request, "03 0267 036868 00"));
    vectors.response(
        3,
        "00000000 01 00",
        (&delete_response(), "00000009 03 0267 0000 00 00 036868 0044 0562757379 00 00"),
    );
}

fn commit_request() -> OffsetCommitRequest {
    let partitions = vec![
        OffsetCommitRequestPartition {
            partition_index: 3,
            committed_offset: 1000,
            committed_leader_epoch: 5,
            committed_metadata: Some("meta".into()),
        },
        OffsetCommitRequestPartition { partition_index: 4, committed_offset: 2, ..Default::default() },
    ];
    let topic =
        |topic_id, partitions| OffsetCommitRequestTopic { topic_id, partitions, ..Default::default() };
    OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: 7,
        member_id: "m-1".into(),
        group_instance_id: Some("i".into()),
        topics: vec![topic(A, partitions), topic(B, vec![])],
        ..Default::default()
    }
}

fn commit_response() -> OffsetCommitResponse {
    let topic = |topic_id, partitions: &[(i32, ErrorCode)]| OffsetCommitResponseTopic {
        topic_id,
        partitions: partitions
            .iter()
            .map(|&(partition_index, error_code)| OffsetCommitResponsePartition {
                partition_index,
                error_code,
            })
            .collect(),
        ..Default::default()
    };
    let of_a = [(3, ErrorCode::NONE), (4, ErrorCode::OFFSET_METADATA_TOO_LARGE)];
    OffsetCommitResponse {
        throttle_time_ms: 9,
        topics: vec![topic(A, &of_a), topic(B, &[(0, ErrorCode::UNKNOWN_TOPIC_ID)])],
    }
}

fn fetch_request() -> OffsetFetchRequest {
    let topic = |topic_id, partition_indexes| OffsetFetchRequestTopics {
        topic_id,
        partition_indexes,
        ..Default::default()
    };
    let of_member = OffsetFetchRequestGroup {
        group_id: "g".into(),
        member_id: Some("m".into()),
        member_epoch: 6,
        topics: Some(vec![topic(A, vec![3, 4]), topic(B, vec![])]),
    };
    let of_all = OffsetFetchRequestGroup { group_id: "h".into(), topics: None, ..Default::default() };
    OffsetFetchRequest { groups: vec![of_member, of_all], require_stable: true, ..Default::default() }
}

fn fetch_response() -> OffsetFetchResponse {
    let found = OffsetFetchResponsePartitions {
        partition_index: 3,
        committed_offset: 1000,
        committed_leader_epoch: 5,
        metadata: Some("meta".into()),
        ..Default::default()
    };
    let none = OffsetFetchResponsePartitions {
        partition_index: 4,
        committed_offset: -1,
        metadata: None,
        ..Default::default()
    };
    let unknown = OffsetFetchResponsePartitions {
        partition_index: 0,
        committed_offset: -1,
        metadata: Some("".into()),
        error_code: ErrorCode::UNKNOWN_TOPIC_ID,
        ..Default::default()
    };
    let topic =
        |topic_id, partitions| OffsetFetchResponseTopics { topic_id, partitions, ..Default::default() };
    let answered = OffsetFetchResponseGroup {
        group_id: "g".into(),
        topics: vec![topic(A, vec![found, none]), topic(B, vec![unknown])],
        ..Default::default()
    };
    let refused = OffsetFetchResponseGroup {
        group_id: "h".into(),
        error_code: ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ..Default::default()
    };
    OffsetFetchResponse { throttle_time_ms: 9, groups: vec![answered, refused], ..Default::default() }
}

fn delete_response() -> DeleteGroupsResponse {
    let deleted = DeletableGroupResult { group_id: "g".into(), ..Default::default() };
    let refused = DeletableGroupResult {
        group_id: "hh".into(),
        error_code: ErrorCode::NON_EMPTY_GROUP,
        error_message: Some("busy".into()),
    };
    DeleteGroupsResponse { throttle_time_ms: 9, results: vec![deleted, refused] }
}
