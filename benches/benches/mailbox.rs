//! `mailbox`: what it costs to pass one message, alone and between threads.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use concurrency_models::mailbox;
use concurrency_models::sync::block_on;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Messages that one measured run passes between threads.
const MESSAGES: u64 = 10_000;

fn uncontended(c: &mut Criterion) {
    let (sender, mut receiver) = mailbox::channel(64);
    c.bench_function("mailbox/send and receive on one thread", |b| {
        b.iter(|| {
            sender.try_send(1u64).expect("there is room");
            block_on(receiver.recv())
        });
    });
}

fn between_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("mailbox/threads");
    group.throughput(Throughput::Elements(MESSAGES));
    for senders in [1, 4] {
        group.bench_function(format!("{senders} senders"), |b| b.iter(|| pass(senders)));
    }
    group.finish();
}

fn pass(senders: u64) {
    let (sender, mut receiver) = mailbox::channel(64);
    std::thread::scope(|scope| {
        for _ in 0..senders {
            let sender = sender.clone();
            scope.spawn(move || {
                for message in 0..MESSAGES / senders {
                    block_on(sender.send(message)).expect("the receiver waits");
                }
            });
        }
        drop(sender);
        while block_on(receiver.recv()).is_some() {}
    });
}

criterion_group!(benches, uncontended, between_threads);
criterion_main!(benches);
