//! `triggers`: one suspicion on its way to a worker, and the same leader suspected again.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::heartbeat_map::{Heartbeat, Suspect};
use concurrency_models::sync::block_on;
use concurrency_models::triggers::Triggers;
use criterion::{Criterion, criterion_group, criterion_main};

fn suspect(partition: u32) -> Suspect<u32> {
    Suspect { partition, last: Heartbeat { leader_epoch: 1, at_ms: 0 } }
}

fn one_election(c: &mut Criterion) {
    let triggers = Triggers::new(1_024);
    c.bench_function("triggers/send, receive, settle", |b| {
        b.iter(|| {
            triggers.try_send(suspect(0)).expect("there is room");
            let election = block_on(triggers.recv()).expect("it was sent");
            triggers.settle(&election, |_| ());
        });
    });
}

fn coalesced(c: &mut Criterion) {
    let triggers = Triggers::new(1_024);
    (0..1_000).for_each(|partition| _ = triggers.try_send(suspect(partition)));
    c.bench_function("triggers/one that has an election", |b| b.iter(|| triggers.try_send(suspect(500))));
}

criterion_group!(benches, one_election, coalesced);
criterion_main!(benches);
