//! `timeout_monitor` and `election_worker`: a node dies that led many partitions. From the tick to the last new leader.
#![cfg(not(any(loom, shuttle)))]

use std::sync::Arc;

use concurrency_models::election_worker::{ElectionWorker, MetadataLeader, Verdict};
use concurrency_models::heartbeat_map::{Heartbeat, HeartbeatMap, Suspect};
use concurrency_models::mailbox;
use concurrency_models::sync::block_on;
use concurrency_models::timeout_monitor::{Event, TimeoutMonitor};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const PARTITIONS: u32 = 1_000;

/// Elects at once.
struct AtOnce;

impl MetadataLeader<u32> for AtOnce {
    async fn elect(&self, suspect: Suspect<u32>) -> Verdict {
        Verdict::Led(Heartbeat { leader_epoch: suspect.last.leader_epoch + 1, at_ms: 1_000 })
    }
}

/// A node that follows all partitions, and the tick that finds their leaders silent.
fn at_the_tick() -> (TimeoutMonitor<u32>, ElectionWorker<u32, AtOnce>) {
    let heartbeats = Arc::new(HeartbeatMap::new(PARTITIONS as usize));
    (0..PARTITIONS)
        .for_each(|partition| heartbeats.follow(partition, Heartbeat { leader_epoch: 1, at_ms: 0 }));
    let (events, inbox) = mailbox::channel(1);
    events.try_send(Event::Tick { now_ms: 1_000 }).expect("there is room");
    (TimeoutMonitor::new(inbox, heartbeats.clone(), 600), ElectionWorker::new(heartbeats, AtOnce))
}

fn a_node_dies(c: &mut Criterion) {
    let mut group = c.benchmark_group("election_worker/a node dies");
    group.throughput(Throughput::Elements(u64::from(PARTITIONS)));
    group.bench_function("that led 1000 partitions", |b| {
        b.iter_batched(
            at_the_tick,
            |(monitor, worker)| {
                block_on(monitor.run());
                block_on(worker.run());
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, a_node_dies);
criterion_main!(benches);
