//! What can be said after `bench`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::{Acks, ServerArgs};
use crate::cli::units::parse_size;
use crate::config::{HostPort, Value};

/// `bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// `bench ...`
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Write records to a topic at a given rate, or as fast as they are taken
    Produce(ProduceBench),
    /// Read a topic at a given rate, or as fast as it comes
    Consume(ConsumeBench),
    /// What the disk gives: 1 MiB writes, each followed by fdatasync, into a file written before
    Disk(DiskBench),
    /// What the loopback device gives: one TCP connection, 1 MiB pieces
    Loopback(LoopbackBench),
    /// Disk, produce, loopback and consume in turn, and what share of the machine the server makes use of
    Ratio(RatioBench),
}

/// How requests are sent.
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// Topic; created if it does not exist
    #[arg(long, default_value = "chronik-bench")]
    pub topic: String,
    /// Partitions of a topic that is created
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: i32,
    /// Connections; they take the partitions in turn
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Requests under way on each connection
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub in_flight: u32,
    /// Requests a second over all connections, sent whether or not the server keeps up (latency counts from the time at
    /// which a request should have been sent); or max: as many as `--in-flight` allows
    #[arg(long, default_value = "max", value_parser = Rate::parse)]
    pub rate: Rate,
    /// Stop after so many bytes of batches, such as 2GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub bytes: Option<u64>,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub duration: Option<u64>,
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What is shown in the end.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The server's process on this machine; without it, its metrics are asked
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
    /// The server's admin listener, for its metrics
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9644", value_parser = HostPort::read)]
    pub admin: HostPort,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `bench produce`
#[derive(Clone, Debug, Args)]
pub struct ProduceBench {
    #[command(flatten)]
    pub load: LoadArgs,
    /// Bytes of a record's value
    #[arg(long, value_name = "SIZE", default_value = "1KiB", value_parser = parse_size)]
    pub record_size: u64,
    /// Bytes of a batch, at most; a request carries one
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = parse_size)]
    pub batch_size: u64,
    /// Replicas that must have a batch before it counts
    #[arg(long, value_enum, default_value_t = Acks::All)]
    pub acks: Acks,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `bench consume`
#[derive(Clone, Debug, Args)]
pub struct ConsumeBench {
    #[command(flatten)]
    pub load: LoadArgs,
    /// Bytes that one fetch asks for
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = parse_size)]
    pub fetch_size: u64,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `bench disk`
#[derive(Clone, Debug, Args)]
pub struct DiskBench {
    /// Folder on the disk to measure; a file is made in it and removed
    pub dir: PathBuf,
    /// Bytes to write
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_size)]
    pub bytes: u64,
    /// Bytes of the file, which is written over again and again
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse_size)]
    pub file_size: u64,
}

/// `bench loopback`
#[derive(Clone, Debug, Args)]
pub struct LoopbackBench {
    /// Bytes to send
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = parse_size)]
    pub bytes: u64,
}

/// `bench ratio`
#[derive(Clone, Debug, Args)]
pub struct RatioBench {
    /// Folder on the disk on which the server keeps its data
    pub dir: PathBuf,
    /// Bytes to write and to read in each part
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    pub bytes: u64,
    /// How often each part is run; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Topic; created, and deleted in the end
    #[arg(long, default_value = "chronik-bench-ratio")]
    pub topic: String,
    #[command(flatten)]
    pub server: ServerArgs,
    #[command(flatten)]
    pub report: ReportArgs,
}

/// How fast requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// The next one as soon as one is answered.
    Max,
    /// So many a second, whatever is answered.
    PerSecond(f64),
}

impl Rate {
    /// Reads it as the command line has it.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "max" => Ok(Self::Max),
            Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(Self::PerSecond(rate)),
            _ => Err("it must be max, or requests a second".to_owned()),
        }
    }
}
