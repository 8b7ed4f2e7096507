//! Stopping: whoever wants the server to stop asks here, and everything that runs waits here.

use std::sync::Arc;

use concurrency_models::watermark::Watermark;

const RUNNING: i64 = 0;
const REQUESTED: i64 = 1;

/// Exit code of a process that a second signal ended.
pub const EXIT_AT_ONCE: i32 = 130;

/// The wish to stop. Once uttered it stays. Cheap to clone.
///
/// The server then stops in this order, which `node` carries out:
/// 1. `/health/ready` fails, so that load balancers look elsewhere;
/// 2. listeners accept no more;
/// 3. connections read no more requests, and write the answers that they still owe;
/// 4. the group coordinator ends: nobody waits for it any more;
/// 5. the storage queue closes, then drains: everything accepted is committed and answered;
/// 6. a last checkpoint, so that the next start has nothing to recover;
/// 7. the admin server, last, so that a stop can be watched.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<Watermark>);

impl Shutdown {
    /// Nobody has asked.
    pub fn new() -> Self {
        Self(Arc::new(Watermark::new(RUNNING)))
    }

    /// Asks to stop. Returns whether this was the first time.
    pub fn request(&self) -> bool {
        self.0.advance(REQUESTED)
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        self.0.get() >= REQUESTED
    }

    /// Waits until somebody asks.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    pub async fn requested(&self) {
        // Never closed, so that it only returns when the position is reached.
        let _reached = self.0.reached(REQUESTED).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes SIGTERM and SIGINT from now on. While what this returns runs, the first one asks to stop; a second one ends the process at once, with [`EXIT_AT_ONCE`].
///
/// # Errors
/// The operating system lets us handle no signals.
pub fn on_signals(shutdown: Shutdown) -> std::io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        loop {
            let name = tokio::select! {
                biased;
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if shutdown.request() {
                tracing::info!(signal = name, "stopping; a second signal ends the server at once");
            } else {
                tracing::warn!(signal = name, "second signal: ending at once");
                std::process::exit(EXIT_AT_ONCE);
            }
        }
    })
}
