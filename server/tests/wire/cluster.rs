//! DescribeCluster, DescribeLogDirs, DescribeProducers.

use chronik_kafka::message::api_versions::ApiVersionsRequest;
use chronik_kafka::message::describe_cluster::DescribeClusterRequest;
use chronik_kafka::message::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use chronik_kafka::message::describe_producers::{DescribeProducersRequest, TopicRequest};
use chronik_kafka::{ApiKey, ErrorCode};

use crate::support::Server;
use crate::support::batches::{batch_by, large_batch};
use crate::support::raw::Raw;

#[test]
fn the_cluster_is_described_in_every_version() {
    let server = Server::with(&["cluster.id=tests"]);
    let mut client = Raw::connect(&server);
    for version in 0..=2 {
        let request =
            DescribeClusterRequest { include_cluster_authorized_operations: true, ..Default::default() };
        let response = client.ask(version, &request);
        assert_eq!(
            (response.error_code, &*response.cluster_id, response.controller_id),
            (ErrorCode::NONE, "tests", 1)
        );
        let [broker] = &response.brokers[..] else { panic!("{:?}", response.brokers) };
        assert_eq!(
            (broker.broker_id, broker.port, broker.is_fenced),
            (1, i32::from(server.kafka.port()), false)
        );
        assert_ne!(response.cluster_authorized_operations, i32::MIN);
        let silent = client.ask(version, &DescribeClusterRequest::default());
        assert_eq!(silent.cluster_authorized_operations, i32::MIN, "it was not asked for");
    }
    for (endpoint_type, code) in
        [(2, ErrorCode::MISMATCHED_ENDPOINT_TYPE), (3, ErrorCode::UNSUPPORTED_ENDPOINT_TYPE)]
    {
        let response = client.ask(2, &DescribeClusterRequest { endpoint_type, ..Default::default() });
        assert_eq!(response.error_code, code);
    }
}

/// KIP-1242: an address may be another broker's by now.
#[test]
fn a_client_that_means_another_broker_is_sent_to_find_it() {
    let server = Server::with(&["cluster.id=tests"]);
    let mut client = Raw::connect(&server);
    let mut ask = |version, cluster_id: Option<&str>, node_id| {
        let request = ApiVersionsRequest {
            client_software_name: "raw".into(),
            client_software_version: "1".into(),
            cluster_id: cluster_id.map(Into::into),
            node_id,
        };
        let answer = client.ask(version, &request);
        assert_eq!(answer.api_keys.is_empty(), !answer.error_code.is_none());
        answer.error_code
    };
    for (version, cluster_id, node_id, code) in [
        (5, None, -1, ErrorCode::NONE),
        (5, None, 9, ErrorCode::NONE),
        (5, Some("tests"), 1, ErrorCode::NONE),
        (5, Some("tests"), 2, ErrorCode::REBOOTSTRAP_REQUIRED),
        (5, Some("tests"), -1, ErrorCode::REBOOTSTRAP_REQUIRED),
        (5, Some("others"), 1, ErrorCode::REBOOTSTRAP_REQUIRED),
        (4, Some("others"), 1, ErrorCode::NONE),
    ] {
        assert_eq!(ask(version, cluster_id, node_id), code, "{version} {cluster_id:?} {node_id}");
    }
}

#[test]
fn sizes_are_those_of_the_files() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    assert_eq!(client.produce("orders", 1, large_batch(100_000)).error_code, ErrorCode::NONE);
    for version in ApiKey::DescribeLogDirs.versions().iter() {
        let response = client.ask(version, &DescribeLogDirsRequest { topics: None });
        assert_eq!((response.error_code, response.results.len()), (ErrorCode::NONE, 1));
        let dir = &response.results[0];
        assert!(!dir.is_cordoned);
        assert_eq!(
            (dir.error_code, &*dir.log_dir),
            (ErrorCode::NONE, &*server.data_dir().display().to_string())
        );
        let sizes: Vec<_> =
            dir.topics[0].partitions.iter().map(|p| (p.partition_index, p.partition_size)).collect();
        assert_eq!((sizes.len(), sizes[0]), (2, (0, 0)));
        assert!((100_000..110_000).contains(&sizes[1].1), "{sizes:?}");
        if version >= 4 {
            assert!(dir.usable_bytes > 0 && dir.total_bytes >= dir.usable_bytes, "{dir:?}");
        }
    }
    let topic = |topic: &str, partitions: &[i32]| DescribableLogDirTopic {
        topic: topic.into(),
        partitions: partitions.to_vec(),
    };
    let request =
        DescribeLogDirsRequest { topics: Some(vec![topic("orders", &[1, 7]), topic("nowhere", &[0])]) };
    let dir = client.ask(4, &request).results.remove(0);
    assert_eq!((dir.topics.len(), dir.topics[0].partitions.len()), (1, 1), "what is not here is left out");
}

#[test]
fn producers_of_a_partition_are_shown() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    let id = client.producer_id();
    for (sequence, values) in [(0, &["a", "b"][..]), (2, &["c"])] {
        assert_eq!(
            client.produce("orders", 0, batch_by(id, 0, sequence, values)).error_code,
            ErrorCode::NONE
        );
    }
    let topic =
        |name: &str, indexes: &[i32]| TopicRequest { name: name.into(), partition_indexes: indexes.to_vec() };
    let request = DescribeProducersRequest {
        topics: vec![topic("orders", &[0, 1]), topic("nowhere", &[0]), topic("a/b", &[0])],
    };
    let topics = client.ask(0, &request).topics;
    let [producer] = &topics[0].partitions[0].active_producers[..] else { panic!("{topics:?}") };
    assert_eq!((producer.producer_id, producer.producer_epoch, producer.last_sequence), (id, 0, 2));
    assert_eq!((producer.coordinator_epoch, producer.current_txn_start_offset), (-1, -1));
    assert!(producer.last_timestamp > 0);
    let codes: Vec<_> = topics.iter().flat_map(|t| &t.partitions).map(|p| p.error_code).collect();
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert_eq!(codes, [ErrorCode::NONE, unknown, unknown, ErrorCode::INVALID_TOPIC_EXCEPTION]);
}
