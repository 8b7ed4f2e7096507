//! What a client believes that it speaks to (KIP-1242), cordoned directories (KIP-1066), and the offset that is to be
//! uploaded next (KIP-1023).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use chronik_kafka::message::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};
use chronik_kafka::message::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopic, ListOffsetsTopicResponse,
};

use super::Vectors;

pub(super) fn compare(vectors: &mut Vectors) {
    vectors.request(
        5,
        "01 01 00 ffffffff 00",
        (&versions_request(), "12 6170616368652d6b61666b612d6a617661 06342e342e30 0263 00000002 00"),
    );
    vectors.response(
        5,
        "0000 01 00000000 00",
        (
            &versions_response(),
            "0081 02 0012 0000 0005 00 00000009 \
             04 00 08 02 0266 0000 0002 00 01 08 0000000000000004 02 08 02 0266 0002 0001 00 03 01 01",
        ),
    );
    vectors.request(
        11,
        "00000000 00 01 00000000 00",
        (
            &offsets_request(),
            "ffffffff 01 02 0274 03 00000003 00000005 fffffffffffffffa 00 \
             00000004 ffffffff 00000000000003e8 00 00 0000004d 00",
        ),
    );
    vectors.response(
        11,
        "00000000 01 00",
        (
            &offsets_response(),
            "00000009 02 0274 03 00000003 0023 ffffffffffffffff ffffffffffffffff ffffffff 00 \
             00000004 0000 00000000000003e8 000000000000000c 00000005 00 00 00",
        ),
    );
    let topic = DescribableLogDirTopic { topic: "t".into(), partitions: vec![3, 4] };
    let some = DescribeLogDirsRequest { topics: Some(vec![topic]) };
    vectors.request(5, "00 00", (&some, "02 0274 03 00000003 00000004 00 00"));
    vectors.response(
        5,
        "00000000 0000 01 00",
        (
            &sizes(),
            "00000009 001f 03 0038 032f64 02 0274 02 00000003 0000000000000046 0000000000000002 01 00 00 \
             0000000000000384 0000000000000320 01 00 0000 032f65 01 ffffffffffffffff ffffffffffffffff 00 00 00",
        ),
    );
}

fn versions_request() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "apache-kafka-java".into(),
        client_software_version: "4.4.0".into(),
        cluster_id: Some("c".into()),
        node_id: 2,
    }
}

fn versions_response() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::REBOOTSTRAP_REQUIRED,
        api_keys: vec![ApiVersion { api_key: 18, min_version: 0, max_version: 5 }],
        throttle_time_ms: 9,
        supported_features: vec![SupportedFeatureKey { name: "f".into(), min_version: 0, max_version: 2 }],
        finalized_features_epoch: 4,
        finalized_features: vec![FinalizedFeatureKey {
            name: "f".into(),
            max_version_level: 2,
            min_version_level: 1,
        }],
        zk_migration_ready: true,
    }
}

fn offsets_request() -> ListOffsetsRequest {
    let pending_upload = ListOffsetsPartition { partition_index: 3, current_leader_epoch: 5, timestamp: -6 };
    let by_time = ListOffsetsPartition { partition_index: 4, timestamp: 1000, ..Default::default() };
    ListOffsetsRequest {
        replica_id: -1,
        isolation_level: 1,
        topics: vec![ListOffsetsTopic { name: "t".into(), partitions: vec![pending_upload, by_time] }],
        timeout_ms: 77,
    }
}

fn offsets_response() -> ListOffsetsResponse {
    let refused = ListOffsetsPartitionResponse {
        partition_index: 3,
        error_code: ErrorCode::UNSUPPORTED_VERSION,
        ..Default::default()
    };
    let found = ListOffsetsPartitionResponse {
        partition_index: 4,
        timestamp: 1000,
        offset: 12,
        leader_epoch: 5,
        ..Default::default()
    };
    let topics = vec![ListOffsetsTopicResponse { name: "t".into(), partitions: vec![refused, found] }];
    ListOffsetsResponse { throttle_time_ms: 9, topics }
}

fn sizes() -> DescribeLogDirsResponse {
    let partition = DescribeLogDirsPartition {
        partition_index: 3,
        partition_size: 70,
        offset_lag: 2,
        is_future_key: true,
    };
    let cordoned = DescribeLogDirsResult {
        error_code: ErrorCode::KAFKA_STORAGE_ERROR,
        log_dir: "/d".into(),
        topics: vec![DescribeLogDirsTopic { name: "t".into(), partitions: vec![partition] }],
        total_bytes: 900,
        usable_bytes: 800,
        is_cordoned: true,
    };
    let empty = DescribeLogDirsResult { log_dir: "/e".into(), ..Default::default() };
    DescribeLogDirsResponse {
        throttle_time_ms: 9,
        error_code: ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        results: vec![cordoned, empty],
    }
}
