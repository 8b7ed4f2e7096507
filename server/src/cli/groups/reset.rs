//! `groups reset-offsets`, as `kafka-consumer-groups` does it: a plan, and its execution only if asked for.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use comfy_table::{CellAlignment, Table, presets};

use super::args::{GoalArgs, ResetArgs};
use crate::cli::output;
use crate::client::{Client, ClientError, CommittedOffset, Isolation, Offsets};

const COLUMNS: &[&str] = &["topic", "partition", "committed", "new offset"];

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Earliest,
    Latest,
    Offset(i64),
    Timestamp(i64),
    Shift(i64),
}

/// A partition, what was committed of it, and what will be.
struct Step {
    topic: String,
    partition: i32,
    committed: Option<i64>,
    new: i64,
}

pub(super) async fn run(client: &mut Client, args: &ResetArgs) -> anyhow::Result<()> {
    check_inactive(client, &args.group).await?;
    let goal = args.goal.read();
    let committed = client.committed_offsets(&args.group).await?;
    let mut steps = Vec::new();
    for (topic, partition) in partitions(client, args, &committed).await? {
        let known = committed.iter().find(|it| it.topic == topic && it.partition == partition);
        let committed = known.map(|it| it.offset);
        let new = goal.offset(client, &topic, partition, committed).await?;
        steps.push(Step { topic, partition, committed, new });
    }
    if args.execute {
        let offset = |step: &Step| CommittedOffset {
            topic: step.topic.clone(),
            partition: step.partition,
            offset: step.new,
        };
        let offsets: Vec<CommittedOffset> = steps.iter().map(offset).collect();
        client.commit_offsets(&args.group, &offsets).await?;
    }
    output::print(&format!("{}\n", shown(&steps)))?;
    if !args.execute {
        output::complain("nothing was changed: say --execute to do it");
    }
    Ok(())
}

/// A group that has members would go on where it is, and commit over what is set here.
async fn check_inactive(client: &mut Client, group: &str) -> anyhow::Result<()> {
    match client.describe_group(group).await {
        Err(error) if error.code() == Some(chronik_kafka::ErrorCode::GROUP_ID_NOT_FOUND) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(described) if described.members.is_empty() => Ok(()),
        Ok(described) => bail!(
            "offsets can only be reset while the group is inactive, but '{group}' is {} with {} members; stop them first",
            described.state,
            described.members.len()
        ),
    }
}

/// Those that are asked for, in order.
async fn partitions(
    client: &Client,
    args: &ResetArgs,
    committed: &[CommittedOffset],
) -> anyhow::Result<BTreeSet<(String, i32)>> {
    if args.all_topics {
        return Ok(committed.iter().map(|it| (it.topic.clone(), it.partition)).collect());
    }
    let mut found = BTreeSet::new();
    for asked in &args.topics {
        let (topic, wanted) = read_topic(asked)?;
        let cluster = client.cluster(Some(&[topic])).await?;
        let all = cluster.topic(topic)?.partitions.iter().map(|partition| partition.partition);
        let partitions: Vec<i32> = wanted.unwrap_or_else(|| all.collect());
        found.extend(partitions.into_iter().map(|partition| (topic.to_owned(), partition)));
    }
    Ok(found)
}

/// `orders` or `orders:0,3`. A topic's name has no colon.
fn read_topic(text: &str) -> anyhow::Result<(&str, Option<Vec<i32>>)> {
    let Some((topic, list)) = text.split_once(':') else { return Ok((text, None)) };
    let partitions = list.split(',').map(|number| number.trim().parse().ok().filter(|number| *number >= 0));
    let partitions = partitions.collect::<Option<Vec<i32>>>();
    Ok((topic, Some(partitions.with_context(|| format!("'{text}' must be a topic, or topic:0,1,..."))?)))
}

impl GoalArgs {
    fn read(&self) -> Goal {
        match (self.to_offset, self.to_timestamp, self.shift_by) {
            (Some(offset), ..) => Goal::Offset(offset),
            (_, Some(timestamp_ms), _) => Goal::Timestamp(timestamp_ms),
            (_, _, Some(by)) => Goal::Shift(by),
            _ if self.to_earliest => Goal::Earliest,
            _ => Goal::Latest,
        }
    }
}

impl Goal {
    async fn offset(
        self,
        client: &mut Client,
        topic: &str,
        partition: i32,
        committed: Option<i64>,
    ) -> Result<i64, ClientError> {
        let cluster = client.cluster(Some(&[topic])).await?;
        let leader = client.leader(&cluster, topic, partition).await?;
        let isolation = Isolation::default();
        let earliest = leader.offset(topic, partition, Offsets::Earliest, isolation).await?;
        let latest = leader.offset(topic, partition, Offsets::Latest, isolation).await?;
        let at_time = match self {
            Self::Timestamp(ms) => leader.offset(topic, partition, Offsets::NotBefore(ms), isolation).await?,
            _ => -1,
        };
        Ok(self.choose(committed, at_time, earliest, latest))
    }

    /// Within what the partition has. `at_time` is -1 if no record is that late; a group without an offset is shifted from the end.
    fn choose(self, committed: Option<i64>, at_time: i64, earliest: i64, latest: i64) -> i64 {
        let wanted = match self {
            Self::Earliest => earliest,
            Self::Latest => latest,
            Self::Offset(offset) => offset,
            Self::Timestamp(_) if at_time < 0 => latest,
            Self::Timestamp(_) => at_time,
            Self::Shift(by) => committed.unwrap_or(latest).saturating_add(by),
        };
        wanted.clamp(earliest, latest.max(earliest))
    }
}

fn shown(steps: &[Step]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(COLUMNS);
    for Step { topic, partition, committed, new } in steps {
        let committed = committed.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
        table.add_row([topic.clone(), partition.to_string(), committed, new.to_string()]);
    }
    for number in 1..4 {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_stay_within_the_partition() {
        let cases = [
            (Goal::Earliest, Some(50), 10),
            (Goal::Latest, None, 100),
            (Goal::Offset(42), Some(50), 42),
            (Goal::Offset(5), Some(50), 10),
            (Goal::Offset(500), Some(50), 100),
            (Goal::Shift(-5), Some(50), 45),
            (Goal::Shift(5), Some(50), 55),
            (Goal::Shift(-100), Some(50), 10),
            (Goal::Shift(i64::MAX), Some(50), 100),
            (Goal::Shift(-5), None, 95),
            (Goal::Timestamp(1), Some(50), 33),
        ];
        for (goal, committed, expected) in cases {
            assert_eq!(goal.choose(committed, 33, 10, 100), expected, "{goal:?}");
        }
        assert_eq!(Goal::Timestamp(1).choose(None, -1, 10, 100), 100, "no record is that late");
    }

    #[test]
    fn topics_may_name_their_partitions() {
        assert_eq!(read_topic("orders").unwrap(), ("orders", None));
        assert_eq!(read_topic("orders:0, 3").unwrap(), ("orders", Some(vec![0, 3])));
        assert!(read_topic("orders:").is_err() && read_topic("orders:-1").is_err());
    }
}
