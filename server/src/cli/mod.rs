//! The command line.
//!
//! Exit codes: 0 done, 1 it failed, 2 wrong usage or configuration, 130 ended by a second signal.

mod args;
mod banner;
mod bench;
mod check_config;
mod cluster;
mod completions;
mod configs;
mod consume;
mod groups;
mod health;
mod http;
mod log_tools;
mod murmur2;
mod notify;
mod open_files;
mod output;
mod produce;
mod progress;
mod recovery;
mod session;
mod start;
mod topics;
pub mod units;

pub use args::{Cli, Command};

use std::process::ExitCode;

use clap::Parser;

/// It was asked for something that it cannot mean.
const USAGE: u8 = 2;

/// Reads the command line, does what it says, and gives the exit code.
pub fn run() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS, // whoever read our output has enough
        Err(error) => {
            output::complain(&format!("error: {}", output::in_one_line(&error)));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Start(args) => return start::run(&args),
        Command::CheckConfig(args) => check_config::run(&args)?,
        Command::Topics(args) => session::run(|clock, spawner| topics::run(args, clock, spawner))?,
        Command::Configs(args) => session::run(|clock, spawner| configs::run(args, clock, spawner))?,
        Command::Groups(args) => session::run(|clock, spawner| groups::run(args, clock, spawner))?,
        Command::Cluster(args) => session::run(|clock, spawner| cluster::run(args, clock, spawner))?,
        Command::Produce(args) => session::run(|clock, spawner| produce::run(args, clock, spawner))?,
        Command::Consume(args) => session::run(|clock, spawner| consume::run(args, clock, spawner))?,
        Command::Health(args) => session::run(|clock, _| health::run(args, clock))?,
        Command::Log(args) => log_tools::run(&args.action)?,
        Command::Bench(args) => session::run(|clock, spawner| bench::run(args, clock, spawner))?,
        Command::Completions(args) => completions::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<crate::config::ConfigError>() { USAGE } else { 1 }
}
