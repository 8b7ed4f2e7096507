//! Storage for tests of what stands on it: a log on a disk in memory, and the two workers.

use std::sync::Arc;
use std::time::Duration;

use chronik_log::disk::SimDisk;
use chronik_log::{Log, LogConfig, PartitionId, TopicLogConfig};
use concurrency_models::isr::Assignment;
use concurrency_models::mailbox;
use concurrency_models::registry::Lease;

use super::{FlusherSurroundings, Partition, Storage, run_files};
use crate::clock::Clock;
use crate::limits;
use crate::spawn::Spawner;
use crate::telemetry::{Metrics, Watchdog};

/// Storage of node `me` that runs, in the runtime of the test.
pub(crate) fn running(me: i32, clock: &Clock, disk: SimDisk) -> Storage {
    let (spawner, metrics) = (Spawner::simulated(), Metrics::new());
    let log = Log::open(Arc::new(disk), LogConfig::default(), &mut |_| {}).expect("an empty disk").0;
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

/// A partition that node 1 leads, and this is its storage; node 2 is in sync, and has not acknowledged anything.
pub(crate) async fn led(storage: &Storage, id: PartitionId, leader_epoch: i32) -> Lease<Partition> {
    storage.create_partitions([id].into_iter(), &Arc::new(TopicLogConfig::default())).await.unwrap();
    let partition = storage.partition(&id).unwrap();
    let assignment =
        Assignment { replicas: [(1, 1), (2, 1)].into(), in_sync: [1, 2].into(), partition_epoch: 0 };
    partition.isr().lead(leader_epoch, assignment, 0, 0).unwrap();
    partition
}
