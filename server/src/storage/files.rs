//! A worker for file work that nobody waits for: zeroing WAL segments ahead of their use, unlinking deleted ones.

use chronik_log::{GarbageJob, WalPrepareJob};
use concurrency_models::mailbox::Receiver;

use super::Storage;

/// One piece of work.
pub enum Job {
    /// Makes a WAL segment ready.
    PrepareWal(WalPrepareJob),
    /// Removes files.
    Garbage(GarbageJob),
}

/// Works until all senders are gone.
pub async fn run(mut jobs: Receiver<Job>, storage: Storage) {
    while let Some(job) = jobs.recv().await {
        match job {
            Job::PrepareWal(job) => {
                let done = job.run();
                if storage.with_log(move |log| log.finish_wal_prepare(done)).await.is_err() {
                    break; // storage has ended
                }
            }
            Job::Garbage(job) => job.run(),
        }
    }
}
