//! `watermark`: moving it, reading it, waiting for it, beside tokio's `watch`. Both are driven by the same executor:
//! one `block_on` for each thread.
#![cfg(not(any(loom, shuttle)))]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the bench has threads of its own, and the channel it is compared with"
)]

use concurrency_models::sync::block_on;
use concurrency_models::watermark::Watermark;
use criterion::{Criterion, criterion_group, criterion_main};
use ready::ready;
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

/// A leader moves on when all three followers have followed.
fn four_threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("watermark/threads");
    group.bench_function("watermark, 4 threads", |b| b.iter(follow));
    group.bench_function("tokio watch, 4 threads", |b| b.iter(follow_by_tokio));
    group.finish();
}

fn follow() {
    let (leader, followers) = (Watermark::new(0), [0; 3].map(Watermark::new));
    std::thread::scope(|scope| {
        for follower in &followers {
            scope.spawn(|| {
                block_on(async {
                    for turn in 1..=TURNS {
                        leader.reached(turn).await.expect("it is not closed");
                        follower.advance(turn);
                    }
                });
            });
        }
        block_on(async {
            for turn in 1..=TURNS {
                leader.advance(turn);
                for follower in &followers {
                    follower.reached(turn).await.expect("it is not closed");
                }
            }
        });
    });
}

fn follow_by_tokio() {
    let (leader, leading) = watch::channel(0);
    std::thread::scope(|scope| {
        let mut followers = [(); 3].map(|()| {
            let (follower, following) = watch::channel(0);
            let mut leading = leading.clone();
            scope.spawn(move || {
                block_on(async {
                    for turn in 1..=TURNS {
                        reached(&mut leading, turn).await;
                        advance(&follower, turn);
                    }
                });
                follower // the last turn can be read as long as it lives
            });
            following
        });
        block_on(async {
            for turn in 1..=TURNS {
                advance(&leader, turn);
                for following in &mut followers {
                    let _ended_after_its_last_turn = following.wait_for(|position| *position >= turn).await;
                }
            }
        });
    });
}

criterion_group!(benches, uncontended, four_threads);
criterion_main!(benches);
