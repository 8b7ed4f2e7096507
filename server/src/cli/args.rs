//! What can be said on the command line, apart from `bench`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::bench::BenchArgs;
use super::cluster::ClusterArgs;
use super::configs::ConfigsArgs;
use super::groups::GroupsArgs;
use super::units::parse_size;
use crate::config::{HostPort, Value};

/// Chronik: a Kafka-compatible streaming server in one binary.
#[derive(Debug, Parser)]
#[command(name = "chronik-server", version, propagate_version = true, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a server until Ctrl-C or SIGTERM; a second one ends it at once
    Start(ConfigArgs),
    /// Print the effective configuration and where each value comes from, or say what is wrong with it
    CheckConfig(CheckConfigArgs),
    /// List, create, alter, delete or describe topics
    Topics(TopicsArgs),
    /// List, describe, reset or delete consumer groups
    Groups(GroupsArgs),
    /// Show or change the settings of topics and brokers
    Configs(ConfigsArgs),
    /// Show the nodes of the cluster, choose who leads, add a node or take one out
    Cluster(ClusterArgs),
    /// Send lines from standard input to a topic, one record a line
    Produce(ProduceArgs),
    /// Print the records of a topic, one a line
    Consume(ConsumeArgs),
    /// Ask a server whether it is ready; the exit code says so
    Health(HealthArgs),
    /// Look into a data directory, offline
    Log(LogArgs),
    /// Measure a server and the machine under it
    Bench(BenchArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// Where the configuration comes from: a file, then CHRONIK_* variables, then flags; the last one wins.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// TOML file to read
    #[arg(long, value_name = "FILE", env = "CHRONIK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data directory (log.dirs)
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Where Kafka clients connect (listeners)
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// What clients are told to connect to (advertised.listeners)
    #[arg(long, value_name = "HOST:PORT")]
    pub advertise: Option<String>,
    /// Where console, metrics and health checks are served; '' for nowhere (admin.listener)
    #[arg(long, value_name = "HOST:PORT")]
    pub admin_listen: Option<String>,
    /// Number of this node (node.id)
    #[arg(long, value_name = "N")]
    pub node_id: Option<String>,
    /// Join the cluster that clients reach there, if the data directory is empty (controller.quorum.bootstrap.servers)
    #[arg(long, value_name = "HOST:PORT,...")]
    pub join: Option<String>,
    /// What is logged: error, warn, info, debug, trace (log.level)
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How it is logged: human or json (log.format)
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Any setting; can be given several times
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub assignments: Vec<String>,
}

/// `check-config`
#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Print a configuration file with every setting, its documentation and its default
    #[arg(long, conflicts_with = "reference")]
    pub sample: bool,
    /// Print every setting with its documentation, as Markdown
    #[arg(long)]
    pub reference: bool,
}

/// `health`
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// The server's admin listener
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9644", value_parser = HostPort::read)]
    pub admin: HostPort,
    /// Ask whether every loop of the server makes progress instead
    #[arg(long)]
    pub live: bool,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// How a server is reached.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// A node of the cluster
    #[arg(short = 'b', long, value_name = "HOST:PORT", env = "CHRONIK_BOOTSTRAP_SERVER", default_value = "127.0.0.1:9092", value_parser = HostPort::read)]
    pub bootstrap_server: HostPort,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// `topics`
#[derive(Debug, Args)]
pub struct TopicsArgs {
    #[command(subcommand)]
    pub action: TopicsAction,
}

/// `topics ...`
#[derive(Debug, Subcommand)]
pub enum TopicsAction {
    /// Print the names of all topics
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Create a topic
    Create {
        /// Its name
        topic: String,
        /// Partitions; the server's default if not given
        #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        partitions: Option<i32>,
        /// Replicas of each partition; the server's default if not given
        #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
        replication_factor: Option<i16>,
        /// A setting of the topic, such as retention.ms=60000; can be given several times
        #[arg(short, long = "config", value_name = "NAME=VALUE", value_parser = assignment)]
        configs: Vec<(String, String)>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete topics and all their records
    Delete {
        /// Their names
        #[arg(required = true)]
        topics: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a topic more partitions
    Alter {
        /// Its name
        topic: String,
        /// How many it is to have
        #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        partitions: i32,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print partitions, leaders, replicas, offsets and sizes, and the topics' own settings
    Describe {
        /// Their names; all topics if none is given
        topics: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// `produce`
#[derive(Debug, Args)]
pub struct ProduceArgs {
    /// Topic to write to; it is created if the server is set up to
    pub topic: String,
    /// Partition to write to; without it, by key, or in turn
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// Text between key and value of a line; without it, a line is a value without a key
    #[arg(short, long, value_name = "TEXT")]
    pub key_separator: Option<String>,
    /// Replicas that must have a record before it counts
    #[arg(long, value_enum, default_value_t = Acks::All)]
    pub acks: Acks,
    /// Largest batch, such as 16KiB
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = parse_size)]
    pub batch_size: u64,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `consume`
#[derive(Debug, Args)]
pub struct ConsumeArgs {
    /// Topic to read
    pub topic: String,
    /// Partition to read; all if not given
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub partition: Option<i32>,
    /// Where to begin: earliest, latest, an offset, -N for N records before the end, @MS for milliseconds since 1970
    #[arg(short, long, value_name = "WHERE", default_value = "earliest", allow_hyphen_values = true, value_parser = super::consume::From::parse)]
    pub offset: super::consume::From,
    /// Begin with the first record (--offset earliest; the default)
    #[arg(long, conflicts_with = "offset")]
    pub from_beginning: bool,
    /// Stop at the end instead of waiting for more
    #[arg(short, long)]
    pub exit_at_end: bool,
    /// Stop after so many records
    #[arg(short = 'n', long, value_name = "N")]
    pub max_messages: Option<u64>,
    /// Print keys too, with this text behind them
    #[arg(short, long, value_name = "TEXT")]
    pub key_separator: Option<String>,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `log`
#[derive(Debug, Args)]
pub struct LogArgs {
    #[command(subcommand)]
    pub action: LogAction,
}

/// `log ...`
#[derive(Debug, Subcommand)]
pub enum LogAction {
    /// Print what stands in the write-ahead log and the segments
    Dump(LogDump),
    /// Check every checksum and index, and say what is damaged and where; the server must not run
    Verify {
        /// The data directory
        dir: PathBuf,
    },
}

/// `log dump`
#[derive(Debug, Args)]
pub struct LogDump {
    /// The data directory
    pub dir: PathBuf,
    /// Only this partition, by the name of its folder
    #[arg(long, value_name = "FOLDER")]
    pub partition: Option<String>,
    /// Only the write-ahead log
    #[arg(long = "wal")]
    pub wal_only: bool,
    /// Only the segments
    #[arg(long = "segments", conflicts_with = "wal_only")]
    pub segments_only: bool,
    /// Also what is below the checkpoint and not yet recycled
    #[arg(long)]
    pub all: bool,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Replicas that must have a record before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Acks {
    /// None: nobody says whether it arrived
    #[value(name = "0", alias = "none")]
    None,
    /// The leader
    #[value(name = "1", alias = "leader")]
    Leader,
    /// All that are in sync
    #[value(name = "all", alias = "-1")]
    All,
}

impl Acks {
    /// As the protocol counts.
    pub fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

impl std::fmt::Display for Acks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "0",
            Self::Leader => "1",
            Self::All => "all",
        })
    }
}

pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write name=value")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
