//! Idempotent producers (KIP-98): each batch is in the log once, and in order, whatever is sent again.

use chronik_kafka::ErrorCode;

use crate::support::Server;
use crate::support::batches::batch_by;
use crate::support::raw::Raw;
use crate::support::requests::{ALL, PRODUCE, only_produced, produce_request};

/// A producer with its sequence numbers in one partition.
struct Producer {
    client: Raw,
    id: i64,
}

impl Producer {
    fn new(server: &Server) -> Self {
        let mut client = Raw::connect(server);
        if client.topic("orders", false).error_code != ErrorCode::NONE {
            client.create_topic("orders", 2, &[]);
        }
        let id = client.producer_id();
        Self { client, id }
    }

    fn produce(&mut self, epoch: i16, sequence: i32, values: &[&str]) -> (ErrorCode, i64) {
        let produced = self.client.produce("orders", 0, batch_by(self.id, epoch, sequence, values));
        (produced.error_code, produced.base_offset)
    }

    fn count(&mut self) -> usize {
        self.client.read_all("orders", 0).len()
    }
}

const OK: ErrorCode = ErrorCode::NONE;
const OUT_OF_ORDER: (ErrorCode, i64) = (ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER, -1);

#[test]
fn producer_ids_are_given_out_once_also_across_a_crash() {
    let mut server = Server::start();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut client = Raw::connect(&server);
        ids.extend((0..50).map(|_| client.producer_id()));
        server.crash();
    }
    let given = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), given);
}

#[test]
fn a_batch_sent_again_is_answered_with_its_first_offset() {
    let server = Server::start();
    let mut producer = Producer::new(&server);
    for (number, sequence) in (0..5).map(|number| (number, number * 2)) {
        assert_eq!(producer.produce(0, sequence, &["a", "b"]), (OK, i64::from(number) * 2));
    }
    for sequence in [8, 6, 4, 2, 0] {
        assert_eq!(producer.produce(0, sequence, &["a", "b"]), (OK, i64::from(sequence)), "of the last five");
    }
    assert_eq!(producer.count(), 10);
    assert_eq!(producer.produce(0, 10, &["c"]), (OK, 10), "and on it goes");
}

#[test]
fn a_gap_or_an_overlap_is_out_of_order() {
    let server = Server::start();
    let mut producer = Producer::new(&server);
    assert_eq!(producer.produce(0, 0, &["a", "b"]), (OK, 0));
    for sequence in [3, 1, i32::MAX] {
        assert_eq!(producer.produce(0, sequence, &["x", "y"]), OUT_OF_ORDER, "{sequence}");
    }
    assert_eq!(producer.count(), 2);
    assert_eq!(producer.produce(0, 2, &["c"]), (OK, 2));
}

#[test]
fn a_new_epoch_starts_at_0_and_fences_the_old_one() {
    let server = Server::start();
    let mut producer = Producer::new(&server);
    assert_eq!(producer.produce(0, 0, &["a"]), (OK, 0));
    assert_eq!(producer.produce(1, 5, &["b"]), OUT_OF_ORDER, "a new epoch starts at 0");
    assert_eq!(producer.produce(1, 0, &["b"]), (OK, 1));
    assert_eq!(producer.produce(0, 1, &["c"]).0, ErrorCode::INVALID_PRODUCER_EPOCH);
    assert_eq!(producer.count(), 2);
}

#[test]
fn every_partition_has_its_own_sequence() {
    let server = Server::start();
    let mut producer = Producer::new(&server);
    assert_eq!(producer.produce(0, 0, &["a"]), (OK, 0));
    let other = producer.client.produce("orders", 1, batch_by(producer.id, 0, 0, &["b"]));
    assert_eq!((other.error_code, other.base_offset), (OK, 0));
}

#[test]
fn a_crash_forgets_no_sequence() {
    let mut server = Server::start();
    let mut producer = Producer::new(&server);
    assert_eq!(producer.produce(0, 0, &["a"]), (OK, 0));
    assert_eq!(producer.produce(0, 1, &["b"]), (OK, 1));
    server.crash();
    producer.client = Raw::connect(&server);
    assert_eq!(producer.produce(0, 1, &["b"]), (OK, 1), "a duplicate, also after the crash");
    assert_eq!(producer.produce(0, 3, &["d"]), OUT_OF_ORDER);
    assert_eq!(producer.produce(0, 2, &["c"]), (OK, 2));
    assert_eq!(server.terminate().code(), Some(0));
    server.restart();
    producer.client = Raw::connect(&server);
    assert_eq!(producer.produce(0, 0, &["a"]), (OK, 0), "and after a clean stop");
    assert_eq!(producer.count(), 3);
}

#[test]
fn of_pipelined_batches_those_behind_a_gap_are_refused_too() {
    let server = Server::start();
    let mut producer = Producer::new(&server);
    let id = producer.id;
    let client = &mut producer.client;
    let sent: Vec<_> = [0, 1, 3, 4, 2]
        .map(|sequence| produce_request("orders", 0, ALL, batch_by(id, 0, sequence, &["x"])))
        .map(|request| client.send(PRODUCE, &request))
        .into_iter()
        .collect();
    let codes: Vec<ErrorCode> =
        sent.into_iter().map(|sent| only_produced(client.receive(sent)).error_code).collect();
    let refused = ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER;
    assert_eq!(codes, [OK, OK, refused, refused, OK]);
}

/// librdkafka takes OUT_OF_ORDER_SEQUENCE_NUMBER for lost records, and sends twice what is under way to other partitions.
#[test]
fn what_is_sent_behind_a_refused_batch_is_refused_for_the_same_reason() {
    let server = Server::start();
    let mut producer = Producer::new(&server);
    assert_eq!(producer.produce(0, 0, &["a", "b"]), (OK, 0));
    producer.client.set_topic_config("orders", "min.insync.replicas", "2");
    let refused = (ErrorCode::NOT_ENOUGH_REPLICAS, -1);
    assert_eq!(producer.produce(0, 2, &["c"]), refused);
    producer.client.set_topic_config("orders", "min.insync.replicas", "1");
    assert_eq!(producer.produce(0, 3, &["d"]), refused, "it follows on the one that was refused");
    assert_eq!(producer.produce(0, 2, &["c"]), (OK, 2));
    assert_eq!(producer.produce(0, 3, &["d"]), (OK, 3));
    assert_eq!(producer.produce(0, 5, &["f"]), OUT_OF_ORDER, "nothing was refused since: it is lost");
    assert_eq!(producer.count(), 4);
}
