//! `cluster status|elect-leaders|unregister`.

mod args;
mod elect_leaders;
mod status;

pub(super) use args::ClusterArgs;

use args::ClusterAction;

use super::output;
use crate::clock::Clock;
use crate::spawn::Spawner;

pub(super) async fn run(args: ClusterArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    match args.action {
        ClusterAction::Status { server } => status::run(&server.connect(clock, spawner).await?).await,
        ClusterAction::ElectLeaders { partitions, unclean, server } => {
            elect_leaders::run(&server.connect(clock, spawner).await?, unclean, partitions).await
        }
        ClusterAction::Unregister { node, server } => {
            server.connect(clock, spawner).await?.unregister(node).await?;
            Ok(output::print(&format!("node {node} is not of the cluster any more\n"))?)
        }
    }
}
