//! Appending to the log: WAL write, sync, segment write.
#![cfg(not(any(loom, shuttle)))]

mod log_support;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use log_support::TestLog;

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("log/append and commit");
    group.sample_size(20);
    for (bytes, batches) in [(1_000, 1), (1_000, 64), (1_000_000, 1), (1_000_000, 4)] {
        let mut log = TestLog::new();
        group.throughput(Throughput::Bytes((bytes * batches) as u64));
        group.bench_function(format!("{batches} batches of {bytes} B"), |b| {
            b.iter_batched(
                || vec![log_support::batch(bytes); batches],
                |group| log.append(group),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
