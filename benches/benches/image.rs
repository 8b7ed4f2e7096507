//! `image`: what a reader pays for a picture, alone and against a writer.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::image::Image;
use criterion::{Criterion, criterion_group, criterion_main};

fn load_and_update(c: &mut Criterion) {
    let image = Image::new(0u64);
    c.bench_function("image/load", |b| b.iter(|| image.load()));
    c.bench_function("image/update", |b| b.iter(|| image.update(|value| value + 1)));
}

criterion_group!(benches, load_and_update);
criterion_main!(benches);
