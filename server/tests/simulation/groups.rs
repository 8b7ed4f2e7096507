//! Groups through several lives of a node, each ended by a power cut at a random disk operation: an offset that was acknowledged is never followed
//! by a lower one, and a member that was given its assignment is a member still.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::message::join_group::JoinGroupRequestProtocol;
use chronik_kafka::message::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use chronik_kafka::message::offset_fetch::OffsetFetchRequestTopic;
use chronik_kafka::message::sync_group::SyncGroupRequestAssignment;
use chronik_kafka::message::{
    HeartbeatRequest, JoinGroupRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use chronik_log::disk::SimDisk;
use chronik_log::disk::sim::Crash;
use chronik_server::clock::Clock;
use chronik_server::rng::Rng;
use chronik_server::spawn::Spawner;

use crate::client::Client;
use crate::world::{EPOCH_MS, runtime, start};

const LIVES: i64 = 4;
const TOPIC: &str = "orders";
/// Groups of consumers that assign their partitions themselves.
const SIMPLE: [&str; 3] = ["a", "b", "c"];
/// The group with a member.
const MANAGED: &str = "managed";
/// Commits that a life tries.
const COMMITS: u64 = 60;

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) acknowledged: usize,
    /// Lives that began with a member of an earlier one.
    pub(crate) lives_with_members: usize,
}

struct Run {
    seed: u64,
    rng: Rng,
    /// By group: the last offset that was acknowledged, and the last that was sent.
    offsets: BTreeMap<&'static str, (i64, i64)>,
    /// The member that has its assignment, and its generation.
    member: Option<(String, i32)>,
    outcome: Outcome,
}

/// Runs the seed, and panics with it in the message when something is not as it was.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut run = Run {
        seed,
        rng: Rng::seeded(seed ^ 0x6772_6f75_7073),
        offsets: BTreeMap::new(),
        member: None,
        outcome: Outcome { acknowledged: 0, lives_with_members: 0 },
    };
    let mut disk = SimDisk::new(seed);
    for life in 0..LIVES {
        disk.crash_after(50 + run.rng.below(500));
        runtime().block_on(run.live(&disk, life));
        let crash = match run.rng.below(3) {
            0 => Crash::Lost,
            1 => Crash::Kept,
            _ => Crash::Torn(run.rng.below(u64::MAX)),
        };
        disk = disk.crash(crash);
    }
    runtime().block_on(run.live(&disk, LIVES));
    run.outcome
}

impl Run {
    async fn live(&mut self, disk: &SimDisk, life: i64) {
        let clock = Clock::starting_at(EPOCH_MS + life * 3_600_000);
        let Ok((node, connector, shutdown)) = start(disk, &clock, self.rng.fork()).await else { return };
        let mut ended = Spawner::simulated().task(async move {
            let _ = node.run().await;
        });
        let mut client = Client::connect(&connector, 1).await.expect("a connection");
        let _power_failed = self.work(&mut client, &clock).await;
        drop(client);
        shutdown.request();
        let _ = ended.wait().await;
    }

    /// Ends with an error when the power fails.
    async fn work(&mut self, client: &mut Client, clock: &Clock) -> io::Result<()> {
        refuse(client.ensure_topic(TOPIC).await?)?;
        self.check(client, clock).await?;
        if self.member.is_none() {
            self.join(client).await?;
        }
        for _ in 0..COMMITS {
            let group = match self.rng.below(4) {
                3 => MANAGED,
                n => SIMPLE[usize::try_from(n).expect("small")],
            };
            self.commit(client, group).await?;
        }
        Ok(())
    }

    /// Everything is as it was.
    async fn check(&mut self, client: &mut Client, clock: &Clock) -> io::Result<()> {
        let seed = self.seed;
        for (group, (acknowledged, sent)) in self.offsets.clone() {
            let found = fetch(client, clock, group).await?;
            assert!(
                (acknowledged..=sent).contains(&found),
                "seed {seed}, {group}: {found} was found, {acknowledged} acknowledged, {sent} sent"
            );
            self.offsets.insert(group, (found, sent));
        }
        if let Some((member_id, generation_id)) = &self.member {
            fetch(client, clock, MANAGED).await?; // a heartbeat does not say whether the group is loaded
            let request = HeartbeatRequest {
                group_id: MANAGED.into(),
                generation_id: *generation_id,
                member_id: member_id.as_str().into(),
                ..Default::default()
            };
            let code = client.call(3, &request).await?.error_code;
            assert_eq!(code, ErrorCode::NONE, "seed {seed}: the member is gone");
            self.outcome.lives_with_members += 1;
        }
        Ok(())
    }

    async fn join(&mut self, client: &mut Client) -> io::Result<()> {
        let request = JoinGroupRequest {
            group_id: MANAGED.into(),
            session_timeout_ms: 30_000,
            rebalance_timeout_ms: 30_000,
            protocol_type: "consumer".into(),
            protocols: vec![JoinGroupRequestProtocol { name: "range".into(), ..Default::default() }],
            ..Default::default()
        };
        let joined = client.call(3, &request).await?;
        refuse(joined.error_code)?;
        let assignment = SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: bytes::Bytes::from_static(b"all"),
        };
        let request = SyncGroupRequest {
            group_id: MANAGED.into(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            assignments: vec![assignment],
            ..Default::default()
        };
        refuse(client.call(2, &request).await?.error_code)?;
        self.member = Some((joined.member_id.to_string(), joined.generation_id));
        Ok(())
    }

    async fn commit(&mut self, client: &mut Client, group: &'static str) -> io::Result<()> {
        let (acknowledged, sent) = self.offsets.get(group).copied().unwrap_or((-1, -1));
        let offset = sent + 1;
        self.offsets.insert(group, (acknowledged, offset));
        let member = self.member.as_ref().filter(|_| group == MANAGED);
        let partition = OffsetCommitRequestPartition {
            partition_index: 0,
            committed_offset: offset,
            ..Default::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: TOPIC.into(),
            partitions: vec![partition],
            ..Default::default()
        };
        let request = OffsetCommitRequest {
            group_id: group.into(),
            generation_id_or_member_epoch: member.map_or(-1, |(_, generation)| *generation),
            member_id: member.map_or_else(Default::default, |(id, _)| id.as_str().into()),
            topics: vec![topic],
            ..Default::default()
        };
        let code = client.call(5, &request).await?.topics[0].partitions[0].error_code;
        refuse(code)?;
        self.offsets.insert(group, (offset, offset));
        self.outcome.acknowledged += 1;
        Ok(())
    }
}

/// The committed offset, once the group is loaded.
async fn fetch(client: &mut Client, clock: &Clock, group: &str) -> io::Result<i64> {
    let topic = OffsetFetchRequestTopic { name: TOPIC.into(), partition_indexes: vec![0] };
    let request =
        OffsetFetchRequest { group_id: group.into(), topics: Some(vec![topic]), ..Default::default() };
    loop {
        let response = client.call(5, &request).await?;
        if response.error_code != ErrorCode::COORDINATOR_LOAD_IN_PROGRESS {
            refuse(response.error_code)?;
            return Ok(response.topics[0].partitions[0].committed_offset);
        }
        clock.sleep(Duration::from_millis(10)).await;
    }
}

/// An error ends the life.
fn refuse(code: ErrorCode) -> io::Result<()> {
    if code.is_none() { Ok(()) } else { Err(io::Error::other(code.to_string())) }
}
