//! `reply`: one question, one answer, beside tokio's `oneshot`. Both are driven by the same executor: one `block_on` for each thread.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the bench has threads of its own, and the channel it is compared with"
)]

use concurrency_models::reply;
use concurrency_models::sync::block_on;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ready::ready;
use tokio::sync::oneshot;

mod ready;

/// Questions that are asked at a time, of another thread.
const BATCH: usize = 100;
/// Batches that one measured run asks of each thread.
const BATCHES: usize = 40;
/// Pairs of threads: one asks, the other answers.
const PAIRS: usize = 2;

fn answered_before_it_is_waited_for(c: &mut Criterion) {
    let mut group = c.benchmark_group("reply/answered first");
    group.bench_function("reply", |b| {
        b.iter(|| {
            let (reply, mut answer) = reply::channel();
            reply.send(1u64).expect("it is wanted");
            ready(answer.wait())
        });
    });
    group.bench_function("tokio oneshot", |b| {
        b.iter(|| {
            let (reply, answer) = oneshot::channel();
            reply.send(1u64).expect("it is wanted");
            ready(answer)
        });
    });
    group.finish();
}

/// Questions travel in batches, so that what is measured is the answers: the one who asks waits for each while the others are being given.
fn across_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("reply/threads");
    group.throughput(Throughput::Elements((PAIRS * BATCHES * BATCH) as u64));
    group.bench_function("reply, 4 threads", |b| b.iter(|| in_pairs(ask, answer)));
    group.bench_function("tokio oneshot, 4 threads", |b| b.iter(|| in_pairs(ask_by_tokio, answer_by_tokio)));
    group.finish();
}

type Questions<R> = std::sync::mpsc::SyncSender<Vec<R>>;

/// Runs one thread that asks and one that answers for each pair.
fn in_pairs<R: Send>(ask: fn(&Questions<R>), answer: fn(Vec<R>)) {
    std::thread::scope(|scope| {
        for _ in 0..PAIRS {
            let (questions, asked) = std::sync::mpsc::sync_channel(1);
            scope.spawn(move || (0..BATCHES).for_each(|_| ask(&questions)));
            scope.spawn(move || asked.into_iter().for_each(answer));
        }
    });
}

fn ask(questions: &Questions<reply::Reply<u64>>) {
    let (replies, answers): (Vec<_>, Vec<_>) = (0..BATCH).map(|_| reply::channel()).unzip();
    questions.send(replies).expect("the other thread answers");
    block_on(async {
        for mut answer in answers {
            answer.wait().await.expect("it is answered");
        }
    });
}

fn answer(replies: Vec<reply::Reply<u64>>) {
    for reply in replies {
        reply.send(1).expect("it is wanted");
    }
}

fn ask_by_tokio(questions: &Questions<oneshot::Sender<u64>>) {
    let (replies, answers): (Vec<_>, Vec<_>) = (0..BATCH).map(|_| oneshot::channel()).unzip();
    questions.send(replies).expect("the other thread answers");
    block_on(async {
        for answer in answers {
            answer.await.expect("it is answered");
        }
    });
}

fn answer_by_tokio(replies: Vec<oneshot::Sender<u64>>) {
    for reply in replies {
        reply.send(1).expect("it is wanted");
    }
}

criterion_group!(benches, answered_before_it_is_waited_for, across_threads);
criterion_main!(benches);
