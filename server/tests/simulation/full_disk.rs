//! A disk that is full when a topic is made, so that the metadata or the topic's log finds no room: whoever asked hears of it, and when there is room
//! again, the topic is there without a restart.

use std::io::ErrorKind;
use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::{Fault, OpKind};
use chronik_server::clock::Clock;
use chronik_server::rng::Rng;
use chronik_server::spawn::Spawner;

use crate::client::Client;
use crate::world::{EPOCH_MS, runtime, start};

/// Virtual time in which a node must have noticed that there is room.
const NOTICED: Duration = Duration::from_secs(5);

/// How often something finds no room.
const TIMES: u32 = 3;

/// Writes that still find room: with none the command does not, with one the creation of its partition does not.
pub(crate) const WITH_ROOM: [u32; 2] = [0, 1];

pub(crate) fn run(seed: u64, after: u32) {
    runtime().block_on(async {
        let (disk, clock) = (SimDisk::new(seed), Clock::starting_at(EPOCH_MS));
        let (node, connector, shutdown) = start(&disk, &clock, Rng::seeded(seed)).await.expect("a start");
        let mut ended = Spawner::simulated().task(async move {
            let _end = node.run().await;
        });
        let mut client = Client::connect(&connector, 1).await.expect("a connection");
        assert_eq!(client.ensure_topic("before").await.expect("an answer"), ErrorCode::NONE);
        let (kind, path_contains, error) = (OpKind::Write, "wal/".to_owned(), ErrorKind::StorageFull);
        disk.fail(Fault { kind, path_contains, after, times: TIMES, error });
        let refused = client.ensure_topic("orders").await.expect("an answer");
        assert_eq!(refused, ErrorCode::KAFKA_STORAGE_ERROR, "seed {seed}, after {after} writes");
        clock.sleep(NOTICED).await;
        assert_eq!(client.ensure_topic("orders").await.expect("an answer"), ErrorCode::NONE, "seed {seed}");
        let producer = client.producer_id().await.expect("a producer id");
        let produced = client.produce("orders", producer, &["first".to_owned()]).await.expect("an answer");
        assert_eq!(produced, Ok(0), "seed {seed}");
        drop(client);
        shutdown.request();
        let _ended = ended.wait().await;
    });
}
