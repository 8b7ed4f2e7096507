//! `bench`: measures a server, and the machine under it, so that both can be set against each other in one run.

mod args;
mod consume;
mod pace;
mod produce;
mod ratio;
mod recorder;
mod reference;
mod report;
mod usage;

pub(super) use args::{BenchArgs, BenchCommand};

use crate::cli::output;
use crate::clock::Clock;
use crate::spawn::Spawner;

pub(super) async fn run(args: BenchArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    let machine = Machine { clock, spawner };
    let report = match &args.command {
        BenchCommand::Produce(args) => produce::run(args, &machine).await?.finish(args.report.json),
        BenchCommand::Consume(args) => consume::run(args, &machine).await?.finish(args.report.json),
        BenchCommand::Disk(args) => {
            reference::disk(args, &machine).await?.show("disk: 1 MiB writes, each synced")
        }
        BenchCommand::Loopback(args) => {
            reference::loopback(args, &machine).await?.show("loopback: TCP in 1 MiB pieces")
        }
        BenchCommand::Ratio(args) => ratio::run(args, &machine).await?,
    };
    Ok(output::print(&report)?)
}

/// What a measurement runs with.
struct Machine {
    clock: Clock,
    spawner: Spawner,
}
