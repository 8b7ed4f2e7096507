//! A client that does not wait for an answer before it sends the next request: each has its answer, in the order of the requests, however long each takes.

use bytes::Buf as _;
use chronik_kafka::ErrorCode;
use chronik_kafka::message::api_versions::ApiVersionsRequest;
use chronik_log::disk::SimDisk;
use chronik_server::clock::Clock;
use chronik_server::rng::Rng;
use chronik_server::spawn::Spawner;

use crate::client::{Client, fetch, produce};
use crate::world::{EPOCH_MS, runtime, start};

/// Requests that the client sends before it reads an answer.
const REQUESTS: u64 = 30;
/// How long a fetch waits for records, at most.
const MOST_WAIT_MS: u64 = 500;

/// Runs the seed; returns how many answers came.
pub(crate) fn run(seed: u64) -> usize {
    runtime().block_on(async {
        let (disk, clock, mut rng) = (SimDisk::new(seed), Clock::starting_at(EPOCH_MS), Rng::seeded(seed));
        let (node, connector, shutdown) = start(&disk, &clock, rng.fork()).await.expect("a start");
        let mut ended = Spawner::simulated().task(async move {
            let _end = node.run().await;
        });
        let mut client = Client::connect(&connector, 1).await.expect("a connection");
        for topic in ["written", "empty"] {
            assert_eq!(client.ensure_topic(topic).await.expect("an answer"), ErrorCode::NONE);
        }
        let mut producer = client.producer_id().await.expect("a producer id");
        let mut sent = Vec::new();
        for number in 0..REQUESTS {
            let wait_ms = i32::try_from(rng.below(MOST_WAIT_MS)).expect("small");
            sent.push(match rng.below(3) {
                0 => client.send(11, &fetch("empty", 0, wait_ms)).await,
                1 => {
                    let request = produce("written", producer, &[number.to_string()]);
                    producer.next_sequence += 1;
                    client.send(9, &request).await
                }
                _ => client.send(2, &ApiVersionsRequest::default()).await,
            });
        }
        let sent: Vec<i32> = sent.into_iter().map(|sent| sent.expect("a connection")).collect();
        let mut came = Vec::new();
        while came.len() < sent.len() {
            came.push(client.answer().await.expect("an answer").get_i32());
        }
        assert_eq!(came, sent, "seed {seed}: answers do not come in the order of requests");
        drop(client);
        shutdown.request();
        let _ended = ended.wait().await;
        came.len()
    })
}
