//! `outbox`: what it costs the Raft loop to send, and how soon a heartbeat leaves while data is always waiting.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use concurrency_models::outbox::{self, Limits, Outgoing};
use concurrency_models::sync::block_on;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// Frames that one measured run sends.
const FRAMES: u64 = 40_000;
const LIMITS: Limits = Limits { raft: 64, data: 64 };

type Outbox = outbox::Outbox<u64, u64, u64>;
type Drain = outbox::Drain<u64, u64, u64>;

fn alone(c: &mut Criterion) {
    let mut group = c.benchmark_group("outbox/on one thread");
    let (outbox, mut drain): (Outbox, Drain) = outbox::channel(LIMITS);
    group.bench_function("raft message, sent and drained", |b| {
        b.iter(|| {
            let dropped = outbox.raft(1).expect("it is open");
            (dropped, block_on(drain.recv()))
        });
    });
    let (full, _nobody_drains): (Outbox, Drain) = outbox::channel(LIMITS);
    group.bench_function("raft message, the oldest makes room", |b| b.iter(|| full.raft(1)));
    group.bench_function("heartbeat, replacing one", |b| b.iter(|| full.heartbeat(1)));
    group.finish();
}

/// One thread sends data as fast as it leaves; a heartbeat that comes then is the next to leave.
fn between_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("outbox/threads");
    group.throughput(Throughput::Elements(FRAMES));
    group.bench_function("data and a heartbeat for every 100", |b| {
        b.iter_batched(
            || outbox::channel(LIMITS),
            |(outbox, drain)| pass(&outbox, drain),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Returns how many heartbeats have left.
fn pass(outbox: &Outbox, mut drain: Drain) -> u64 {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for frame in 0..FRAMES {
                if frame % 100 == 0 {
                    outbox.heartbeat(frame).expect("it is open");
                }
                block_on(outbox.data(frame)).expect("it is open");
            }
            outbox.close();
        });
        let mut heartbeats = 0;
        while let Some(next) = block_on(drain.recv()) {
            heartbeats += u64::from(matches!(next, Outgoing::Heartbeat(_)));
        }
        heartbeats
    })
}

criterion_group!(benches, alone, between_threads);
criterion_main!(benches);
