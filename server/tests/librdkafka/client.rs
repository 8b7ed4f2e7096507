//! A producer and a consumer that compare what goes in with what comes out.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

use crate::support::{PATIENCE, Server};

/// A record as its producer knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) partition: i32,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) timestamp: i64,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Where clients begin.
pub(crate) fn config(server: &Server) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", server.kafka.to_string()).set("linger.ms", "2");
    config.set("reconnect.backoff.ms", "20").set("reconnect.backoff.max.ms", "100");
    config
}

/// A producer that keeps the order of its records, with settings of its own.
pub(crate) fn producer(server: &Server, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = config(server);
    config.set("message.timeout.ms", PATIENCE.as_millis().to_string());
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config.create().expect("a producer")
}

/// Waits for what the library does in the background.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let bounded = async { tokio::time::timeout(2 * PATIENCE, future).await.expect("in time") };
    runtime.block_on(bounded)
}

/// Sends all records, then waits until each is acknowledged. Their offsets, in the same order.
pub(crate) fn send(producer: &FutureProducer, topic: &str, records: &[Known]) -> Vec<i64> {
    let sent: Vec<_> = records
        .iter()
        .map(|known| {
            let mut record: FutureRecord<'_, [u8], [u8]> =
                FutureRecord::to(topic).partition(known.partition).timestamp(known.timestamp);
            record.key = known.key.as_deref();
            record.payload = known.value.as_deref();
            if !known.headers.is_empty() {
                record.headers = Some(headers(known));
            }
            producer.send_result(record).map_err(|(error, _)| error).expect("queued")
        })
        .collect();
    wait(async {
        let mut offsets = Vec::with_capacity(sent.len());
        for sent in sent {
            let delivery = sent.await.expect("a report").map_err(|(error, _)| error).expect("acknowledged");
            offsets.push(delivery.offset);
        }
        offsets
    })
}

fn headers(known: &Known) -> OwnedHeaders {
    known.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: value.as_deref() })
    })
}

/// Sends one record; what the server said.
pub(crate) fn try_send(producer: &FutureProducer, topic: &str, value: &[u8]) -> Result<i64, KafkaError> {
    let record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).partition(0).payload(value);
    let sent = wait(producer.send(record, Timeout::After(PATIENCE)));
    sent.map(|delivery| delivery.offset).map_err(|(error, _)| error)
}

/// A consumer of these partitions, from an offset each.
pub(crate) fn consumer(server: &Server, topic: &str, from: &[(i32, Offset)]) -> BaseConsumer {
    let mut config = config(server);
    config.set("enable.auto.commit", "false").set("auto.offset.reset", "error").set("check.crcs", "true");
    config.set("group.id", "alone").set("fetch.wait.max.ms", "100");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut assignment = TopicPartitionList::new();
    for (partition, offset) in from {
        assignment.add_partition_offset(topic, *partition, *offset).expect("an offset");
    }
    consumer.assign(&assignment).expect("assigned");
    consumer
}

/// The next `count` records, whatever their partition. Offsets of a partition must be dense.
pub(crate) fn receive(consumer: &BaseConsumer, count: usize) -> Vec<(i64, Known)> {
    let mut received: Vec<(i64, Known)> = Vec::with_capacity(count);
    let mut next: std::collections::BTreeMap<i32, i64> = Default::default();
    while received.len() < count {
        match consumer.poll(PATIENCE) {
            Some(Ok(message)) => {
                let (partition, offset) = (message.partition(), message.offset());
                let expected = *next.get(&partition).unwrap_or(&offset);
                assert_eq!(offset, expected, "offsets of partition {partition} are dense");
                next.insert(partition, offset + 1);
                received.push((offset, known(&message)));
            }
            Some(Err(error)) if is_passing(&error) => {}
            Some(Err(error)) => panic!("after {} of {count} records: {error}", received.len()),
            None => panic!("only {} of {count} records in {PATIENCE:?}", received.len()),
        }
    }
    received
}

/// Asserts that nothing more comes.
pub(crate) fn expect_end(consumer: &BaseConsumer) {
    if let Some(Ok(message)) = consumer.poll(Duration::from_millis(300)) {
        panic!("one too many: offset {} of partition {}", message.offset(), message.partition());
    }
}

/// While the server is away, and of its groups, which are away with it.
fn is_passing(error: &KafkaError) -> bool {
    use rdkafka::error::RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, CoordinatorNotAvailable, InvalidReplicationFactor,
    };
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| {
        [AllBrokersDown, BrokerTransportFailure, CoordinatorNotAvailable, InvalidReplicationFactor]
            .contains(&code)
    })
}

fn known(message: &BorrowedMessage<'_>) -> Known {
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    Known {
        partition: message.partition(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        timestamp: message.timestamp().to_millis().unwrap_or(-1),
        headers: headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect(),
    }
}

/// Records of all kinds and sizes, over `partitions` in turn.
pub(crate) fn some_records(count: usize, partitions: i32, seed: u64) -> Vec<Known> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut bytes = |longest: usize| {
        let compressible = rng.bool();
        let length = rng.usize(..longest);
        (0..length).map(|_| if compressible { b'a' + rng.u8(..3) } else { rng.u8(..) }).collect::<Vec<u8>>()
    };
    (0..partitions)
        .cycle()
        .take(count)
        .enumerate()
        .map(|(number, partition)| Known {
            partition,
            key: (number % 7 != 0).then(|| bytes(20)),
            value: (number % 11 != 0).then(|| bytes(if number % 100 == 0 { 20_000 } else { 300 })),
            timestamp: 1_700_000_000_000 + i64::try_from(number).expect("few"),
            headers: (0..number % 3).map(|n| (format!("header-{n}"), (n != 1).then(|| bytes(9)))).collect(),
        })
        .collect()
}

/// The records of one partition, in order.
pub(crate) fn of_partition(records: &[Known], partition: i32) -> Vec<&Known> {
    records.iter().filter(|known| known.partition == partition).collect()
}
