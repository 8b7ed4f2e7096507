//! Consumers of librdkafka in a group: they share the partitions, give them up, take them over, and go on where the group was.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;

use crate::client::{config, producer, send, some_records};
use crate::support::raw::Raw;
use crate::support::{PATIENCE, Server};

const PARTITIONS: i32 = 4;
const QUICK: [&str; 2] = ["group.initial.rebalance.delay.ms=100", "group.min.session.timeout.ms=500"];

/// A consumer of "orders" in the group "g".
fn member(server: &Server, settings: &[(&str, &str)]) -> BaseConsumer {
    let mut config = config(server);
    config
        .set("group.id", "g")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "200")
        .set("fetch.wait.max.ms", "100");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    let consumer: BaseConsumer = config.create().expect("a consumer");
    consumer.subscribe(&["orders"]).expect("subscribed");
    consumer
}

/// What came: partition and offset of each record.
type Seen = BTreeSet<(i32, i64)>;

/// Polls all of them until `done`.
fn poll_until(consumers: &[&BaseConsumer], seen: &mut Seen, mut done: impl FnMut(&Seen) -> bool) {
    let deadline = Instant::now() + 2 * PATIENCE;
    while !done(seen) {
        assert!(Instant::now() < deadline, "only {} records, {:?}", seen.len(), shares(consumers));
        for consumer in consumers {
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) {
                let new = seen.insert((message.partition(), message.offset()));
                assert!(new, "offset {} of partition {} came twice", message.offset(), message.partition());
            }
        }
    }
}

/// How many partitions each of them has.
fn shares(consumers: &[&BaseConsumer]) -> Vec<usize> {
    consumers.iter().map(|consumer| consumer.assignment().expect("known").count()).collect()
}

/// Commits what it has seen since it last did, if anything.
fn commit(consumer: &BaseConsumer) {
    let committed = consumer.commit_consumer_state(CommitMode::Sync);
    let nothing_new = |error: &KafkaError| error.rdkafka_error_code() == Some(RDKafkaErrorCode::NoOffset);
    assert!(committed.as_ref().err().is_none_or(nothing_new), "{committed:?}");
}

fn with_records(count: usize) -> Server {
    let server = Server::with(&QUICK);
    Raw::connect(&server).create_topic("orders", PARTITIONS, &[]);
    send(&producer(&server, &[]), "orders", &some_records(count, PARTITIONS, 4));
    server
}

fn rebalances(strategy: &str) {
    let server = with_records(400);
    let first = member(&server, &[("partition.assignment.strategy", strategy)]);
    let mut seen = Seen::new();
    poll_until(&[&first], &mut seen, |seen| seen.len() == 400);
    commit(&first);
    let second = member(&server, &[("partition.assignment.strategy", strategy)]);
    poll_until(&[&first, &second], &mut seen, |_| shares(&[&first, &second]) == [2, 2]);
    send(&producer(&server, &[]), "orders", &some_records(200, PARTITIONS, 5));
    poll_until(&[&first, &second], &mut seen, |seen| seen.len() == 600);
    [&first, &second].into_iter().for_each(commit);
    drop(second); // it leaves
    poll_until(&[&first], &mut seen, |_| shares(&[&first]) == [4]);
    commit(&first);
    send(&producer(&server, &[]), "orders", &some_records(40, PARTITIONS, 6));
    poll_until(&[&first], &mut seen, |seen| seen.len() == 640);
}

#[test]
fn two_eager_consumers_share_the_partitions() {
    rebalances("range");
}

#[test]
fn two_cooperative_consumers_share_the_partitions() {
    rebalances("cooperative-sticky");
}

#[test]
fn a_group_goes_on_after_a_crash_where_it_was() {
    let mut server = with_records(400);
    let consumer = member(&server, &[]);
    let mut seen = Seen::new();
    poll_until(&[&consumer], &mut seen, |seen| seen.len() >= 150);
    commit(&consumer);
    server.crash();
    poll_until(&[&consumer], &mut seen, |seen| seen.len() == 400);
    commit(&consumer);
    drop(consumer);
    server.crash();
    send(&producer(&server, &[]), "orders", &some_records(40, PARTITIONS, 5));
    let another = member(&server, &[]);
    poll_until(&[&another], &mut seen, |seen| seen.len() == 440); // nothing twice
    let committed = another.committed(PATIENCE).expect("answered");
    assert!(committed.elements().iter().all(|partition| partition.offset() == Offset::Offset(100)));
}

#[test]
fn offsets_are_committed_by_themselves() {
    let server = with_records(80);
    let settings = [("enable.auto.commit", "true"), ("auto.commit.interval.ms", "100")];
    let first = member(&server, &settings);
    let mut seen = Seen::new();
    poll_until(&[&first], &mut seen, |seen| seen.len() == 80);
    drop(first); // commits, and leaves
    send(&producer(&server, &[]), "orders", &some_records(8, PARTITIONS, 5));
    poll_until(&[&member(&server, &settings)], &mut seen, |seen| seen.len() == 88);
}

#[test]
fn a_static_consumer_comes_back_without_a_rebalance() {
    let server = with_records(40);
    let (one, two) = ([("group.instance.id", "one")], [("group.instance.id", "two")]);
    let (first, second) = (member(&server, &one), member(&server, &two));
    let mut seen = Seen::new();
    poll_until(&[&first, &second], &mut seen, |seen| {
        seen.len() == 40 && shares(&[&first, &second]) == [2, 2]
    });
    commit(&second);
    let kept = first.assignment().expect("known");
    drop(second); // a static member does not leave
    let back = member(&server, &two);
    send(&producer(&server, &[]), "orders", &some_records(40, PARTITIONS, 9));
    poll_until(&[&first, &back], &mut seen, |seen| seen.len() == 80);
    assert_eq!(first.assignment().expect("known"), kept);
    assert_eq!(shares(&[&back]), [2]);
}
