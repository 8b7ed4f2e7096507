//! Produce: acks, order, and what stands in the log afterwards.

use chronik_kafka::Records;
use chronik_kafka::message::metadata::MetadataRequest;
use chronik_kafka::message::produce::{ProduceRequest, ProduceResponse};
use chronik_kafka::record_batch::{BatchHeader, TimestampType};
use chronik_kafka::{ApiKey, ErrorCode};

use crate::support::Server;
use crate::support::batches::{TIME, batch, values};
use crate::support::raw::{Raw, Sent};
use crate::support::requests::{ALL, PRODUCE, only_produced, produce_request};
use crate::support::wait_for;

fn client(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    client.create_topic("orders", 3, &[]);
    client
}

#[test]
fn offsets_are_dense_from_0() {
    let server = Server::start();
    let mut client = client(&server);
    assert_eq!(client.append("orders", 0, &["a", "b", "c"]), 0);
    assert_eq!(client.append("orders", 0, &["d"]), 3);
    assert_eq!(client.append("orders", 1, &["e"]), 0, "every partition counts for itself");
    let all = ["a", "b", "c", "d"].map(str::to_owned);
    let all: Vec<(i64, String)> = (0..).zip(all).collect();
    assert_eq!(client.read_all("orders", 0), all);
}

#[test]
fn every_version_appends() {
    let server = Server::start();
    let mut client = client(&server);
    let topic_id = client.topic("orders", false).topic_id;
    for (offset, version) in (0..).zip(3..=ApiKey::Produce.versions().max) {
        let mut request = produce_request("orders", 0, ALL, batch(&["x"]));
        if version >= 13 {
            request.topic_data[0].topic_id = topic_id;
        }
        let response = client.ask(version, &request);
        if version >= 13 {
            assert_eq!(response.responses[0].topic_id, topic_id);
        } else {
            assert_eq!(response.responses[0].name, "orders");
        }
        let produced = only_produced(response);
        assert_eq!(
            (produced.error_code, produced.base_offset),
            (ErrorCode::NONE, offset),
            "version {version}"
        );
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start();
    let mut client = client(&server);
    for _ in 0..20 {
        let first = client.send(PRODUCE, &produce_request("orders", 0, ALL, batch(&["x"])));
        let second = client.send(1, &MetadataRequest::default());
        let third = client.send(PRODUCE, &produce_request("orders", 1, 1, batch(&["y"])));
        let fourth = client.send(9, &MetadataRequest::default());
        client.receive(first);
        client.receive(second);
        client.receive(third);
        client.receive(fourth);
    }
}

#[test]
fn many_in_flight_keep_their_order_in_the_log() {
    let server = Server::start();
    let mut client = client(&server);
    let mut in_flight: std::collections::VecDeque<Sent<ProduceResponse>> = [].into();
    let mut expected = Vec::new();
    let take = |client: &mut Raw, sent| {
        let produced = only_produced(client.receive(sent));
        assert_eq!(produced.error_code, ErrorCode::NONE);
    };
    for number in 0..500 {
        let value = number.to_string();
        in_flight.push_back(client.send(PRODUCE, &produce_request("orders", 2, ALL, batch(&[&value]))));
        expected.push((number, value));
        if in_flight.len() == 5 {
            let oldest = in_flight.pop_front().expect("five");
            take(&mut client, oldest);
        }
    }
    in_flight.into_iter().for_each(|sent| take(&mut client, sent));
    assert_eq!(client.read_all("orders", 2), expected);
}

#[test]
fn acks_0_appends_without_an_answer() {
    let server = Server::start();
    let mut client = client(&server);
    client.tell(PRODUCE, &produce_request("orders", 0, 0, batch(&["a"])));
    client.tell(PRODUCE, &produce_request("orders", 0, 0, batch(&["b"])));
    // What comes next is the answer to this, and the two are in the log before it.
    assert_eq!(client.append("orders", 0, &["c"]), 2);
    let read = client.fetch("orders", 0, 0).records.and_then(Records::here).expect("records");
    assert_eq!(values(read.into()), ["a", "b", "c"]);
}

/// `timeout.ms` is for the replicas: the leader's own log has the batch, whatever the client is told.
#[test]
fn a_produce_without_any_time_is_answered_when_the_log_has_it() {
    let server = Server::start();
    let mut client = client(&server);
    for (acks, offset) in [(1, 0), (-1, 1)] {
        let request = ProduceRequest { timeout_ms: 0, ..produce_request("orders", 0, acks, batch(&["a"])) };
        let response = only_produced(client.ask(PRODUCE, &request));
        assert_eq!((response.error_code, response.base_offset), (ErrorCode::NONE, offset), "acks={acks}");
    }
}

#[test]
fn an_error_with_acks_0_ends_the_connection() {
    let server = Server::start();
    for topic in ["orders", "no-such-topic"] {
        let mut client = Raw::connect(&server);
        if topic == "orders" {
            client.create_topic("orders", 1, &[]);
            client.tell(PRODUCE, &produce_request(topic, 99, 0, batch(&["a"])));
        } else {
            client.tell(PRODUCE, &produce_request(topic, 0, 0, batch(&["a"])));
        }
        client.expect_hung_up();
        // Both directions are closed at once: what is sent now arrives nowhere.
        wait_for("an error when writing", || client.try_write(&[0]).err());
        let lines = server.logged(&client.address().to_string());
        assert!(lines.len() == 1 && lines[0].contains("UNKNOWN_TOPIC_OR_PARTITION"), "{lines:#?}");
    }
}

#[test]
fn other_acks_are_refused() {
    let server = Server::start();
    let mut client = client(&server);
    for acks in [2, -2, i16::MAX] {
        let produced = only_produced(client.ask(PRODUCE, &produce_request("orders", 0, acks, batch(&["a"]))));
        assert_eq!(produced.error_code, ErrorCode::INVALID_REQUIRED_ACKS);
    }
    assert_eq!(client.read_all("orders", 0), []);
}

#[test]
fn what_does_not_exist_is_named() {
    let server = Server::start();
    let mut client = client(&server);
    assert_eq!(client.produce("nowhere", 0, batch(&["a"])).error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    for partition in [3, -1, i32::MAX] {
        let produced = client.produce("orders", partition, batch(&["a"]));
        assert_eq!(produced.error_code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "{partition}");
    }
    let mut by_id = produce_request("", 0, ALL, batch(&["a"]));
    by_id.topic_data[0].topic_id = uuid::Uuid::from_u128(1);
    assert_eq!(only_produced(client.ask(13, &by_id)).error_code, ErrorCode::UNKNOWN_TOPIC_ID);
}

#[test]
fn create_time_is_kept_and_append_time_is_the_servers() {
    let server = Server::start();
    let mut client = client(&server);
    let created = client.produce("orders", 0, batch(&["a"]));
    assert_eq!(created.log_append_time_ms, -1);
    let stored =
        BatchHeader::parse(&client.fetch("orders", 0, 0).records.and_then(Records::here).expect("records"))
            .expect("a batch");
    assert_eq!((stored.timestamp_type(), stored.max_timestamp), (TimestampType::CreateTime, TIME));

    client.create_topic("stamped", 1, &["message.timestamp.type=LogAppendTime"]);
    let appended = client.produce("stamped", 0, batch(&["a"]));
    assert!(appended.log_append_time_ms > TIME);
    let records = client.fetch("stamped", 0, 0).records.and_then(Records::here).expect("records");
    let stored = BatchHeader::parse(&records).expect("a batch");
    let expected = (TimestampType::LogAppendTime, appended.log_append_time_ms);
    assert_eq!((stored.timestamp_type(), stored.max_timestamp), expected);
    assert_eq!(values(records.into()), ["a"], "the CRC fits the new timestamp");
}

#[test]
fn too_few_in_sync_replicas_refuse_acks_all_only() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("strict", 1, &["min.insync.replicas=2"]);
    assert_eq!(client.produce("strict", 0, batch(&["a"])).error_code, ErrorCode::NOT_ENOUGH_REPLICAS);
    let one = only_produced(client.ask(PRODUCE, &produce_request("strict", 0, 1, batch(&["b"]))));
    assert_eq!(one.error_code, ErrorCode::NONE);
    assert_eq!(client.read_all("strict", 0), [(0, "b".to_owned())]);
}

#[test]
fn transactions_are_refused_not_ignored() {
    let server = Server::start();
    let mut client = client(&server);
    let mut request = produce_request("orders", 0, ALL, batch(&["a"]));
    request.transactional_id = Some("payments".into());
    assert_eq!(only_produced(client.ask(PRODUCE, &request)).error_code, ErrorCode::INVALID_TXN_STATE);
    let transactional = crate::support::batches::forged(&["a"], |header| header.attributes |= 0x10);
    assert_eq!(client.produce("orders", 0, transactional).error_code, ErrorCode::INVALID_TXN_STATE);
}
