//! Metrics under Kafka's names: what `server/METRICS.md` lists is printed, nothing else is, and the values are right.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chronik_kafka::ErrorCode;
use support::Server;
use support::batches::batch;
use support::raw::Raw;

/// Value by name and labels, of all that is printed under Kafka's names.
fn scrape(server: &Server) -> BTreeMap<String, f64> {
    let page = server.http("/metrics");
    assert_eq!(page.matches("# EOF").count(), 1, "the page ends once");
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        (series.to_owned(), value.parse::<f64>().expect("a number"))
    };
    page.lines().filter(|line| line.starts_with("kafka_")).map(sample).collect()
}

#[test]
fn the_documented_names_are_those_that_are_printed() {
    let server = Server::start();
    Raw::connect(&server).create_topic("orders", 1, &[]);
    let page = server.http("/metrics");
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE kafka_"));
    let name = |line: &str| {
        let (name, kind) = line.split_once(' ').expect("a type");
        format!("kafka_{name}{}", if kind == "counter" { "_total" } else { "" })
    };
    let printed: BTreeSet<String> = types.map(name).collect();
    let document = include_str!("../METRICS.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `kafka_")?.split_once('`'));
    let documented: BTreeSet<String> = rows.map(|(name, _)| format!("kafka_{name}")).collect();
    assert_eq!(printed, documented);
    assert!(page.contains("chronik_metrics_partitions_omitted 0"));
}

#[test]
fn values_follow_what_clients_do() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 2, &[]);
    client.create_topic("strict", 1, &["min.insync.replicas=2"]);
    client.append("orders", 0, &["a", "b", "c"]);
    client.append("orders", 0, &["d"]);
    client.append("orders", 1, &["e"]);
    assert_eq!(client.produce("strict", 0, batch(&["x"])).error_code, ErrorCode::NOT_ENOUGH_REPLICAS);
    assert_eq!(client.produce("gone", 0, batch(&["x"])).error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(client.fetch("orders", 0, 0).error_code, ErrorCode::NONE);
    let bytes_in = (batch(&["a", "b", "c"]).len() + batch(&["d"]).len()) as f64;

    let found = scrape(&server);
    let get = |series: &str| *found.get(series).unwrap_or_else(|| panic!("no {series} in {found:#?}"));
    for (series, value) in [
        ("kafka_server_brokertopicmetrics_messagesin_total{topic=\"orders\"}", 5.0),
        ("kafka_server_brokertopicmetrics_messagesin_total{topic=\"\"}", 5.0),
        ("kafka_server_brokertopicmetrics_bytesout_total{topic=\"orders\"}", bytes_in),
        ("kafka_server_brokertopicmetrics_totalproducerequests_total{topic=\"orders\"}", 3.0),
        ("kafka_server_brokertopicmetrics_totalproducerequests_total{topic=\"\"}", 5.0),
        ("kafka_server_brokertopicmetrics_failedproducerequests_total{topic=\"strict\"}", 1.0),
        ("kafka_server_brokertopicmetrics_failedproducerequests_total{topic=\"\"}", 2.0),
        ("kafka_server_brokertopicmetrics_totalfetchrequests_total{topic=\"orders\"}", 1.0),
        ("kafka_server_brokertopicmetrics_failedfetchrequests_total{topic=\"\"}", 0.0),
        ("kafka_server_replicamanager_partitioncount", 3.0),
        ("kafka_server_replicamanager_leadercount", 3.0),
        ("kafka_server_replicamanager_underreplicatedpartitions", 0.0),
        ("kafka_server_replicamanager_underminisrpartitioncount", 1.0),
        ("kafka_server_replicamanager_offlinereplicacount", 0.0),
        ("kafka_controller_kafkacontroller_activecontrollercount", 1.0),
        ("kafka_controller_kafkacontroller_offlinepartitionscount", 0.0),
        ("kafka_controller_kafkacontroller_globalpartitioncount", 3.0),
        ("kafka_controller_kafkacontroller_globaltopiccount", 2.0),
        ("kafka_network_requestmetrics_requests_total{request=\"Produce\"}", 5.0),
        ("kafka_network_requestmetrics_errors_total{request=\"Produce\",error=\"NONE\"}", 3.0),
        ("kafka_network_requestmetrics_errors_total{request=\"Produce\",error=\"NOT_ENOUGH_REPLICAS\"}", 1.0),
        ("kafka_log_log_logendoffset{topic=\"orders\",partition=\"0\"}", 4.0),
        ("kafka_log_log_logstartoffset{topic=\"orders\",partition=\"0\"}", 0.0),
        ("kafka_log_log_size{topic=\"orders\",partition=\"0\"}", bytes_in),
        ("kafka_log_log_numlogsegments{topic=\"orders\",partition=\"0\"}", 1.0),
        ("kafka_brokers", 1.0),
        ("kafka_topic_partitions{topic=\"orders\"}", 2.0),
        ("kafka_topic_partition_current_offset{topic=\"orders\",partition=\"0\"}", 4.0),
        ("kafka_topic_partition_oldest_offset{topic=\"orders\",partition=\"1\"}", 0.0),
        ("kafka_topic_partition_leader{topic=\"orders\",partition=\"1\"}", 1.0),
        ("kafka_topic_partition_leader_is_preferred{topic=\"orders\",partition=\"1\"}", 1.0),
        ("kafka_topic_partition_in_sync_replica{topic=\"orders\",partition=\"1\"}", 1.0),
        ("kafka_topic_partition_under_replicated_partition{topic=\"orders\",partition=\"1\"}", 0.0),
    ] {
        assert_eq!(get(series), value, "{series}");
    }
    let median = get("kafka_network_requestmetrics_totaltimems{request=\"Produce\",quantile=\"0.50\"}");
    assert!(median > 0.0 && median < 20_000.0, "{median}");
}

#[test]
fn a_deleted_topic_has_no_series_and_still_counts_among_all() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["a"]);
    assert_eq!(client.delete_topic("orders"), ErrorCode::NONE);
    let found = scrape(&server);
    assert!(found.keys().all(|series| !series.contains("orders")), "{found:#?}");
    assert_eq!(found["kafka_server_brokertopicmetrics_messagesin_total{topic=\"\"}"], 1.0);
}
