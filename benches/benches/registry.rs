//! `registry`: leasing one of many things.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::registry::Registry;
use criterion::{Criterion, criterion_group, criterion_main};

fn lease(c: &mut Criterion) {
    for entries in [1u64, 10_000] {
        let registry = Registry::new();
        (0..entries).for_each(|key| drop(registry.get_or_insert(&key, key)));
        c.bench_function(&format!("registry/lease one of {entries}"), |b| {
            b.iter(|| registry.lease(&(entries / 2)));
        });
    }
}

criterion_group!(benches, lease);
criterion_main!(benches);
