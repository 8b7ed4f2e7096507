use std::sync::Arc;

use chronik_kafka::record_batch::BatchBuilder;
use chronik_log::disk::SimDisk;
use chronik_log::{Log, LogConfig, Op, Origin, TopicLogConfig};
use concurrency_models::isr::Assignment;

use super::*;
use crate::cluster::example::cluster;
use crate::cluster::replication_throttle::{LEADER_RATE, LEADER_REPLICAS};
use crate::cluster::{ClusterState, Command, ConfigResource};

/// Batches of each partition.
const BATCHES: i64 = 3;
const ASK: u64 = 5;

/// Node 1 leads two partitions, of which node 2 has nothing; it may be sent the first one at a rate of so many bytes per second.
struct World {
    state: ClusterState,
    storage: Storage,
    spawner: Spawner,
    ids: [PartitionId; 2],
    session: Session,
    quota: Quota,
}

impl World {
    fn new(rate: &str) -> Self {
        let up = (None, false);
        let state = cluster(&[up, up]).with_topic("t", vec![vec![1, 2], vec![1, 2]]).after_the_end_of(2);
        let topic_id = state.topic("t").unwrap().id;
        let ids = [0, 1].map(|partition| PartitionId { topic_id, partition });
        let storage = storage(ids);
        let (session, quota) = (Session::new(1, 1, 1 << 20), Quota::new(1, 2));
        let mut world = Self { state, storage, spawner: Spawner::simulated(), ids, session, quota };
        world.set(ConfigResource::Topic(topic_id), (LEADER_REPLICAS, "0:1"));
        world.set(ConfigResource::Broker("1".into()), (LEADER_RATE, rate));
        ids.into_iter().for_each(|id| world.follow(id, ASK));
        world
    }

    fn set(&mut self, resource: ConfigResource, (key, value): (&str, &str)) {
        let replaces = match &resource {
            ConfigResource::Topic(_) => self.state.topic("t").unwrap().configs.clone(),
            ConfigResource::Broker(scope) => self.state.broker_configs(scope).cloned().unwrap_or_default(),
        };
        let configs = [(key.to_owned(), value.to_owned())].into();
        self.state.apply(&Command::AlterConfigs { resource, replaces, configs }).unwrap();
    }

    fn follow(&mut self, id: PartitionId, ask: u64) {
        self.session.begin(ask, &Position { id, leader_epoch: 1, latest_epoch: -1, log_end_offset: 0 });
    }

    /// What is sent at this time: partition, and from where to where.
    async fn send(&mut self, now: Duration) -> Vec<(i32, i64, i64)> {
        let mut sent = Vec::new();
        if self.session.held_until().is_some_and(|until| until <= now) {
            self.session.release(now);
        }
        self.quota.refresh(&self.state, now);
        loop {
            let Self { storage, spawner, quota, session, .. } = self;
            let Some(piece) = session.next_piece(Means { storage, spawner, quota, now }).await else {
                return sent;
            };
            let Records { id, from, to, batches, .. } = piece.records;
            assert_eq!(piece.is_throttled, id.partition == 0 && !batches.is_empty());
            sent.push((id.partition, from, to));
        }
    }
}

fn storage(ids: [PartitionId; 2]) -> Storage {
    let mut log = Log::open(Arc::new(SimDisk::new(1)), LogConfig::default(), &mut |_| {}).unwrap().0;
    for id in ids {
        log.stage(Op::Create { id, config: Arc::new(TopicLogConfig::default()) }).unwrap();
        log.commit().unwrap();
        for _ in 0..BATCHES {
            let mut builder = BatchBuilder::new();
            builder.record(0, None, Some(&[7; 1000]));
            let origin = Origin::Leader { epoch: 1 };
            log.stage(Op::Append { id, batch: builder.build(), origin, now_ms: 0 }).unwrap();
            log.commit().unwrap();
        }
    }
    let (storage, mut flusher) = Storage::new(1, log);
    for id in ids {
        flusher.publish_recovered(id, BATCHES, BATCHES);
        let partition = storage.partition(&id).unwrap();
        let assignment =
            Assignment { replicas: [(1, 1), (2, 1)].into(), in_sync: [1].into(), partition_epoch: 0 };
        partition.isr().lead(1, assignment, BATCHES, 0).unwrap();
        assert_eq!(partition.isr().synced(BATCHES, 0), BATCHES, "it is committed");
    }
    storage
}

#[tokio::test]
async fn who_has_to_wait_is_overtaken_and_has_his_turn() {
    let mut world = World::new("500");
    let at = Duration::from_secs;
    assert_eq!(world.send(at(0)).await, [(0, 0, 1), (1, 0, 3)], "more than 500 bytes are owed then");
    assert_eq!(world.send(at(1)).await, []);
    let until = world.session.held_until().unwrap();
    assert!(at(2) < until && until < at(3), "a batch has some 1070 bytes: {until:?}");
    assert_eq!(world.send(until).await, [(0, 1, 2)]);
    // It has all that is committed as soon as it is sent that: who gets what comes then need not wait.
    assert_eq!(world.send(at(60)).await, [(0, 2, 3)]);
    assert_eq!(world.session.held_until(), None);
}

#[tokio::test]
async fn who_waits_from_the_beginning_is_told_so_and_need_not_ask_again() {
    let mut world = World::new("0");
    let at = Duration::from_secs;
    assert_eq!(world.send(at(0)).await, [(0, 0, 0), (1, 0, 3)]);
    world.session.look();
    assert_eq!(world.send(at(1)).await, [], "he was told once");
    let id = world.ids[0];
    world.follow(id, ASK + 1);
    world.follow(id, ASK + 2);
    assert_eq!(world.send(at(2)).await, [(0, 0, 0)], "but he may ask again, and is one still");
    world.set(ConfigResource::Broker("1".into()), (LEADER_RATE, "100000000"));
    assert_eq!(world.send(at(2)).await, [], "nobody has looked yet");
    world.session.look();
    assert_eq!(world.send(at(2)).await, [(0, 0, 3)]);
    assert_eq!(world.session.held_until(), None);
}

/// The follower of a new leader hears of it before that one does: it would ask again, and whoever has produced would wait for it.
#[tokio::test]
async fn an_ask_that_comes_early_waits_until_this_node_leads() {
    let mut world = World::new("500");
    let id = world.ids[1];
    let position = |leader_epoch| Position { id, leader_epoch, latest_epoch: 1, log_end_offset: 1 };
    let isr = |world: &World| world.storage.partition(&id).unwrap();
    let now = isr(&world).isr().leadership();
    for ask in [ASK + 1, ASK + 2] {
        let partition = isr(&world);
        world.session.wait_to_lead(ask, position(2), partition, now);
    }
    assert!(world.session.next_news().now_or_never().is_none());
    let assignment =
        Assignment { replicas: [(1, 1), (2, 1)].into(), in_sync: [1].into(), partition_epoch: 1 };
    isr(&world).isr().lead(2, assignment, BATCHES, 0).unwrap();
    assert!(matches!(world.session.next_news().now_or_never(), Some(Some(News::Led(led))) if led == id));
    assert_eq!(world.session.take_early(&id), Some((ASK + 2, position(2))), "the last one");
    assert!(matches!(world.session.next_news().now_or_never(), Some(None)), "one waits for a partition");
    assert_eq!(world.session.take_early(&id), None);
}
