//! Fetch: how long it waits, and how much it brings.

use std::time::{Duration, Instant};

use chronik_kafka::message::fetch::{FetchRequest, PartitionData};
use chronik_kafka::{ApiKey, ErrorCode, Records};

use crate::support::batches::{large_batch, records, values};
use crate::support::raw::Raw;
use crate::support::requests::{FETCH, fetch_partition, fetch_request, fetched, only_fetched};
use crate::support::{Server, wait_for};

fn client(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    client.create_topic("orders", 3, &[]);
    client
}

fn waiting(request: FetchRequest, max_wait_ms: i32, min_bytes: i32) -> FetchRequest {
    FetchRequest { max_wait_ms, min_bytes, ..request }
}

fn at(partition: i32, offset: i64) -> FetchRequest {
    fetch_request("orders", vec![fetch_partition(partition, offset)])
}

fn read(data: PartitionData) -> Vec<(i64, String)> {
    assert_eq!(data.error_code, ErrorCode::NONE);
    records(data.records.expect("records"))
}

#[test]
fn every_version_reads() {
    let server = Server::start();
    let mut client = client(&server);
    client.append("orders", 0, &["a", "b"]);
    let topic_id = client.topic("orders", false).topic_id;
    for version in 4..=ApiKey::Fetch.versions().max {
        let mut request = at(0, 0);
        if version >= 13 {
            request.topics[0].topic_id = topic_id;
        }
        let response = client.ask(version, &request);
        let topic = &response.responses[0];
        let named = if version >= 13 { topic.topic_id == topic_id } else { topic.topic == "orders" };
        assert!(named, "version {version}");
        let data = only_fetched(response);
        assert_eq!(data.high_watermark, 2, "version {version}");
        assert_eq!(data.last_stable_offset, 2, "version {version}");
        assert_eq!(values(data.records.expect("records")), ["a", "b"], "version {version}");
    }
}

#[test]
fn a_fetch_waits_until_a_record_comes() {
    let server = Server::start();
    let (mut reader, mut writer) = (client(&server), Raw::connect(&server));
    let sent = reader.send(FETCH, &waiting(at(1, 0), 10_000, 1));
    std::thread::sleep(Duration::from_millis(50));
    let written = Instant::now();
    writer.append("orders", 1, &["a"]);
    assert_eq!(read(only_fetched(reader.receive(sent))), [(0, "a".to_owned())]);
    assert!(written.elapsed() < Duration::from_secs(2), "at once: {:?}", written.elapsed());
}

#[test]
fn a_fetch_waits_no_longer_than_it_says() {
    let server = Server::start();
    let mut client = client(&server);
    let started = Instant::now();
    let data = only_fetched(client.ask(FETCH, &waiting(at(0, 0), 300, 1)));
    let waited = started.elapsed();
    assert_eq!((read(data), waited >= Duration::from_millis(295)), (vec![], true), "{waited:?}");
    assert!(waited < Duration::from_secs(3), "{waited:?}");
}

/// Whoever comes back again and again with a long wait would keep everybody else out (`max.connections`).
#[test]
fn a_fetch_does_not_outlive_its_consumer() {
    let server = Server::start();
    let _creates_the_topic = client(&server);
    let before = server.connections();
    let mut consumer = Raw::connect(&server);
    let _never_answered = consumer.send(FETCH, &waiting(at(0, 0), i32::MAX, 1));
    wait_for("the connection", || (server.connections() > before).then_some(()));
    std::thread::sleep(Duration::from_millis(50)); // it waits for records now
    drop(consumer);
    wait_for("the connection to end", || (server.connections() <= before).then_some(()));
}

#[test]
fn a_fetch_waits_for_min_bytes() {
    let server = Server::start();
    let (mut reader, mut writer) = (client(&server), Raw::connect(&server));
    let started = Instant::now();
    let sent = reader.send(FETCH, &waiting(at(0, 0), 10_000, 1_500));
    writer.produce("orders", 0, large_batch(1_000));
    std::thread::sleep(Duration::from_millis(200));
    writer.produce("orders", 0, large_batch(1_000));
    assert_eq!(read(only_fetched(reader.receive(sent))).len(), 2);
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(200) && waited < Duration::from_secs(5), "{waited:?}");
}

