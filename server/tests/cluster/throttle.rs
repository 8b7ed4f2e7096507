//! Replicas move at a rate (KIP-73).

use std::time::{Duration, Instant};

use chronik_kafka::ErrorCode;

use crate::leaders::partitions;
use crate::support::cluster::Cluster;
use crate::support::configs::{APPEND, BROKER, DEFAULT, DELETE, SET, SUBTRACT, TOPIC};
use crate::support::metrics::Scrape;

const TOPIC_NAME: &str = "big";
/// What is in the topic: lines, and bytes of each.
const LINES: usize = 3_000;
const LINE_BYTES: usize = 1_000;
const RATES: [&str; 2] = ["leader.replication.throttled.rate", "follower.replication.throttled.rate"];
const LISTS: [&str; 2] = ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];

/// Runs a command that must succeed, or must not; what it said.
fn said(cluster: &Cluster, words: &[&str], succeeds: bool) -> String {
    let output = cluster.command(1, words);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.success(), succeeds, "{words:?}: {said}");
    said
}

fn assert_nothing_is_left(cluster: &Cluster) {
    for node in cluster.ids() {
        let mut client = cluster.connect(node);
        for key in RATES {
            assert_eq!(client.value(BROKER, &node.to_string(), key), ("null".to_owned(), DEFAULT), "{node}");
        }
        for key in LISTS {
            assert_eq!(client.value(TOPIC, TOPIC_NAME, key), (String::new(), DEFAULT), "{key}");
        }
    }
}

#[test]
fn replicas_move_at_the_rate_that_is_asked_for_and_none_of_the_settings_is_left() {
    let cluster = Cluster::start(3);
    said(&cluster, &["topics", "create", TOPIC_NAME, "-p", "1", "--replication-factor", "2"], true);
    let lines = format!("{}\n", "x".repeat(LINE_BYTES - 1)).repeat(LINES);
    let produced = cluster.command_with_input(1, &["produce", TOPIC_NAME], &lines);
    assert!(produced.status.success(), "{}", String::from_utf8_lossy(&produced.stderr));
    let before = partitions(&cluster, 1, TOPIC_NAME).remove(0);
    let leader = before.leader_id;
    let goes = *before.replica_nodes.iter().find(|node| **node != leader).expect("two replicas");
    let drain = ["cluster", "drain", &goes.to_string(), "--execute", "--throttle", "1MiB"];

    // A rate of somebody else stays, and nothing moves.
    let broker = leader.to_string();
    said(&cluster, &["configs", "alter", "--broker", &broker, "--set", &format!("{}=5", RATES[0])], true);
    let refused = said(&cluster, &drain, false);
    assert!(refused.contains(&format!("--broker {leader} --delete {}", RATES[0])), "{refused}");
    assert_eq!(cluster.connect(leader).value(BROKER, &broker, RATES[0]).0, "5");
    assert_eq!(partitions(&cluster, 1, TOPIC_NAME).remove(0).replica_nodes, before.replica_nodes);
    said(&cluster, &["configs", "alter", "--broker", &broker, "--delete", RATES[0]], true);
    assert_nothing_is_left(&cluster);

    let began = Instant::now();
    let told = said(&cluster, &drain, true);
    let took = began.elapsed();
    assert!(told.contains("replicas move at 1.0 MiB per second"), "{told}");
    let after = partitions(&cluster, 1, TOPIC_NAME).remove(0);
    assert!(!after.replica_nodes.contains(&goes) && after.isr_nodes.len() == 2, "{after:?}");
    // 3 MB, of which the last piece need not be waited for.
    assert!(took > Duration::from_millis(1_500), "{took:?}");
    let scrape = Scrape::of(cluster.admin(leader));
    let sent: f64 = scrape.by_labels("chronik_stream_throttled_bytes_total").map(|(_, bytes)| bytes).sum();
    assert!(sent > (LINES * LINE_BYTES) as f64, "{sent} bytes");
    assert_nothing_is_left(&cluster);
}

#[test]
fn lists_of_throttled_replicas_are_checked_and_changed_entry_by_entry() {
    let cluster = Cluster::start(1);
    said(&cluster, &["topics", "create", TOPIC_NAME, "-p", "1"], true);
    let mut client = cluster.connect(1);
    for (key, wrong) in
        LISTS.into_iter().flat_map(|key| ["0", "0:1,*", "a:1", "0:-1"].map(|list| (key, list)))
    {
        let (code, message) = client.alter(TOPIC, TOPIC_NAME, &[(SET, key, wrong)]);
        assert_eq!(code, ErrorCode::INVALID_CONFIG, "{key}={wrong}");
        assert!(message.contains("must be * or a list of replicas"), "{message}");
    }
    let none = (ErrorCode::NONE, String::new());
    for (operation, list, then) in [
        (APPEND, "0:1", "0:1"),
        (APPEND, "0:2,0:1", "0:1,0:2"),
        (SUBTRACT, "0:1", "0:2"),
        (SET, "*", "*"),
        (DELETE, "", ""),
    ] {
        assert_eq!(client.alter(TOPIC, TOPIC_NAME, &[(operation, LISTS[0], list)]), none);
        assert_eq!(client.value(TOPIC, TOPIC_NAME, LISTS[0]).0, then, "after {list}");
    }
    for (rate, code) in
        [("0", ErrorCode::NONE), ("1048576", ErrorCode::NONE), ("-1", ErrorCode::INVALID_REQUEST)]
    {
        assert_eq!(client.alter(BROKER, "1", &[(SET, RATES[0], rate)]).0, code, "{rate}");
    }
    // kafka-reassign-partitions takes back what it may have set in an earlier release, whether or not it is there.
    let changes = RATES.into_iter().chain(["replica.alter.log.dirs.io.max.bytes.per.second"]);
    let changes: Vec<_> = changes.map(|key| (DELETE, key, "")).collect();
    assert_eq!(client.alter(BROKER, "1", &changes), none);
}
