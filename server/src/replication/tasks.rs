//! The tasks of replication: a sender and a receiver for each other node, as long as it belongs to the cluster, and the one that has in-sync sets changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use concurrency_models::gate::{Gate, Pass};
use concurrency_models::image::Image;
use concurrency_models::mailbox;

use super::ends::Ends;
use super::in_sync::{InSync, Wish};
use super::in_sync_news::InSyncNews;
use super::liveness::{self, Elector, Liveness};
use super::roles::Roles;
use super::stream::{Receiver, Sender, receiver, sender};
use crate::clock::Clock;
use crate::cluster::{ClusterState, Controller, Links, Roster, peer_id};
use crate::limits;
use crate::peer::Peers;
use crate::shutdown::Shutdown;
use crate::spawn::Spawner;
use crate::storage::Storage;
use crate::telemetry::{Metrics, Pulse, StreamMetrics};

/// What the tasks stand on.
pub struct Parts {
    /// How other nodes are reached.
    pub links: Links,
    /// `replica.lag.time.max.ms`
    pub max_lag_ms: i64,
    /// Starts the tasks.
    pub spawner: Spawner,
    /// What is counted.
    pub metrics: Metrics,
    /// A sign of life for a loop of this name.
    pub pulse: Box<dyn Fn(&str) -> Pulse + Send + Sync>,
}

/// What the tasks of a node that comes later stand on.
pub(super) struct Streams {
    roster: Roster,
    controller: Controller,
    peers: Peers,
    wishes: mailbox::Sender<Wish>,
    spawner: Spawner,
    metrics: Metrics,
    pulse: Box<dyn Fn(&str) -> Pulse + Send + Sync>,
    /// Each sender and receiver is inside.
    tasks: Gate,
}

/// Tasks that run.
pub struct Running {
    roles: Arc<Roles>,
    /// Ends what looks whether leaders are there.
    stop: Shutdown,
    tasks: Gate,
}

/// This node's part in its partitions. Without [`start`] there are no streams.
pub fn new(node_id: i32, storage: Storage, clock: Clock) -> Arc<Roles> {
    Arc::new(Roles {
        node_id,
        storage,
        clock,
        others: Image::new(BTreeMap::new()),
        streams: Image::new(None),
        broker_epoch: Arc::new(Image::new(0)),
        liveness: Image::new(None),
    })
}

/// Starts the tasks. Those for another node begin when it is first heard of, in the metadata or by itself.
pub fn start(roles: &Arc<Roles>, parts: Parts) -> Running {
    let Parts { links, max_lag_ms, spawner, metrics, pulse } = parts;
    let Links { controller, data: peers, roster } = links;
    let (wishes, wished) = mailbox::channel(limits::MAX_STREAM_EVENTS);
    let in_sync = InSync {
        node_id: roles.node_id,
        storage: roles.storage.clone(),
        controller: controller.clone(),
        clock: roles.clock.clone(),
        max_lag_ms,
        wishes: wished,
        metrics: metrics.clone(),
        news: InSyncNews::default(),
    };
    let _ends_with_the_senders = spawner.task(in_sync.run(pulse("in-sync")));
    let (stop, tasks) = (Shutdown::new(), Gate::new());
    let liveness = liveness(roles, controller.clone(), (&spawner, &metrics), stop.clone(), &pulse);
    roles.liveness.replace(Some(liveness));
    let streams =
        Streams { roster, controller, peers, wishes, spawner, metrics, pulse, tasks: tasks.clone() };
    roles.streams.replace(Some(Arc::new(streams)));
    Running { roles: roles.clone(), stop, tasks }
}

fn liveness(
    roles: &Roles,
    controller: Controller,
    (spawner, metrics): (&Spawner, &Metrics),
    shutdown: Shutdown,
    pulse: &dyn Fn(&str) -> Pulse,
) -> Liveness {
    let control = controller.peers().cloned();
    let send = move |node, bytes| {
        if let Some(control) = &control {
            let _lost = control.heartbeat(peer_id(node), bytes);
        }
    };
    Liveness::start(liveness::Parts {
        node_id: roles.node_id,
        metadata: Elector::new(controller, roles.clock.clone(), metrics.clone()),
        send,
        clock: roles.clock.clone(),
        spawner: spawner.clone(),
        metrics: metrics.clone(),
        shutdown,
        pulse,
    })
}

