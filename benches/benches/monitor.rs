//! `monitor`: the primitive under every kernel that waits.
#![cfg(not(any(loom, shuttle)))]

use concurrency_models::monitor::{Monitor, WaitQueue};
use concurrency_models::sync::block_on;
use criterion::{Criterion, criterion_group, criterion_main};

#[derive(Default)]
struct State {
    value: u64,
    waiting: WaitQueue,
}

fn benches_of_monitor(c: &mut Criterion) {
    let monitor = Monitor::new(State::default());
    c.bench_function("monitor/with", |b| b.iter(|| monitor.with(|state| state.value)));
    c.bench_function("monitor/update with nobody waiting", |b| {
        b.iter(|| {
            monitor.update(|state, wakes| {
                state.value += 1;
                wakes.one(&mut state.waiting);
            });
        });
    });
    c.bench_function("monitor/wait that is ready", |b| {
        b.iter(|| block_on(monitor.wait(|state| &mut state.waiting, (), |state, _| Some(state.value))));
    });
}

criterion_group!(benches, benches_of_monitor);
criterion_main!(benches);
