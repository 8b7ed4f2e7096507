//! `cluster drain|rebalance`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::args::{MovingArgs, RateArgs};
use super::throttle::Throttle;
use crate::cli::args::ServerArgs;
use crate::cli::output;
use crate::cli::units::counted;
use crate::client::{Client, TopicInfo};
use crate::clock::Clock;
use crate::cluster::placement::moves::{self, Placed, Target};
use crate::spawn::Spawner;

/// Between two looks at what is still moving.
const LOOK: Duration = Duration::from_millis(500);

/// What replicas are moved for.
pub(super) enum Goal {
    /// This node is to have none.
    Drain(i32),
    /// Every node is to have as many.
    Spread,
}

pub(super) async fn run(goal: Goal, args: &MovingArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    let mut client = args.server.connect(clock.clone(), spawner.clone()).await?;
    let Present { targets, placed, .. } = Present::look(&client).await?;
    let moves = match goal {
        Goal::Drain(node) => moves::drain(&targets, &placed, node)?,
        Goal::Spread => moves::spread(&targets, &placed),
    };
    output::print(&plan(&placed, &moves))?;
    if moves.is_empty() {
        return Ok(());
    }
    if !args.execute {
        only_planned();
        return Ok(());
    }
    if args.no_wait {
        return begin(&client, moves).await;
    }
    let throttle = throttle(&args.rate, (&targets, &placed), &moves);
    carry_out(&mut client, &args.server, (clock, spawner), moves, throttle).await
}

/// The rate asked for, for these moves.
pub(super) fn throttle(
    args: &RateArgs,
    (targets, placed): (&[Target], &[Placed]),
    moves: &[Placed],
) -> Option<Throttle> {
    let running: Vec<i32> = targets.iter().map(|target| target.node_id).collect();
    args.throttle.map(|bytes_per_second| Throttle::new(bytes_per_second, placed, moves, &running))
}

/// Has replicas moved, at a rate if there is one, and waits until they have. Whatever happens, the rate is taken back.
pub(super) async fn carry_out(
    client: &mut Client,
    server: &ServerArgs,
    (clock, spawner): (Clock, Spawner),
    moves: Vec<Placed>,
    throttle: Option<Throttle>,
) -> anyhow::Result<()> {
    let Some(mut throttle) = throttle else {
        begin(client, moves).await?;
        return wait(client, &clock).await;
    };
    let moved = async {
        throttle.begin(client).await?;
        begin(client, moves).await?;
        wait(client, &clock).await
    }
    .await;
    let undone = throttle.undo(server, clock, spawner).await;
    match (moved, undone) {
        (Err(error), Err(left)) => {
            output::complain(&output::in_one_line(&left));
            Err(error)
        }
        (moved, undone) => moved.and(undone),
    }
}

/// What there is to be moved, and where it can go.
pub(super) struct Present {
    /// Nodes that run.
    pub(super) targets: Vec<Target>,
    pub(super) topics: Vec<TopicInfo>,
    /// The same partitions as those of `topics`.
    pub(super) placed: Vec<Placed>,
}

impl Present {
    /// Fails while replicas are moving: it would not be known who has them.
    pub(super) async fn look(client: &Client) -> anyhow::Result<Self> {
        let moving = client.reassignments().await?;
        anyhow::ensure!(
            moving == 0,
            "replicas of {} are still moving: wait until they have",
            counted(moving as u64, "partition")
        );
        let (_, nodes) = client.describe_nodes().await?;
        let topics = client.cluster(None).await?.topics;
        let running = nodes.into_iter().filter(|node| !node.is_fenced);
        Ok(Self {
            targets: running.map(|node| Target { node_id: node.node_id, rack: node.rack }).collect(),
            placed: placed(&topics),
            topics,
        })
    }
}

/// To be said when there was no `--execute`.
pub(super) fn only_planned() {
    output::complain("nothing was changed: say --execute to do it");
}

/// Has them moved; see [`wait`].
pub(super) async fn begin(client: &Client, moves: Vec<Placed>) -> anyhow::Result<()> {
    for (topic, partitions) in by_topic(moves) {
        client.reassign(&topic, &partitions).await?;
    }
    Ok(())
}

/// Until no replica is moving, whoever had it moved.
pub(super) async fn settle(client: &Client, clock: &Clock) -> anyhow::Result<()> {
    while client.reassignments().await? > 0 {
        clock.sleep(LOOK).await;
    }
    Ok(())
}

/// Until all replicas have moved, and those lead that should now.
pub(super) async fn wait(client: &Client, clock: &Clock) -> anyhow::Result<()> {
    settle(client, clock).await?;
    output::print("all replicas have moved\n")?;
    client.elect_leaders(false, None).await?; // where another replica is the preferred one now
    Ok(())
}

fn placed(topics: &[TopicInfo]) -> Vec<Placed> {
    let of = |topic: &TopicInfo| {
        let name = topic.name.clone();
        let one = move |known: &crate::client::PartitionInfo| Placed {
            topic: name.clone(),
            partition: known.partition,
            replicas: known.replicas.clone(),
        };
        topic.partitions.iter().map(one).collect::<Vec<_>>()
    };
    topics.iter().flat_map(of).collect()
}

/// A line for each partition.
pub(super) fn plan(present: &[Placed], moves: &[Placed]) -> String {
    let mut lines = String::new();
    for next in moves {
        let is_same = |before: &&Placed| before.topic == next.topic && before.partition == next.partition;
        let before = present.iter().find(is_same).map_or(&[][..], |before| &before.replicas);
        lines += &format!("{}:{}: {before:?} -> {:?}\n", next.topic, next.partition, next.replicas);
    }
    let count = counted(moves.len() as u64, "partition");
    format!("{lines}{count} to move\n")
}

fn by_topic(moves: Vec<Placed>) -> BTreeMap<String, Vec<(i32, Vec<i32>)>> {
    let mut topics = BTreeMap::<String, Vec<(i32, Vec<i32>)>>::new();
    for Placed { topic, partition, replicas } in moves {
        topics.entry(topic).or_default().push((partition, replicas));
    }
    topics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_says_where_from_and_where_to() {
        let one = |partition, replicas: &[i32]| Placed {
            topic: "t".into(),
            partition,
            replicas: replicas.to_vec(),
        };
        let moves = [one(1, &[3, 2])];
        let plan = plan(&[one(0, &[1]), one(1, &[1, 2])], &moves);
        assert_eq!(plan, "t:1: [1, 2] -> [3, 2]\n1 partition to move\n");
        assert_eq!(by_topic(moves.to_vec())["t"], [(1, vec![3, 2])]);
    }
}
