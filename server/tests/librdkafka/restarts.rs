//! A server that dies and comes back under clients that stay.

use rdkafka::Offset;

use crate::client::{consumer, expect_end, of_partition, producer, receive, send, some_records};
use crate::support::Server;
use crate::support::raw::Raw;

#[test]
fn a_consumer_goes_on_after_a_crash_where_it_was() {
    let mut server = Server::start();
    Raw::connect(&server).create_topic("orders", 1, &[]);
    let (before, after) = (some_records(1_000, 1, 1), some_records(1_000, 1, 2));
    let producer = producer(&server, &[("enable.idempotence", "true"), ("compression.type", "lz4")]);
    send(&producer, "orders", &before);
    let consumer = consumer(&server, "orders", &[(0, Offset::Beginning)]);
    let mut received = receive(&consumer, 400);
    server.crash();
    send(&producer, "orders", &after);
    received.extend(receive(&consumer, 1_600));
    expect_end(&consumer);
    assert!(received.iter().map(|(offset, _)| *offset).eq(0..2_000), "nothing twice, nothing left out");
    assert!(received.iter().map(|(_, known)| known).eq(before.iter().chain(&after)));
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash_and_after_a_clean_stop() {
    let mut server = Server::start();
    Raw::connect(&server).create_topic("orders", 3, &[]);
    let records = some_records(3_000, 3, 8);
    send(&producer(&server, &[("compression.type", "zstd")]), "orders", &records);
    let assert_all = |server: &Server| {
        let from = [0, 1, 2].map(|partition| (partition, Offset::Beginning));
        let received = receive(&consumer(server, "orders", &from), records.len());
        for partition in 0..3 {
            let of_this =
                received.iter().map(|(_, known)| known).filter(|known| known.partition == partition);
            assert!(of_this.eq(of_partition(&records, partition)));
        }
    };
    server.crash();
    assert!(server.log().contains("unclean"), "it says that it recovered");
    assert_all(&server);
    assert_eq!(server.terminate().code(), Some(0));
    server.restart();
    assert!(!server.log().contains("unclean"), "a clean stop leaves nothing to recover");
    assert_all(&server);
}
