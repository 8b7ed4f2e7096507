//! `publication`: what the flusher pays to publish, and a consumer to look.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::publication::Publication;
use criterion::{Criterion, criterion_group, criterion_main};

fn publish_and_read(c: &mut Criterion) {
    let publication = Publication::new(0u64, 0);
    let mut high_watermark = 0;
    c.bench_function("publication/advance", |b| {
        b.iter(|| {
            high_watermark += 1;
            publication.advance(high_watermark);
        });
    });
    c.bench_function("publication/read", |b| b.iter(|| publication.read()));
}

criterion_group!(benches, publish_and_read);
criterion_main!(benches);
