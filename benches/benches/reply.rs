//! `reply`: one question, one answer.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use concurrency_models::sync::block_on;
use concurrency_models::{mailbox, reply};
use criterion::{Criterion, criterion_group, criterion_main};

fn answered_before_it_is_waited_for(c: &mut Criterion) {
    c.bench_function("reply/answered first", |b| {
        b.iter(|| {
            let (reply, mut answer) = reply::channel();
            reply.send(1u64).expect("it is wanted");
            block_on(answer.wait())
        });
    });
}

fn across_threads(c: &mut Criterion) {
    let (questions, mut asked) = mailbox::channel::<reply::Reply<u64>>(1);
    let answering = std::thread::spawn(move || {
        while let Some(reply) = block_on(asked.recv()) {
            let _ = reply.send(1);
        }
    });
    c.bench_function("reply/answered by another thread", |b| {
        b.iter(|| {
            let (reply, mut answer) = reply::channel();
            questions.try_send(reply).expect("the other thread has taken the last one");
            block_on(answer.wait())
        });
    });
    drop(questions);
    answering.join().expect("it ends");
}

criterion_group!(benches, answered_before_it_is_waited_for, across_threads);
criterion_main!(benches);
