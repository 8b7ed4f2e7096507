//! `isr`: an append with `acks=all` and three replicas, from the check to the commit.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "the bench has threads of its own")]

use std::collections::{BTreeMap, BTreeSet};

use concurrency_models::isr::{Acknowledgement, Assignment, Isr};
use concurrency_models::sync::block_on;
use criterion::{Criterion, criterion_group, criterion_main};

const REPLICAS: [i32; 3] = [1, 2, 3];

/// Three replicas, all in sync; this node leads.
fn led() -> Isr {
    let isr = Isr::new(1, 0);
    let assignment = Assignment {
        replicas: REPLICAS.map(|node| (node, 1)).into_iter().collect::<BTreeMap<_, _>>(),
        in_sync: BTreeSet::from(REPLICAS),
        partition_epoch: 0,
    };
    isr.lead(1, assignment, 0, 0).expect("the first epoch");
    isr
}

fn acknowledge(isr: &Isr, replica: i32, offset: i64) {
    let said = Acknowledgement { replica, broker_epoch: 1, offset, at_ms: 0 };
    isr.acknowledge(1, said).expect("this node leads");
}

fn benches_of_isr(c: &mut Criterion) {
    let isr = led();
    let mut end = 0;
    c.bench_function("isr/append, 3 acknowledgements, committed", |b| {
        b.iter(|| {
            end += 1;
            let appended = isr.append(1, 2, || ()).expect("this node leads");
            REPLICAS.iter().for_each(|node| acknowledge(&isr, *node, end));
            block_on(isr.committed(&appended, end))
        });
    });
    c.bench_function("isr/an acknowledgement that moves nothing", |b| b.iter(|| acknowledge(&isr, 2, end)));
    c.bench_function("isr/high watermark", |b| b.iter(|| isr.high_watermark()));
}

fn followers_on_their_own_threads(c: &mut Criterion) {
    c.bench_function("isr/100 commits, 2 followers on their own threads", |b| {
        b.iter(|| {
            let isr = led();
            std::thread::scope(|scope| {
                for node in [2, 3] {
                    let isr = &isr;
                    scope.spawn(move || (1..=100).for_each(|offset| acknowledge(isr, node, offset)));
                }
                for end in 1..=100 {
                    let appended = isr.append(1, 2, || ()).expect("this node leads");
                    acknowledge(&isr, 1, end);
                    let _committed = block_on(isr.committed(&appended, end));
                }
            });
        });
    });
}

criterion_group!(benches, benches_of_isr, followers_on_their_own_threads);
criterion_main!(benches);
