use std::sync::Arc;
use std::time::Duration;

use chronik_log::disk::SimDisk;
use chronik_log::{Disk, Log, LogConfig, Recovery};

use super::*;
use crate::clock::Clock;
use crate::config::Loader;
use crate::spawn::{Ended, Spawner};
use crate::storage::FlusherSurroundings;
use crate::telemetry::{Metrics, Watchdog};

/// A controller over a log of its own, and what ends when the log is closed.
struct World {
    controller: Controller,
    storage: Storage,
    flusher: Ended,
}

fn open(disk: &SimDisk) -> (Log, Recovery) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    Log::open(shared, LogConfig::default(), &mut |_| {}).unwrap()
}

impl World {
    fn new(disk: &SimDisk, since_snapshot: SinceSnapshot) -> Self {
        let (spawner, clock, metrics) = (Spawner::simulated(), Clock::system(), Metrics::new());
        let watchdog = Watchdog::new(clock.clone(), metrics.clone(), Duration::from_secs(1));
        let (storage, flusher) = Storage::new(open(disk).0);
        let (files, _nobody_prepares) = mailbox::channel(limits::MAX_FILE_JOBS);
        let pulse = watchdog.register("flusher", Duration::from_secs(1));
        let around = FlusherSurroundings { spawner: spawner.clone(), clock, metrics, pulse, files };
        let flusher = spawner.worker("flusher", flusher.run(around)).unwrap();
        let settings = NodeSettings::new(&Loader::new().finish().unwrap());
        let state = ClusterState::default();
        let (controller, task) = new(state, since_snapshot, storage.clone(), settings, Rng::seeded(1));
        let pulse = watchdog.register("controller", Duration::from_secs(1));
        let _ends_when_closed = spawner.task(task.run(pulse));
        Self { controller, storage, flusher }
    }

    async fn register(&self, port: u16) {
        let host = "localhost".to_owned();
        let register = Command::RegisterBroker { node_id: 1, host, port };
        self.controller.propose(register).await.unwrap();
    }

    async fn close(mut self) {
        self.controller.close().await;
        self.storage.close();
        let _ended = self.flusher.wait().await;
    }
}

/// What the log hands out: the state of the snapshot, and how many records follow it.
fn found(disk: &SimDisk) -> (Option<ClusterState>, usize) {
    let (_, recovery) = open(disk);
    assert!(recovery.clean);
    let parse = |snapshot: Bytes| serde_json::from_slice(&snapshot).unwrap();
    (recovery.metadata_snapshot.map(parse), recovery.metadata_records.len())
}

#[tokio::test]
async fn a_snapshot_takes_the_place_of_records_that_have_become_many() {
    let mut since_snapshot = SinceSnapshot::default();
    (0..limits::METADATA_SNAPSHOT_RECORDS - 2).for_each(|_| since_snapshot.add(0));
    let disk = SimDisk::new(1);
    let world = World::new(&disk, since_snapshot);
    world.register(1).await;
    world.register(2).await;
    let expected = world.controller.state();
    world.register(3).await;
    world.close().await;
    let (snapshot, records) = found(&disk);
    assert_eq!((snapshot.as_ref(), records), (Some(&*expected), 1));
}

#[tokio::test]
async fn records_that_are_few_stay_as_they_are() {
    let disk = SimDisk::new(1);
    let world = World::new(&disk, SinceSnapshot::default());
    world.register(1).await;
    world.register(2).await;
    // Whoever wants a checkpoint begins one; the controller does not hear of it.
    let job = world.storage.with_log(Log::begin_checkpoint).await.unwrap().unwrap();
    let done = job.run();
    world.storage.with_log(|log| log.finish_checkpoint(done)).await.unwrap().unwrap();
    world.register(3).await;
    world.close().await;
    assert_eq!(found(&disk), (None, 3));
}
