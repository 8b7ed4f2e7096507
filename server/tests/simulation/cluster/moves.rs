//! Leaders that are deposed and elected again while all nodes are well.

use std::collections::BTreeSet;
use std::time::Duration;

use chronik_log::PartitionId;
use chronik_server::clock::Clock;
use chronik_server::cluster::{Command, Controller, ElectionKind, Reassignment};
use chronik_server::shutdown::Shutdown;
use chronik_server::spawn::{Ended, Spawner};
use chronik_server::transport::Road;

use super::nodes::{self, Roads};

/// Those under way.
#[derive(Default)]
pub(crate) struct Moves {
    running: Vec<Ended>,
    /// Partitions of which a leader may have been deposed who had done nothing wrong.
    moved: BTreeSet<PartitionId>,
    stop: Shutdown,
}

/// A partition's leadership goes to another node and comes back. What its follower says to its leader is held meanwhile, and arrives then, on the same connection.
pub(crate) struct Move {
    pub(crate) clock: Clock,
    pub(crate) roads: Roads,
    /// Where it is asked for.
    pub(crate) controller: Controller,
    pub(crate) id: PartitionId,
    pub(crate) leader: usize,
    /// Who leads in between.
    pub(crate) next: usize,
    /// Whose acknowledgements are held.
    pub(crate) follower: usize,
    pub(crate) pauses: Pauses,
}

/// How long what takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    /// Records are appended, which the next leader gets late.
    pub(crate) appended: Duration,
    /// The other node leads.
    pub(crate) led: Duration,
    /// The first one leads again, and the follower is not heard yet.
    pub(crate) back: Duration,
    /// How late the others hear what the first leader says.
    pub(crate) delay: Duration,
}

impl Moves {
    /// One more.
    pub(crate) fn begin(&mut self, this: Move) {
        self.moved.insert(this.id);
        let stop = self.stop.clone();
        self.running.push(Spawner::simulated().task(async move {
            tokio::select! {
                biased;
                () = stop.requested() => {}
                () = this.run() => {}
            }
        }));
    }

    /// Whether the leader of a partition may have been deposed although he was heard: he leads under his lease until he hears of it.
    pub(crate) fn concern(&self, id: PartitionId) -> bool {
        self.moved.contains(&id)
    }

    /// They end wherever they are.
    pub(crate) async fn end(&mut self) {
        self.stop.request();
        for running in &mut self.running {
            let _ended = running.wait().await;
        }
    }
}

impl Move {
    async fn run(self) {
        let Self { ref clock, ref roads, leader, next, follower, pauses, .. } = self;
        roads.set(follower, leader, Road::Silent);
        roads.set(leader, next, Road::Slow(pauses.delay));
        clock.sleep(pauses.appended).await;
        self.elect([next, follower, leader]).await;
        roads.set(leader, follower, Road::Slow(pauses.delay));
        clock.sleep(pauses.led).await;
        self.elect([leader, next, follower]).await;
        clock.sleep(pauses.back).await;
        roads.set(follower, leader, Road::Open);
        clock.sleep(2 * pauses.delay).await;
        roads.set(leader, next, Road::Open);
        roads.set(leader, follower, Road::Open);
    }

    /// The first of these is to lead, if it is in sync.
    async fn elect(&self, replicas: [usize; 3]) {
        let PartitionId { topic_id, partition } = self.id;
        let replicas = Some(replicas.map(nodes::node_id).to_vec());
        let prefer = Command::ReassignPartitions {
            partitions: vec![Reassignment { topic_id, partition, replicas }],
            allow_replication_factor_change: false,
        };
        let elect = Command::ElectLeaders {
            kind: ElectionKind::Preferred,
            partitions: Some(vec![(topic_id, partition)]),
        };
        for command in [prefer, elect] {
            let _refused_or_not_known = self.controller.propose(command).await;
        }
    }
}
