//! `epoch`: reading the leadership, acting under it, refusing who is late.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::epoch::{Fence, Leadership};
use concurrency_models::sync::block_on;
use criterion::{Criterion, criterion_group, criterion_main};

fn benches_of_epoch(c: &mut Criterion) {
    let fence = Fence::new(0_i64);
    fence.become_leader(1, |_| ()).expect("the first epoch");
    let leads = Leadership::leader(1);
    c.bench_function("epoch/current", |b| b.iter(|| fence.current()));
    c.bench_function("epoch/an act in the epoch", |b| b.iter(|| fence.guarded(leads, |state| **state += 1)));
    c.bench_function("epoch/an act of an older epoch", |b| {
        b.iter(|| fence.guarded(Leadership::leader(0), |state| **state += 1));
    });
    c.bench_function("epoch/wait for what is there", |b| {
        b.iter(|| block_on(fence.until(leads, 0, |state| Some(*state))));
    });
}

criterion_group!(benches, benches_of_epoch);
criterion_main!(benches);
