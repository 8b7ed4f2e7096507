//! `completions SHELL`.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::output;

pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "chronik-server", &mut script);
    Ok(output::print(&String::from_utf8_lossy(&script))?)
}