impl Roles {
    /// Has streams to exactly those nodes that belong to the cluster.
    pub(super) async fn meet(&self, next: &ClusterState) {
        let Some(streams) = &*self.streams.load() else { return };
        let places = streams.roster.others(next);
        for node in places.keys() {
            let _they_are_there = self.ends(*node);
        }
        // Not before: whoever is connected has ends that hear of it.
        streams.peers.set(&places.iter().map(|(node, place)| (peer_id(*node), place.clone())).collect());
        let known = self.others.load();
        for (node, ends) in known.iter().filter(|(node, _)| !places.contains_key(node)) {
            self.others.update(|others| {
                let mut others = others.clone();
                others.remove(node);
                others
            });
            ends.stop().await;
        }
    }

    /// The ends of the streams between this node and another one; they begin now if that is news. `None` if there are no streams, or none any more.
    pub(super) fn ends(&self, node: i32) -> Option<Arc<Ends>> {
        if let Some(ends) = self.others.load().get(&node) {
            return Some(ends.clone());
        }
        let streams = self.streams.load();
        let streams = streams.as_ref().as_ref()?;
        let passes = (streams.tasks.enter()?, streams.tasks.enter()?);
        let (to_sender, of_sender) = mailbox::channel(limits::MAX_STREAM_EVENTS);
        let (to_receiver, of_receiver) = mailbox::channel(limits::MAX_STREAM_EVENTS);
        let ours = Arc::new(Ends { sender: to_sender, receiver: to_receiver });
        let mut theirs = None;
        self.others.update(|others| {
            let mut others = others.clone();
            theirs = others.get(&node).cloned();
            others.entry(node).or_insert_with(|| ours.clone());
            others
        });
        if theirs.is_some() {
            return theirs; // somebody else was faster, and has started them
        }
        streams.start(self, node, (of_sender, of_receiver), passes);
        Some(ours)
    }
}

impl Streams {
    fn start(
        &self,
        roles: &Roles,
        node: i32,
        (of_sender, of_receiver): (mailbox::Receiver<sender::Event>, mailbox::Receiver<receiver::Event>),
        passes: (Pass, Pass),
    ) {
        let metrics = StreamMetrics::of(&self.metrics, node);
        let sender = Sender {
            node_id: roles.node_id,
            follower: node,
            peer: peer_id(node),
            peers: self.peers.clone(),
            storage: roles.storage.clone(),
            controller: self.controller.clone(),
            clock: roles.clock.clone(),
            spawner: self.spawner.clone(),
            wishes: self.wishes.clone(),
            metrics: metrics.clone(),
            events: of_sender,
        };
        let sending = sender.run((self.pulse)(&format!("stream-to-{node}")));
        let _ends_when_stopped = self.spawner.task(inside(passes.0, sending));
        let receiver = Receiver {
            leader: node,
            peer: peer_id(node),
            peers: self.peers.clone(),
            storage: roles.storage.clone(),
            clock: roles.clock.clone(),
            broker_epoch: roles.broker_epoch.clone(),
            metrics,
            events: of_receiver,
            state: receiver::State::default(),
        };
        let receiving = receiver.run((self.pulse)(&format!("stream-from-{node}")));
        let _ends_when_stopped = self.spawner.task(inside(passes.1, receiving));
    }
}

/// Holds the pass as long as the task lives.
async fn inside(_pass: Pass, task: impl Future<Output = ()>) {
    task.await;
}

impl Running {
    /// Ends them: nothing is sent any more, and nothing is queued for the log.
    pub async fn stop(&mut self) {
        self.stop.request();
        self.tasks.close();
        for ends in self.roles.others.load().values() {
            ends.stop().await;
        }
        self.tasks.drained().await;
        self.roles.streams.replace(None);
    }
}
