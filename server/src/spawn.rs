//! The spawning seam: the only place that starts a task or a thread.
//!
//! In production a *worker* (the flusher, file maintenance) is an OS thread of its own, because it blocks on the disk. In a
//! simulation it is one more task of the single thread, so that the whole node runs in one deterministic order.
#![expect(clippy::disallowed_methods, reason = "the spawning seam itself")]

use std::future::Future;

use concurrency_models::reply::{self, Answer};
use concurrency_models::sync::block_on;

/// Starts tasks and threads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spawner {
    mode: Mode,
}

#[derive(Clone, Debug)]
enum Mode {
    /// Tasks on the runtime that is current, workers on threads.
    Threads(tokio::runtime::Handle),
    /// Everything on the one thread of the current runtime.
    Simulated,
}

/// Resolves when the task or thread has ended, also by a panic.
pub type Ended = Answer<()>;

impl Spawner {
    /// Tasks on the current runtime, workers on threads.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn threads() -> Self {
        Self { mode: Mode::Threads(tokio::runtime::Handle::current()) }
    }

    /// Everything on the current runtime, which has one thread.
    pub fn simulated() -> Self {
        Self { mode: Mode::Simulated }
    }

    /// Starts a task.
    pub fn task(&self, future: impl Future<Output = ()> + Send + 'static) -> Ended {
        let (reply, ended) = reply::channel();
        let whole = async move {
            let _ends_last = reply; // dropped with the future, also by a panic
            future.await;
        };
        match &self.mode {
            Mode::Threads(runtime) => drop(runtime.spawn(whole)),
            Mode::Simulated => drop(tokio::spawn(whole)),
        }
        ended
    }

    /// Starts a worker: a future that may block its thread on the disk. It waits on kernels only, never on sockets or timers.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn worker(
        &self,
        name: &str,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<Ended> {
        match &self.mode {
            Mode::Simulated => Ok(self.task(future)),
            Mode::Threads(_) => {
                let (reply, ended) = reply::channel();
                let run = move || {
                    let _ends_last = reply;
                    block_on(future);
                };
                std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
                Ok(ended)
            }
        }
    }

    /// Runs something that blocks, off the threads that serve sockets; it begins at once. The future waits for its result.
    pub fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> impl Future<Output = R> + Send + 'static {
        let begun = match &self.mode {
            Mode::Simulated => Begun::Here(work),
            Mode::Threads(runtime) => Begun::Elsewhere(runtime.spawn_blocking(work)),
        };
        async move {
            match begun {
                Begun::Here(work) => work(),
                Begun::Elsewhere(done) => match done.await {
                    Ok(result) => result,
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                },
            }
        }
    }
}

/// Blocking work: on a thread of its own, or still to be done by whoever asks for the result.
enum Begun<W, R> {
    Here(W),
    Elsewhere(tokio::task::JoinHandle<R>),
}