#[test]
fn a_fetch_of_nothing_does_not_wait_for_bytes_it_did_not_ask_for() {
    let server = Server::start();
    let mut client = client(&server);
    let started = Instant::now();
    only_fetched(client.ask(FETCH, &waiting(at(0, 0), 10_000, 0)));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_waiting_fetch_does_not_hold_up_other_connections() {
    let server = Server::start();
    let mut readers: Vec<(Raw, _)> = (0..50)
        .map(|number| {
            let mut reader = Raw::connect(&server);
            if number == 0 {
                reader.create_topic("orders", 3, &[]);
            }
            let sent = reader.send(FETCH, &waiting(at(0, 0), 15_000, 1));
            (reader, sent)
        })
        .collect();
    Raw::connect(&server).append("orders", 0, &["for all"]);
    for (reader, sent) in readers.drain(..) {
        let mut reader = reader;
        assert_eq!(read(only_fetched(reader.receive(sent))), [(0, "for all".to_owned())]);
    }
}

#[test]
fn an_offset_inside_a_batch_brings_the_whole_batch() {
    let server = Server::start();
    let mut client = client(&server);
    client.append("orders", 0, &["a", "b", "c"]);
    client.append("orders", 0, &["d", "e"]);
    for (offset, first) in [(0, 0), (1, 0), (2, 0), (3, 3), (4, 3)] {
        let found = read(client.fetch("orders", 0, offset));
        assert_eq!(found.first().map(|(offset, _)| *offset), Some(first), "from {offset}");
        assert_eq!(found.last(), Some(&(4, "e".to_owned())), "from {offset}");
    }
    assert_eq!(read(client.fetch("orders", 0, 5)), []);
}

#[test]
fn at_least_one_batch_comes_however_little_is_asked_for() {
    let server = Server::start();
    let mut client = client(&server);
    for _ in 0..3 {
        client.produce("orders", 0, large_batch(5_000));
    }
    let mut request = at(0, 1);
    request.max_bytes = 1;
    request.topics[0].partitions[0].partition_max_bytes = 1;
    let found = read(only_fetched(client.ask(FETCH, &request)));
    assert_eq!(found.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1], "the first batch, whole");
}

#[test]
fn a_partition_brings_no_more_than_its_own_limit() {
    let server = Server::start();
    let mut client = client(&server);
    for _ in 0..10 {
        client.produce("orders", 0, large_batch(1_000));
        client.produce("orders", 1, large_batch(1_000));
    }
    let mut request = fetch_request("orders", vec![fetch_partition(0, 0), fetch_partition(1, 0)]);
    request.topics[0].partitions[0].partition_max_bytes = 3_500;
    request.topics[0].partitions[1].partition_max_bytes = 5_500;
    let bytes: Vec<usize> = fetched(client.ask(FETCH, &request))
        .into_iter()
        .map(|data| data.records.expect("records").len())
        .collect();
    assert!((1_000..=3_500).contains(&bytes[0]) && (3_500..=5_500).contains(&bytes[1]), "{bytes:?}");
}

#[test]
fn all_partitions_together_bring_no_more_than_max_bytes() {
    let server = Server::start();
    let mut client = client(&server);
    for partition in 0..3 {
        for _ in 0..5 {
            client.produce("orders", partition, large_batch(1_000));
        }
    }
    let mut request =
        fetch_request("orders", (0..3).map(|partition| fetch_partition(partition, 0)).collect());
    request.max_bytes = 8_000;
    let total: usize = fetched(client.ask(FETCH, &request))
        .into_iter()
        .map(|data| data.records.expect("records").len())
        .sum();
    assert!((5_000..=8_000).contains(&total), "{total}");
}

#[test]
fn an_answer_says_where_the_log_begins_and_ends() {
    let server = Server::start();
    let mut client = client(&server);
    client.append("orders", 0, &["a", "b"]);
    let data = client.fetch("orders", 0, 1);
    assert_eq!((data.log_start_offset, data.high_watermark, data.last_stable_offset), (0, 2, 2));
}

#[test]
fn read_committed_reads_what_no_transaction_wrote() {
    let server = Server::start();
    let mut client = client(&server);
    client.append("orders", 0, &["a"]);
    let data = only_fetched(client.ask(FETCH, &FetchRequest { isolation_level: 1, ..at(0, 0) }));
    assert_eq!(data.aborted_transactions, Some(vec![]));
    assert_eq!(read(data), [(0, "a".to_owned())]);
}

#[test]
fn large_batches_come_as_they_went_however_they_are_sent() {
    let server = Server::start();
    let mut client = client(&server);
    let mut sent = Vec::new();
    for bytes in [100_000, 600_000, 1_000, 70_000, 900_000, 65_536, 200] {
        let batch = large_batch(bytes);
        client.produce("orders", 0, batch.clone());
        sent.push(batch);
    }
    for offset in 0..sent.len() {
        for max_bytes in [1, 80_000, 700_000, 1 << 20, 10 << 20] {
            let mut request = at(0, i64::try_from(offset).expect("few"));
            request.topics[0].partitions[0].partition_max_bytes = max_bytes;
            let came =
                only_fetched(client.ask(FETCH, &request)).records.and_then(Records::here).expect("records");
            let mut left = &came[..];
            for batch in &sent[offset..] {
                let Some((first, rest)) = left.split_at_checked(batch.len()) else { break };
                // All but base offset and leader epoch, which the broker sets.
                assert_eq!(first[16..], batch[16..], "from {offset}, at most {max_bytes} bytes");
                left = rest;
            }
            assert_eq!(left.len(), 0, "half a batch from {offset}, at most {max_bytes} bytes");
            let most = usize::try_from(max_bytes).expect("positive").max(sent[offset].len());
            assert!(!came.is_empty() && came.len() <= most, "{} bytes from {offset}", came.len());
        }
    }
}
