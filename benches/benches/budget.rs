//! `budget`: what a request pays for its memory.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::budget::Budget;
use concurrency_models::sync::block_on;
use criterion::{Criterion, criterion_group, criterion_main};

fn reserve_and_give_back(c: &mut Criterion) {
    let budget = Budget::new(1 << 20);
    c.bench_function("budget/reserve what is free", |b| b.iter(|| block_on(budget.reserve(1_024))));
    c.bench_function("budget/try_reserve", |b| b.iter(|| budget.try_reserve(1_024)));
}

criterion_group!(benches, reserve_and_give_back);
criterion_main!(benches);
