//! The tasks of replication: a sender and a receiver for each other node, and the one that has in-sync sets changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, Receiver as Inbox};

use super::in_sync::{InSync, Wish};
use super::liveness::{self, Elector, Liveness};
use super::roles::{Ends, Roles};
use super::stream::{Receiver, Sender, receiver, sender};
use crate::clock::Clock;
use crate::cluster::{Controller, peer_id};
use crate::limits;
use crate::peer::Peers;
use crate::shutdown::Shutdown;
use crate::spawn::{Ended, Spawner};
use crate::storage::Storage;
use crate::telemetry::{Metrics, Pulse, StreamMetrics};

/// What the tasks stand on.
pub struct Parts<'a> {
    /// Proposes changes of in-sync sets.
    pub controller: Controller,
    /// The way of the streams.
    pub peers: Peers,
    /// `replica.lag.time.max.ms`
    pub max_lag_ms: i64,
    /// Starts the tasks.
    pub spawner: Spawner,
    /// What is counted.
    pub metrics: Metrics,
    /// A sign of life for a loop of this name.
    pub pulse: &'a (dyn Fn(&str) -> Pulse + Sync),
}

/// Mailboxes of tasks that are still to be started.
pub struct Tasks {
    roles: Arc<Roles>,
    others: BTreeMap<i32, (Inbox<sender::Event>, Inbox<receiver::Event>)>,
}

/// Tasks that run.
pub struct Running {
    roles: Arc<Roles>,
    /// Ends what looks whether leaders are there.
    stop: Shutdown,
    ended: Vec<Ended>,
}

/// This node's part in its partitions, which it shares with `others`.
pub fn new(node_id: i32, others: &[i32], storage: Storage, clock: Clock) -> (Arc<Roles>, Tasks) {
    let (mut ends, mut inboxes) = (BTreeMap::new(), BTreeMap::new());
    for other in others.iter().copied().filter(|other| *other != node_id) {
        let (to_sender, of_sender) = mailbox::channel(limits::MAX_STREAM_EVENTS);
        let (to_receiver, of_receiver) = mailbox::channel(limits::MAX_STREAM_EVENTS);
        ends.insert(other, Ends { sender: to_sender, receiver: to_receiver });
        inboxes.insert(other, (of_sender, of_receiver));
    }
    let broker_epoch = Arc::new(Image::new(0));
    let liveness = Image::new(None);
    let roles = Arc::new(Roles { node_id, storage, clock, others: ends, broker_epoch, liveness });
    (roles.clone(), Tasks { roles, others: inboxes })
}

impl Tasks {
    /// Starts them.
    pub fn start(self, parts: &Parts<'_>) -> Running {
        let Parts { controller, peers, max_lag_ms, spawner, metrics, pulse } = parts;
        let roles = self.roles;
        let (wishes, wished) = mailbox::channel(limits::MAX_STREAM_EVENTS);
        let in_sync = InSync {
            node_id: roles.node_id,
            storage: roles.storage.clone(),
            controller: controller.clone(),
            clock: roles.clock.clone(),
            max_lag_ms: *max_lag_ms,
            wishes: wished,
            metrics: metrics.clone(),
        };
        let _ends_with_the_senders = spawner.task(in_sync.run(pulse("in-sync")));
        let stop = Shutdown::new();
        roles.liveness.replace(Some(liveness(&roles, parts, stop.clone())));
        let mut ended = Vec::new();
        for (node, (of_sender, of_receiver)) in self.others {
            let metrics = StreamMetrics::of(metrics, node);
            let sender = sender(&roles, node, of_sender, wishes.clone(), peers, spawner, &metrics);
            ended.push(spawner.task(sender.run(pulse(&format!("stream-to-{node}")))));
            let receiver = Receiver {
                leader: node,
                peer: peer_id(node),
                peers: peers.clone(),
                storage: roles.storage.clone(),
                clock: roles.clock.clone(),
                broker_epoch: roles.broker_epoch.clone(),
                metrics,
                events: of_receiver,
                state: receiver::State::default(),
            };
            ended.push(spawner.task(receiver.run(pulse(&format!("stream-from-{node}")))));
        }
        Running { roles, stop, ended }
    }
}

fn liveness(roles: &Roles, parts: &Parts<'_>, shutdown: Shutdown) -> Liveness {
    let Parts { controller, spawner, metrics, pulse, .. } = parts;
    let control = controller.peers().cloned();
    let send = move |node, bytes| {
        if let Some(control) = &control {
            let _lost = control.heartbeat(peer_id(node), bytes);
        }
    };
    Liveness::start(liveness::Parts {
        node_id: roles.node_id,
        metadata: Elector::new(controller.clone(), roles.clock.clone(), metrics.clone()),
        send,
        clock: roles.clock.clone(),
        spawner: spawner.clone(),
        metrics: metrics.clone(),
        shutdown,
        pulse,
    })
}

fn sender(
    roles: &Roles,
    node: i32,
    events: Inbox<sender::Event>,
    wishes: mailbox::Sender<Wish>,
    peers: &Peers,
    spawner: &Spawner,
    metrics: &StreamMetrics,
) -> Sender {
    Sender {
        follower: node,
        peer: peer_id(node),
        peers: peers.clone(),
        storage: roles.storage.clone(),
        clock: roles.clock.clone(),
        spawner: spawner.clone(),
        wishes,
        metrics: metrics.clone(),
        events,
    }
}

impl Running {
    /// Ends them: nothing is sent any more, and nothing is queued for the log.
    pub async fn stop(&mut self) {
        self.stop.request();
        for ends in self.roles.others.values() {
            let _ended_before = ends.sender.send(sender::Event::Stop).await;
            let _ended_before = ends.receiver.send(receiver::Event::Stop).await;
        }
        for ended in &mut self.ended {
            let _ended = ended.wait().await;
        }
    }
}
