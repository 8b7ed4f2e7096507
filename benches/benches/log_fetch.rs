//! Reading a warm segment.
#![cfg(not(any(loom, shuttle)))]

mod log_support;

use chronik_log::ReadMode;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use log_support::TestLog;

/// Bytes in the log that is read.
const LOG_BYTES: usize = 64 << 20;

fn read(c: &mut Criterion) {
    let mut log = TestLog::new();
    for _ in 0..LOG_BYTES / 1_000_000 {
        log.append(vec![log_support::batch(1_000_000)]);
    }
    let (view, end) = log.view();
    let mut group = c.benchmark_group("log/read a warm segment");
    for bytes in [1_000, 1 << 20] {
        group.throughput(Throughput::Bytes(1 << 20));
        let mut offset = 0;
        group.bench_function(format!("{bytes} B wanted"), |b| {
            b.iter(|| {
                offset = (offset + 1_777) % end;
                view.read(offset, bytes, end, ReadMode::Inline).expect("warm")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
