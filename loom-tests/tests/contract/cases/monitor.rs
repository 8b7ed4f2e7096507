//! Both monitors: the one of tasks, which production stands on, and the one of threads, which the kernels stand on under loom.

use concurrency_models::wait_queue::WaitQueue;
use loom_tests::run::spawn;

use super::super::matrix::{Blocks, Row};
use super::super::trial::Case;

use Blocks::{Always, Never};
use Case::{Alone, Among};

/// The cases over one of the monitors.
macro_rules! cases {
    ($name:ident, $object:literal, $block_on:path) => {
        mod $name {
            use std::sync::Arc;

            use concurrency_models::monitor::$name::{Monitor, Waiter};

            use super::*;

            #[derive(Default)]
            struct State {
                open: bool,
                waiting: WaitQueue<Waiter>,
            }

            fn wait(monitor: &Monitor<State>) {
                $block_on(monitor.wait(|state| &mut state.waiting, (), |state, _| state.open.then_some(())));
            }

            fn wait_for_nobody() {
                wait(&Monitor::default());
            }

            fn wait_when_ready() {
                let monitor = Monitor::<State>::default();
                monitor.with(|state| state.open = true);
                wait(&monitor);
            }

            fn wait_for_a_change() {
                let monitor = Arc::new(Monitor::<State>::default());
                let opens = spawn({
                    let monitor = monitor.clone();
                    move || {
                        monitor.update(|state, wakes| {
                            state.open = true;
                            wakes.one(&mut state.waiting);
                        });
                    }
                });
                wait(&monitor);
                opens.join();
            }

            fn wait_for_a_change_that_wakes_nobody() {
                let monitor = Arc::new(Monitor::<State>::default());
                let waits = spawn({
                    let monitor = monitor.clone();
                    move || wait(&monitor)
                });
                let is_there = || monitor.with(|state| !state.waiting.is_empty());
                if cfg!(not(any(loom, shuttle))) {
                    while !is_there() {} // a checker tries that order among others
                }
                monitor.with(|state| state.open = true);
                waits.join();
            }

            fn update_while_another_waits() {
                let monitor = Arc::new(Monitor::<State>::default());
                let waits = spawn({
                    let monitor = monitor.clone();
                    move || wait(&monitor)
                });
                monitor.with(|state| state.open = false); // the lock is not held by one who waits
                monitor.update(|state, wakes| {
                    state.open = true;
                    wakes.all(&mut state.waiting);
                });
                waits.join();
            }

            pub(crate) fn rows() -> [Row; 5] {
                let row = |call, during, blocks, case| Row { object: $object, call, during, blocks, case };
                [
                    row("wait", "nothing changes", Always, Alone(wait_for_nobody)),
                    row("wait", "it is ready", Never, Alone(wait_when_ready)),
                    row(
                        "wait",
                        "another thread changes the state and wakes",
                        Never,
                        Among(wait_for_a_change),
                    ),
                    row(
                        "wait",
                        "the state changes and nobody is woken",
                        Always,
                        Among(wait_for_a_change_that_wakes_nobody),
                    ),
                    row("with", "another thread waits", Never, Among(update_while_another_waits)),
                ]
            }
        }
    };
}

cases!(task, "monitor of tasks", loom_tests::run::block_on_waker);
cases!(blocking, "monitor of threads", loom_tests::run::block_on);

pub(crate) fn rows() -> Vec<Row> {
    task::rows().into_iter().chain(blocking::rows()).collect()
}
