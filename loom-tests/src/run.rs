//! What a scenario is written in: the same few words under std, loom and shuttle.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::trace::Handed;

#[cfg(loom)]
use loom::thread as runtime;
#[cfg(shuttle)]
use shuttle::thread as runtime;
#[cfg(not(any(loom, shuttle)))]
use std::thread as runtime;

#[cfg(loom)]
mod loom_waker;

/// A thread of the scenario that runs.
#[must_use = "a scenario ends all its threads"]
pub struct Running<T> {
    thread: runtime::JoinHandle<T>,
    /// Who records what the thread does, and under which number.
    recorded: Handed,
}

/// Starts a thread.
#[cfg_attr(
    not(any(loom, shuttle)),
    expect(clippy::disallowed_methods, reason = "the threads of a scenario are real ones in a plain build")
)]
pub fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Running<T> {
    start(body, runtime::spawn)
}

/// Starts a thread with the stack that a real `RawNode` needs: the coroutines of loom have room for little.
pub fn spawn_deep<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Running<T> {
    #[cfg(loom)]
    return start(body, |body| {
        runtime::Builder::new().stack_size(DEEP_STACK_BYTES).spawn(body).expect("a coroutine")
    });
    #[cfg(not(loom))]
    spawn(body)
}

/// Starts a thread with `spawn`, whose events are recorded where those of this one are.
fn start<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
    spawn: impl FnOnce(Box<dyn FnOnce() -> T + Send>) -> runtime::JoinHandle<T>,
) -> Running<T> {
    let recorded = Handed::to_new_thread();
    let handed = recorded.clone();
    let body = move || {
        let _recorded = handed.start();
        body()
    };
    Running { thread: spawn(Box::new(body)), recorded }
}

/// Stack of a thread that a `RawNode` is used on.
#[cfg(loom)]
const DEEP_STACK_BYTES: usize = 512 << 10;

impl<T> Running<T> {
    /// Waits until the thread has ended, and returns what it returned.
    pub fn join(self) -> T {
        self.recorded.joining();
        match self.thread.join() {
            Ok(value) => {
                self.recorded.joined();
                value
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Waits for several threads; returns what they returned, in the order given.
pub fn join_all<T, const N: usize>(threads: [Running<T>; N]) -> [T; N] {
    threads.map(Running::join)
}

/// Lets other threads run.
pub fn yield_now() {
    runtime::yield_now();
}

/// Lets other threads run: real ones for as long as `time`, those of a checker once.
pub fn pass(time: Duration) {
    #[cfg(not(any(loom, shuttle)))]
    runtime::sleep(time);
    #[cfg(any(loom, shuttle))]
    let _time = time;
    yield_now();
}

/// Runs a future of a kernel to its end.
///
/// Under loom the kernels stand on the blocking monitor, whose futures are ready when they are first polled: one poll is one
/// scheduling point.
pub fn block_on<F: Future>(future: F) -> F::Output {
    #[cfg(loom)]
    {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("a kernel waits on something else than a monitor"),
        }
    }
    #[cfg(not(loom))]
    concurrency_models::sync::block_on(future)
}

/// As [`block_on`], with a real waker under loom as well: for what is built on the monitor of tasks itself.
pub fn block_on_waker<F: Future>(future: F) -> F::Output {
    #[cfg(loom)]
    return loom_waker::block_on(future);
    #[cfg(not(loom))]
    concurrency_models::sync::block_on(future)
}

/// Polls a future once, with a real waker.
pub fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    block_on_waker(std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))))
}

/// Polls a future at most `polls` times, letting others run after each, and then drops it: what `select!` and a timeout do. Returns
/// the output if it was ready in time.
pub fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return Some(output);
        }
        yield_now();
    }
    None
}
