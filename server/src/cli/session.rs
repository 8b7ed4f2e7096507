//! What every client command runs in: a runtime of one thread.

use std::time::Duration;

use crate::cli::args::ServerArgs;
use crate::client::{Client, ClientError, Options};
use crate::clock::Clock;
use crate::spawn::Spawner;

/// Runs a command to its end.
pub(super) fn run<F: Future<Output = anyhow::Result<()>>>(
    command: impl FnOnce(Clock, Spawner) -> F,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async { command(Clock::system(), Spawner::threads()).await });
    runtime.shutdown_background(); // a thread may still wait for standard input
    result
}

impl ServerArgs {
    pub(super) fn options(&self, clock: Clock, spawner: Spawner) -> Options {
        Options { timeout: Duration::from_secs(self.timeout), ..Options::new(clock, spawner) }
    }

    pub(super) async fn connect(&self, clock: Clock, spawner: Spawner) -> Result<Client, ClientError> {
        Client::connect(&self.bootstrap_server, self.options(clock, spawner)).await
    }
}
