//! `cluster init|status|elect-leaders|drain|rebalance|add-node|remove-node|unregister`.

mod args;
mod elect_leaders;
mod init;
mod moves;
mod remove_node;
mod status;
mod throttle;

pub(super) use args::ClusterArgs;

use args::ClusterAction;
use moves::Goal;

use super::output;
use crate::client::NewVoter;
use crate::clock::Clock;
use crate::spawn::Spawner;

pub(super) async fn run(args: ClusterArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    match args.action {
        ClusterAction::Init { server } => init::run(&server, clock, spawner).await,
        ClusterAction::Status { server } => status::run(&server.connect(clock, spawner).await?).await,
        ClusterAction::ElectLeaders { partitions, unclean, server } => {
            elect_leaders::run(&server.connect(clock, spawner).await?, unclean, partitions).await
        }
        ClusterAction::Drain { node, moving } => moves::run(Goal::Drain(node), &moving, clock, spawner).await,
        ClusterAction::Rebalance { moving } => moves::run(Goal::Spread, &moving, clock, spawner).await,
        ClusterAction::AddNode { node: (node_id, place), directory_id, server } => {
            let node = NewVoter { node_id, directory_id, place };
            server.connect(clock, spawner).await?.add_raft_voter(None, &node, true).await?;
            Ok(output::print(&format!("node {node_id} at {} is of the cluster now\n", node.place))?)
        }
        ClusterAction::RemoveNode(args) => remove_node::run(&args, clock, spawner).await,
        ClusterAction::Unregister { node, server } => {
            server.connect(clock, spawner).await?.unregister(node).await?;
            Ok(output::print(&format!("node {node} is not of the cluster any more\n"))?)
        }
    }
}
