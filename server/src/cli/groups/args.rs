//! What can be said after `groups`.

use clap::{Args, Subcommand};

use crate::cli::args::ServerArgs;

/// `groups`
#[derive(Debug, Args)]
pub struct GroupsArgs {
    #[command(subcommand)]
    pub(super) action: GroupsAction,
}

/// `groups ...`
#[derive(Debug, Subcommand)]
pub(super) enum GroupsAction {
    /// Print the names of all groups
    List {
        /// Only groups in this state, such as Stable or Empty; can be given several times
        #[arg(long = "state", value_name = "STATE")]
        states: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print offsets, lag and owner of every partition
    Describe {
        /// Their names; all groups if none is given
        groups: Vec<String>,
        /// Print the members instead
        #[arg(short, long)]
        members: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Change what a group without members reads next
    ResetOffsets(ResetArgs),
    /// Delete groups without members, and their offsets
    Delete {
        /// Their names
        #[arg(required = true)]
        groups: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// `groups reset-offsets`
#[derive(Debug, Args)]
pub(super) struct ResetArgs {
    /// The group; one that does not exist yet begins with these offsets
    pub(super) group: String,
    /// A topic, or some of its partitions (orders:0,3); can be given several times
    #[arg(long = "topic", value_name = "TOPIC[:PARTITIONS]", required_unless_present = "all_topics")]
    pub(super) topics: Vec<String>,
    /// Every topic that the group has offsets of
    #[arg(long, conflicts_with = "topics")]
    pub(super) all_topics: bool,
    #[command(flatten)]
    pub(super) goal: GoalArgs,
    /// Do it. Without this, only print what would be done
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) execute: bool,
    /// Only print what would be done (the default)
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// Where to; exactly one.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct GoalArgs {
    /// To the first record
    #[arg(long)]
    pub(super) to_earliest: bool,
    /// To the end
    #[arg(long)]
    pub(super) to_latest: bool,
    /// To this offset
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    pub(super) to_offset: Option<i64>,
    /// To the first record that is not older, in milliseconds since 1970
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(i64).range(0..))]
    pub(super) to_timestamp: Option<i64>,
    /// By so many records: forward, or backward if negative
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(super) shift_by: Option<i64>,
}
