//! `watermark`: moving it, reading it, waiting for it, beside tokio's `watch`. Both are driven by the same executor.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the bench has threads of its own, and the channel it is compared with"
)]

use std::sync::Arc;

use concurrency_models::watermark::Watermark;
use criterion::{Criterion, criterion_group, criterion_main};
use ready::ready;
use tokio::runtime::Builder;
use tokio::sync::watch;

mod ready;

/// How often the leader of the 4 threads moves on in one measured run.
const TURNS: i64 = 1_000;

fn uncontended(c: &mut Criterion) {
    let watermark = Watermark::new(1);
    let (watch, mut watching) = watch::channel(1);

    let mut group = c.benchmark_group("watermark/advance with nobody waiting");
    let mut position = 1;
    group.bench_function("watermark", |b| {
        b.iter(|| {
            position += 1;
            watermark.advance(position)
        });
    });
    let mut position = 1;
    group.bench_function("tokio watch", |b| {
        b.iter(|| {
            position += 1;
            advance(&watch, position)
        });
    });
    group.finish();

    let mut group = c.benchmark_group("watermark/get");
    group.bench_function("watermark", |b| b.iter(|| watermark.get()));
    group.bench_function("tokio watch", |b| b.iter(|| *watch.borrow()));
    group.finish();

    let mut group = c.benchmark_group("watermark/wait for what is there");
    group.bench_function("watermark", |b| b.iter(|| ready(watermark.reached(1))));
    group.bench_function("tokio watch", |b| b.iter(|| ready(reached(&mut watching, 1))));
    group.finish();
}

/// What [`Watermark::advance`] does, with a `watch`.
fn advance(watch: &watch::Sender<i64>, position: i64) -> bool {
    watch.send_if_modified(|present| {
        let higher = position > *present;
        if higher {
            *present = position;
        }
        higher
    })
}

async fn reached(watching: &mut watch::Receiver<i64>, target: i64) -> i64 {
    *watching.wait_for(|position| *position >= target).await.expect("the sender lives")
}

/// A leader moves on when all three followers have followed. They are tasks on a runtime of four threads, as they would be in the server: of threads that
/// park, the system's wake-ups would be measured.
fn four_threads(c: &mut Criterion) {
    let runtime = Builder::new_multi_thread().worker_threads(4).build().expect("four threads");
    let mut group = c.benchmark_group("watermark/threads");
    group.bench_function("watermark, 4 threads", |b| b.iter(|| runtime.block_on(follow())));
    group.bench_function("tokio watch, 4 threads", |b| b.iter(|| runtime.block_on(follow_by_tokio())));
    group.finish();
}

async fn follow() {
    let leader = Arc::new(Watermark::new(0));
    let followers = [0; 3].map(|position| Arc::new(Watermark::new(position)));
    for follower in followers.clone() {
        let leader = leader.clone();
        tokio::spawn(async move {
            for turn in 1..=TURNS {
                leader.reached(turn).await.expect("it is not closed");
                follower.advance(turn);
            }
        });
    }
    let leading = tokio::spawn(async move {
        for turn in 1..=TURNS {
            leader.advance(turn);
            for follower in &followers {
                follower.reached(turn).await.expect("it is not closed");
            }
        }
    });
    leading.await.expect("it has led");
}

async fn follow_by_tokio() {
    let (leader, leading) = watch::channel(0);
    let mut followers = [(); 3].map(|()| {
        let (follower, following) = watch::channel(0);
        let mut leading = leading.clone();
        tokio::spawn(async move {
            for turn in 1..=TURNS {
                reached(&mut leading, turn).await;
                advance(&follower, turn);
            }
        });
        following
    });
    let leading = tokio::spawn(async move {
        for turn in 1..=TURNS {
            advance(&leader, turn);
            for following in &mut followers {
                let _ended_after_its_last_turn = following.wait_for(|position| *position >= turn).await;
            }
        }
    });
    leading.await.expect("it has led");
}

criterion_group!(benches, uncontended, four_threads);
criterion_main!(benches);
