//! `heartbeat_map`: what a heartbeat costs, what a sweep over many partitions does, and what both do to each other.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use concurrency_models::heartbeat_map::{Frame, Heartbeat, HeartbeatMap};
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

/// A heartbeat frame covers all partitions of a connection.
fn hear(c: &mut Criterion) {
    let mut group = c.benchmark_group("heartbeat_map/a frame");
    for partitions in [1u32, 1_000] {
        let heartbeats = following(10_000);
        let frame = Frame::Heartbeat((0..partitions).map(|partition| (partition, 1)).collect());
        group.throughput(Throughput::Elements(u64::from(partitions)));
        group
            .bench_function(format!("of {partitions} partitions"), |b| b.iter(|| heartbeats.hear(&frame, 1)));
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
    const FRAMES: u64 = 200;
    const EACH: u32 = 500;
    let heartbeats = following(2 * EACH);
    let frames =
        [0, EACH].map(|from| Frame::Heartbeat((from..from + EACH).map(|partition| (partition, 1)).collect()));
    let mut group = c.benchmark_group("heartbeat_map/two connections");
    group.throughput(Throughput::Elements(2 * FRAMES * u64::from(EACH)));
    group.bench_function("each with 500 partitions", |b| {
        b.iter(|| {
            std::thread::scope(|scope| {
                for frame in &frames {
                    scope.spawn(|| (0..FRAMES).for_each(|_| heartbeats.hear(frame, 1)));
                }
            });
        });
    });
    group.finish();
}

criterion_group!(benches, hear, sweep, two_connections);
criterion_main!(benches);
