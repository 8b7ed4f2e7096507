//! Storage for tests of what stands on it: a log on a disk in memory, and the two workers.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::disk::SimDisk;
use chronik_log::{Log, LogConfig};
use concurrency_models::mailbox;

use super::{FlusherSurroundings, Storage, run_files};
use crate::clock::Clock;
use crate::limits;
use crate::spawn::Spawner;
use crate::telemetry::{Metrics, Watchdog};

/// Storage of node `me` that runs, in the runtime of the test.
pub(crate) fn running(me: i32, clock: &Clock) -> Storage {
    let (spawner, metrics) = (Spawner::simulated(), Metrics::new());
    let log =
        Log::open(Arc::new(SimDisk::new(1)), LogConfig::default(), &mut |_| {}).expect("an empty disk").0;
    let (storage, flusher) = Storage::new(me, log);
    let (files, to_do) = mailbox::channel(limits::MAX_FILE_JOBS);
    let watchdog = Watchdog::new(clock.clone(), metrics.clone(), Duration::MAX);
    let pulse = watchdog.register("flusher", Duration::MAX);
    let surroundings =
        FlusherSurroundings { spawner: spawner.clone(), clock: clock.clone(), metrics, pulse, files };
    let workers = [
        spawner.worker("files", run_files(to_do, storage.clone())),
        spawner.worker("flusher", flusher.run(surroundings)),
    ];
    let _end_with_the_test = workers.map(|worker| worker.expect("a task"));
    storage
}
