//! Two members of one group, polled in turn, that write what they consume and commit exactly that.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;

use crate::client::PATIENCE;

/// Records that one member consumes before it commits and the other's turn comes.
const TURN: usize = 500;
/// How long a turn waits for its first record.
const POLL: Duration = Duration::from_millis(20);

/// Commits before partitions are taken away.
struct Committing;

impl ClientContext for Committing {}

impl ConsumerContext for Committing {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Revoke(_)) {
            commit(consumer).expect("what was written is committed before somebody else goes on");
        }
    }
}

type Member = BaseConsumer<Committing>;

/// Commits what was written since it last did, if anything.
fn commit(member: &Member) -> KafkaResult<()> {
    match member.commit_consumer_state(CommitMode::Sync) {
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
        result => result,
    }
}

/// Consumes `count` records into `file`; with `half`, the second member leaves after half of them.
pub(crate) fn consume(
    client: &ClientConfig,
    topic: &str,
    group: &str,
    file: &str,
    count: usize,
    half: bool,
) -> Result<()> {
    let mut config = client.clone();
    config.set("group.id", group).set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
    config.set("heartbeat.interval.ms", "500");
    // What is committed is what is written: a member that is dropped still polls, and throws away what comes.
    config.set("enable.auto.offset.store", "false");
    let mut members = Vec::new();
    for _ in 0..2 {
        let member: Member = config.create_with_context(Committing)?;
        member.subscribe(&[topic])?;
        members.push(member);
    }
    let mut out = Out { file: BufWriter::new(File::create(file)?), written: 0 };
    let leaves_at = if half { count / 2 } else { count };
    out.take(&members, leaves_at)?;
    for member in &members {
        ensure!(member.assignment()?.count() > 0, "each member gets partitions");
    }
    if half {
        members.pop(); // it leaves
    }
    out.take(&members, count)?;
    Ok(out.file.flush()?)
}

struct Out {
    file: BufWriter<File>,
    written: usize,
}

impl Out {
    /// Has the members consume in turn until `until` records are written and committed.
    fn take(&mut self, members: &[Member], until: usize) -> Result<()> {
        let deadline = Instant::now() + 2 * PATIENCE;
        while self.written < until {
            ensure!(Instant::now() < deadline, "{} of {until} records in time", self.written);
            for member in members {
                self.turn(member, until)?;
            }
        }
        Ok(())
    }

    fn turn(&mut self, member: &Member, until: usize) -> Result<()> {
        for number in 0..TURN.min(until - self.written) {
            let Some(polled) = member.poll(if number == 0 { POLL } else { Duration::ZERO }) else { break };
            let message = polled?;
            let line =
                [message.key().unwrap_or_default(), b"\t", message.payload().unwrap_or_default(), b"\n"];
            line.iter().try_for_each(|part| self.file.write_all(part))?;
            self.written += 1;
            member.store_offset_from_message(&message)?;
        }
        Ok(commit(member)?)
    }
}
