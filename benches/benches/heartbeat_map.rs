//! `heartbeat_map`: what a heartbeat costs, what a sweep over many partitions does, and what both do to each other.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// No leader of these benches is silent for that long.
const TIMEOUT_MS: i64 = 600;

/// Follows partitions `0..partitions`, heard of at 0.
fn following(partitions: u32) -> HeartbeatMap<u32> {
    let heartbeats = HeartbeatMap::new(1_024);
    (0..partitions)
        .for_each(|partition| heartbeats.follow(partition, Heartbeat { leader_epoch: 1, at_ms: 0 }));
    heartbeats
}

/// What a heartbeat from a node comes to: it leads these partitions.
fn hear_of(heartbeats: &HeartbeatMap<u32>, led: &[u32]) {
    led.iter().for_each(|partition| heartbeats.heartbeat(partition, Heartbeat { leader_epoch: 1, at_ms: 1 }));
}

/// A heartbeat of a node is one for each partition that it leads.
fn hear(c: &mut Criterion) {
    let mut group = c.benchmark_group("heartbeat_map/a node");
    for partitions in [1u32, 1_000] {
        let heartbeats = following(10_000);
        let led: Vec<_> = (0..partitions).collect();
        group.throughput(Throughput::Elements(u64::from(partitions)));
        group
            .bench_function(format!("of {partitions} partitions"), |b| b.iter(|| hear_of(&heartbeats, &led)));
    }
    group.finish();
}

/// Nobody is silent: what each tick costs.
fn sweep(c: &mut Criterion) {
    let mut group = c.benchmark_group("heartbeat_map/a sweep");
    for partitions in [100u32, 10_000] {
        let heartbeats = following(partitions);
        group.throughput(Throughput::Elements(u64::from(partitions)));
        group.bench_function(format!("over {partitions}"), |b| b.iter(|| heartbeats.sweep(1, TIMEOUT_MS)));
    }
    group.finish();
}

/// Two connections hear of their leaders at once.
fn two_connections(c: &mut Criterion) {
    const TIMES: u64 = 200;
    const EACH: u32 = 500;
    let heartbeats = following(2 * EACH);
    let nodes = [0, EACH].map(|from| (from..from + EACH).collect::<Vec<_>>());
    let mut group = c.benchmark_group("heartbeat_map/two connections");
    group.throughput(Throughput::Elements(2 * TIMES * u64::from(EACH)));
    group.bench_function("each with 500 partitions", |b| {
        b.iter(|| {
            std::thread::scope(|scope| {
                for led in &nodes {
                    scope.spawn(|| (0..TIMES).for_each(|_| hear_of(&heartbeats, led)));
                }
            });
        });
    });
    group.finish();
}

criterion_group!(benches, hear, sweep, two_connections);
criterion_main!(benches);
