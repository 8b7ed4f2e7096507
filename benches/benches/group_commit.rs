//! `group_commit`: what a group costs beside the disk.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::group_commit;
use concurrency_models::sync::block_on;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn groups(c: &mut Criterion) {
    let mut group = c.benchmark_group("group_commit/append, take, answer");
    for entries in [1u64, 16, 256] {
        let (queue, mut flusher) = group_commit::new::<u64, u64>();
        group.throughput(Throughput::Elements(entries));
        group.bench_function(format!("{entries} entries"), |b| {
            b.iter(|| {
                let answers: Vec<_> = (0..entries).map(|n| queue.append(n, 1).expect("open")).collect();
                for entry in block_on(flusher.next_group(usize::MAX)).expect("open") {
                    let _ = entry.reply.send(entry.value);
                }
                answers.into_iter().map(|mut answer| block_on(answer.wait()).expect("answered")).sum::<u64>()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, groups);
criterion_main!(benches);
