//! `pending`: registering and completing a request among many others.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::pending::Pending;
use concurrency_models::sync::block_on;
use criterion::{Criterion, criterion_group, criterion_main};

fn register_and_complete(c: &mut Criterion) {
    for others in [0u64, 10_000] {
        let table: Pending<u64, u64> = Pending::new();
        let _open: Vec<_> = (0..others).map(|_| table.open().expect("open")).collect();
        c.bench_function(&format!("pending/register and complete, {others} others open"), |b| {
            b.iter(|| {
                let mut waiting = table.open().expect("open");
                table.complete(waiting.key(), 1);
                block_on(waiting.outcome())
            });
        });
    }
}

criterion_group!(benches, register_and_complete);
criterion_main!(benches);
