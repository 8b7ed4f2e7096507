//! `mailbox`: what it costs to pass one message, alone and between threads, beside tokio's `mpsc`. Both are driven by the
//! same executor: one `block_on` for each thread, as a task is polled by its runtime.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_methods,
    reason = "the bench has threads of its own, and the channel it is compared with"
)]

use concurrency_models::mailbox;
use concurrency_models::sync::block_on;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ready::ready;
use tokio::sync::mpsc;

mod ready;

/// Messages that one measured run passes between threads.
const MESSAGES: u64 = 40_000;
const CAPACITY: usize = 64;

fn uncontended(c: &mut Criterion) {
    let mut group = c.benchmark_group("mailbox/send and receive on one thread");
    let (sender, mut receiver) = mailbox::channel(CAPACITY);
    group.bench_function("mailbox", |b| {
        b.iter(|| {
            ready(sender.send(1u64)).expect("there is room");
            ready(receiver.recv())
        });
    });
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    group.bench_function("tokio mpsc", |b| {
        b.iter(|| {
            ready(sender.send(1u64)).expect("there is room");
            ready(receiver.recv())
        });
    });
    group.finish();
}

fn between_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("mailbox/threads");
    group.throughput(Throughput::Elements(MESSAGES));
    for senders in [1, 3] {
        let threads = senders + 1;
        group.bench_function(format!("mailbox, {threads} threads"), |b| b.iter(|| pass(senders)));
        group.bench_function(format!("tokio mpsc, {threads} threads"), |b| b.iter(|| pass_by_tokio(senders)));
    }
    group.finish();
}

fn pass(senders: u64) {
    let (sender, mut receiver) = mailbox::channel(CAPACITY);
    std::thread::scope(|scope| {
        for _ in 0..senders {
            let sender = sender.clone();
            scope.spawn(move || {
                block_on(async {
                    for message in 0..MESSAGES / senders {
                        sender.send(message).await.expect("the receiver waits");
                    }
                });
            });
        }
        drop(sender);
        block_on(async { while receiver.recv().await.is_some() {} });
    });
}

fn pass_by_tokio(senders: u64) {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    std::thread::scope(|scope| {
        for _ in 0..senders {
            let sender = sender.clone();
            scope.spawn(move || {
                block_on(async {
                    for message in 0..MESSAGES / senders {
                        sender.send(message).await.expect("the receiver waits");
                    }
                });
            });
        }
        drop(sender);
        block_on(async { while receiver.recv().await.is_some() {} });
    });
}

criterion_group!(benches, uncontended, between_threads);
criterion_main!(benches);
