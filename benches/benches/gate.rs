//! `gate`: what a request pays to be inside.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::gate::Gate;
use criterion::{Criterion, criterion_group, criterion_main};

fn enter_and_leave(c: &mut Criterion) {
    let gate = Gate::new();
    c.bench_function("gate/enter and leave", |b| b.iter(|| gate.enter()));
}

criterion_group!(benches, enter_and_leave);
criterion_main!(benches);
