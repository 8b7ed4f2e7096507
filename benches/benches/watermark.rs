//! `watermark`: moving it, reading it, waiting for it.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use concurrency_models::sync::block_on;
use concurrency_models::watermark::Watermark;
use criterion::{Criterion, criterion_group, criterion_main};

fn benches_of_watermark(c: &mut Criterion) {
    let watermark = Watermark::new(0);
    let mut position = 0;
    c.bench_function("watermark/advance with nobody waiting", |b| {
        b.iter(|| {
            position += 1;
            watermark.advance(position)
        });
    });
    c.bench_function("watermark/get", |b| b.iter(|| watermark.get()));
    c.bench_function("watermark/wait for what is there", |b| b.iter(|| block_on(watermark.reached(1))));
}

fn ping_pong(c: &mut Criterion) {
    c.bench_function("watermark/100 turns between two threads", |b| {
        b.iter(|| {
            let (ping, pong) = (Watermark::new(0), Watermark::new(0));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for turn in 1..=100 {
                        let _ = block_on(ping.reached(turn));
                        pong.advance(turn);
                    }
                });
                for turn in 1..=100 {
                    ping.advance(turn);
                    let _ = block_on(pong.reached(turn));
                }
            });
        });
    });
}

criterion_group!(benches, benches_of_watermark, ping_pong);
criterion_main!(benches);
