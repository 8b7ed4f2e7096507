//! `reply`: one question, one answer, beside tokio's `oneshot`. Both are driven by the same `block_on`, and questions travel through the
//! same mailbox.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the bench has threads of its own, and the channel it is compared with"
)]

use concurrency_models::sync::block_on;
use concurrency_models::{mailbox, reply};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::sync::oneshot;

/// Questions that one measured run asks between threads.
const QUESTIONS: u64 = 12_000;

fn answered_before_it_is_waited_for(c: &mut Criterion) {
    let mut group = c.benchmark_group("reply/answered first");
    group.bench_function("reply", |b| {
        b.iter(|| {
            let (reply, mut answer) = reply::channel();
            reply.send(1u64).expect("it is wanted");
            block_on(answer.wait())
        });
    });
    group.bench_function("tokio oneshot", |b| {
        b.iter(|| {
            let (reply, answer) = oneshot::channel();
            reply.send(1u64).expect("it is wanted");
            block_on(answer)
        });
    });
    group.finish();
}

fn across_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("reply/threads");
    group.throughput(Throughput::Elements(QUESTIONS));
    for asking in [1, 3] {
        let threads = asking + 1;
        group.bench_function(format!("reply, {threads} threads"), |b| b.iter(|| ask(asking)));
        group
            .bench_function(format!("tokio oneshot, {threads} threads"), |b| b.iter(|| ask_by_tokio(asking)));
    }
    group.finish();
}

fn ask(asking: u64) {
    let (questions, mut asked) = mailbox::channel::<reply::Reply<u64>>(64);
    std::thread::scope(|scope| {
        for _ in 0..asking {
            let questions = questions.clone();
            scope.spawn(move || {
                for _ in 0..QUESTIONS / asking {
                    let (reply, mut answer) = reply::channel();
                    questions.try_send(reply).expect("one question of each thread is open");
                    block_on(answer.wait()).expect("it is answered");
                }
            });
        }
        drop(questions);
        while let Some(reply) = block_on(asked.recv()) {
            reply.send(1).expect("it is wanted");
        }
    });
}

fn ask_by_tokio(asking: u64) {
    let (questions, mut asked) = mailbox::channel::<oneshot::Sender<u64>>(64);
    std::thread::scope(|scope| {
        for _ in 0..asking {
            let questions = questions.clone();
            scope.spawn(move || {
                for _ in 0..QUESTIONS / asking {
                    let (reply, answer) = oneshot::channel();
                    questions.try_send(reply).expect("one question of each thread is open");
                    block_on(answer).expect("it is answered");
                }
            });
        }
        drop(questions);
        while let Some(reply) = block_on(asked.recv()) {
            reply.send(1).expect("it is wanted");
        }
    });
}

criterion_group!(benches, answered_before_it_is_waited_for, across_threads);
criterion_main!(benches);
