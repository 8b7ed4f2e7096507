//! What can be said to `configs`.

use clap::{Args, Subcommand};

use crate::cli::args::{ServerArgs, assignment};
use crate::client::{ConfigChange, ConfigOwner};

/// `configs`
#[derive(Debug, Args)]
pub struct ConfigsArgs {
    #[command(subcommand)]
    pub(super) action: ConfigsAction,
}

/// `configs ...`
#[derive(Debug, Subcommand)]
pub(super) enum ConfigsAction {
    /// Print settings, and where each value comes from
    Describe(DescribeArgs),
    /// Change settings while the server runs; all of the changes are made, or none
    Alter(AlterArgs),
}

/// Whose settings.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct OwnerArgs {
    /// A topic
    #[arg(short, long, value_name = "TOPIC")]
    topic: Option<String>,
    /// A broker, by its node.id
    #[arg(long, value_name = "ID")]
    broker: Option<i32>,
    /// All brokers: what was changed for them while they ran
    #[arg(long)]
    all_brokers: bool,
}

impl OwnerArgs {
    pub(super) fn owner(&self) -> ConfigOwner {
        match (&self.topic, self.broker) {
            (Some(topic), _) => ConfigOwner::Topic(topic.clone()),
            (None, Some(id)) => ConfigOwner::Broker(id),
            (None, None) => ConfigOwner::EveryBroker,
        }
    }
}

/// `configs describe`
#[derive(Debug, Args)]
pub(super) struct DescribeArgs {
    #[command(flatten)]
    pub(super) owner: OwnerArgs,
    /// Also settings that are at their default
    #[arg(short, long)]
    pub(super) all: bool,
    /// What each setting does
    #[arg(short, long)]
    pub(super) docs: bool,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// `configs alter`
#[derive(Debug, Args)]
pub(super) struct AlterArgs {
    #[command(flatten)]
    pub(super) owner: OwnerArgs,
    #[command(flatten)]
    changes: ChangeArgs,
    /// Only say whether it could be done
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// At least one change.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct ChangeArgs {
    /// Give a setting a value, such as retention.ms=60000; can be given several times
    #[arg(short, long = "set", value_name = "NAME=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Go back to what is inherited; can be given several times
    #[arg(long, value_name = "NAME")]
    delete: Vec<String>,
    /// Add to a list, such as cleanup.policy=compact; can be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    append: Vec<(String, String)>,
    /// Take from a list; can be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    subtract: Vec<(String, String)>,
}

impl AlterArgs {
    pub(super) fn changes(self) -> Vec<(String, ConfigChange)> {
        let ChangeArgs { set, delete, append, subtract } = self.changes;
        let set = set.into_iter().map(|(name, value)| (name, ConfigChange::Set(value)));
        let delete = delete.into_iter().map(|name| (name, ConfigChange::Delete));
        let append = append.into_iter().map(|(name, value)| (name, ConfigChange::Append(value)));
        let subtract = subtract.into_iter().map(|(name, value)| (name, ConfigChange::Subtract(value)));
        set.chain(delete).chain(append).chain(subtract).collect()
    }
}
