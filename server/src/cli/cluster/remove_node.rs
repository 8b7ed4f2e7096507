//! `cluster remove-node`.

use anyhow::ensure;

use super::args::RemoveNodeArgs;
use super::moves::{self, Present};
use crate::cli::output;
use crate::cli::units::counted;
use crate::client::{DescribedNode, QuorumInfo, TopicInfo};
use crate::clock::Clock;
use crate::cluster::placement::moves::{Target, drain, replace};
use crate::spawn::Spawner;

/// Says what will be done; does it, a step after the other, if it is to be done. Begun again after it was interrupted, it goes on.
pub(super) async fn run(args: &RemoveNodeArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    let mut client = args.server.connect(clock.clone(), spawner.clone()).await?;
    if args.execute {
        moves::settle(&client, &clock).await?; // it may be this command that was interrupted
    }
    let (_, nodes) = client.describe_nodes().await?;
    let quorum = client.describe_quorum().await?;
    let Present { targets, topics, placed } = Present::look(&client).await?;
    check_node(args.node, &nodes, &quorum)?;
    check_substitute(args.node, args.replace_with, &targets)?;
    check_leaders(args.node, &topics)?;
    let moving = match args.replace_with {
        None => drain(&targets, &placed, args.node)?,
        Some(substitute) => replace(&targets, &placed, args.node, substitute)?,
    };
    output::print(&format!("{}{}", moves::plan(&placed, &moving), ending(args.node, &quorum)))?;
    if !args.execute {
        moves::only_planned();
        return Ok(());
    }
    if !moving.is_empty() {
        let throttle = moves::throttle(&args.rate, (&targets, &placed), &moving);
        moves::carry_out(&mut client, &args.server, (clock, spawner), moving, throttle).await?;
    }
    client.remove_raft_voter(args.node).await?;
    Ok(output::print(&format!("node {} is not of the cluster any more\n", args.node))?)
}

fn check_node(node: i32, nodes: &[DescribedNode], quorum: &QuorumInfo) -> anyhow::Result<()> {
    let mut known: Vec<i32> = nodes.iter().map(|known| known.node_id).collect();
    known.extend(quorum.voters.iter().chain(&quorum.learners).map(|(id, _)| *id));
    known.sort_unstable();
    known.dedup();
    let names = || known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    ensure!(known.contains(&node), "the cluster has no node {node}, but {}", names());
    ensure!(known.len() > 1, "node {node} is the only one: without it there is no cluster");
    Ok(())
}

fn check_substitute(node: i32, substitute: Option<i32>, targets: &[Target]) -> anyhow::Result<()> {
    let Some(substitute) = substitute else { return Ok(()) };
    ensure!(
        substitute != node,
        "node {node} cannot take its own place: name another one with --replace-with"
    );
    ensure!(
        targets.iter().any(|target| target.node_id == substitute),
        "node {substitute} is not there to take the place of node {node}: start it first (chronik-server cluster status)"
    );
    Ok(())
}

/// A partition that nobody leads does not move: nobody has what a new replica needs.
fn check_leaders(node: i32, topics: &[TopicInfo]) -> anyhow::Result<()> {
    let mut stuck = topics.iter().flat_map(|topic| {
        let of_node =
            topic.partitions.iter().filter(|known| known.leader < 0 && known.replicas.contains(&node));
        of_node.map(|known| format!("{}:{}", topic.name, known.partition))
    });
    let Some(first) = stuck.next() else { return Ok(()) };
    let count = counted(1 + stuck.count() as u64, "partition");
    anyhow::bail!(
        "nobody leads {count} of those on node {node} (such as {first}), and so they cannot move: start a node that is in sync, lose what only such nodes have \
         (chronik-server cluster elect-leaders --unclean {first}), or delete the topic"
    )
}

fn ending(node: i32, quorum: &QuorumInfo) -> String {
    let part =
        if quorum.votes(node) { "which votes on the metadata" } else { "which has no vote on the metadata" };
    format!("then node {node}, {part}, is taken out of the cluster\n")
}

#[cfg(test)]
mod tests {
    use chronik_kafka::ErrorCode;
    use uuid::Uuid;

    use super::*;
    use crate::client::PartitionInfo;
    use crate::config::HostPort;

    fn known(ids: &[i32]) -> Vec<DescribedNode> {
        let node = |id: &i32| DescribedNode {
            node_id: *id,
            address: HostPort::new("h", 9092),
            rack: None,
            is_fenced: false,
        };
        ids.iter().map(node).collect()
    }

    fn said(outcome: anyhow::Result<()>) -> String {
        outcome.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_node_must_be_there_and_not_the_only_one() {
        let quorum = QuorumInfo { voters: vec![(1, 9), (3, 9)], ..Default::default() };
        assert_eq!(said(check_node(2, &known(&[1, 2]), &quorum)), "");
        assert_eq!(said(check_node(3, &known(&[1, 2]), &quorum)), "", "a voter that never registered");
        assert_eq!(said(check_node(4, &known(&[1, 2]), &quorum)), "the cluster has no node 4, but 1, 2, 3");
        let alone = QuorumInfo { voters: vec![(1, 9)], ..Default::default() };
        assert!(said(check_node(1, &known(&[1]), &alone)).contains("is the only one"));
        assert!(ending(1, &alone).contains("which votes") && ending(2, &alone).contains("no vote"));
    }

    #[test]
    fn a_substitute_is_another_node_that_runs() {
        let targets = [Target { node_id: 1, rack: None }, Target { node_id: 2, rack: None }];
        assert_eq!(said(check_substitute(3, None, &targets)), "");
        assert_eq!(said(check_substitute(3, Some(2), &targets)), "");
        assert!(said(check_substitute(3, Some(4), &targets)).contains("start it first"));
        assert!(said(check_substitute(2, Some(2), &targets)).contains("its own place"));
    }

    #[test]
    fn what_nobody_leads_cannot_move() {
        let partition = |partition, leader, replicas: &[i32]| PartitionInfo {
            partition,
            leader,
            replicas: replicas.to_vec(),
            in_sync_replicas: replicas.to_vec(),
        };
        let partitions = vec![partition(0, 1, &[1, 3]), partition(1, -1, &[2]), partition(2, -1, &[3])];
        let topic = TopicInfo { name: "t".into(), topic_id: Uuid::nil(), error: ErrorCode::NONE, partitions };
        let topics = [topic];
        assert_eq!(said(check_leaders(1, &topics)), "");
        let stuck = said(check_leaders(3, &topics));
        assert!(stuck.contains("1 partition of") && stuck.contains("(such as t:2)"), "{stuck}");
    }
}
