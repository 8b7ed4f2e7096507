//! `cluster status|elect-leaders|drain|rebalance|unregister`.

mod args;
mod elect_leaders;
mod moves;
mod status;

pub(super) use args::ClusterArgs;

use args::ClusterAction;
use moves::Goal;

use super::output;
use crate::clock::Clock;
use crate::spawn::Spawner;

pub(super) async fn run(args: ClusterArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    match args.action {
        ClusterAction::Status { server } => status::run(&server.connect(clock, spawner).await?).await,
        ClusterAction::ElectLeaders { partitions, unclean, server } => {
            elect_leaders::run(&server.connect(clock, spawner).await?, unclean, partitions).await
        }
        ClusterAction::Drain { node, moving } => moves::run(Goal::Drain(node), &moving, clock, spawner).await,
        ClusterAction::Rebalance { moving } => moves::run(Goal::Spread, &moving, clock, spawner).await,
        ClusterAction::Unregister { node, server } => {
            server.connect(clock, spawner).await?.unregister(node).await?;
            Ok(output::print(&format!("node {node} is not of the cluster any more\n"))?)
        }
    }
}
