//! What can be said after `cluster`.

use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::cli::args::ServerArgs;
use crate::cli::units::parse_size;
use crate::config::{HostPort, Value, Voters};
use crate::types::read_uuid;

/// `cluster`
#[derive(Debug, Args)]
pub struct ClusterArgs {
    #[command(subcommand)]
    pub(super) action: ClusterAction,
}

/// `cluster ...`
#[derive(Debug, Subcommand)]
pub(super) enum ClusterAction {
    /// Wait until a new cluster has begun, which it does by itself once all of controller.quorum.voters are there; say what is missing
    Init {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the nodes, who leads the metadata, and how many partitions lack a leader or replicas
    Status {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Have the preferred replicas lead again
    ElectLeaders {
        /// A topic, or one of its partitions (orders:3); all if none is given
        #[arg(value_name = "TOPIC[:PARTITION]", value_parser = partitions)]
        partitions: Vec<(String, Option<i32>)>,
        /// Where nobody leads, have a replica lead that is not in sync: records that it has not got are lost
        #[arg(long)]
        unclean: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Move all replicas of a node to other nodes, so that it can be taken out
    Drain {
        /// Its node id
        node: i32,
        #[command(flatten)]
        moving: MovingArgs,
    },
    /// Spread replicas and leaders evenly over the nodes
    Rebalance {
        #[command(flatten)]
        moving: MovingArgs,
    },
    /// Take a new node into the cluster: one that was started, and waits to be added
    AddNode {
        /// Its node id, and where the other nodes reach it
        #[arg(value_name = "ID@HOST:PORT", value_parser = member)]
        node: (i32, HostPort),
        /// The id of its data directory, in either of the forms in which Kafka and others write one
        #[arg(long, value_name = "UUID", value_parser = read_uuid)]
        directory_id: Uuid,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Take a node out of the cluster, dead or alive: move its replicas to other nodes, wait until they are there, have everybody forget it
    RemoveNode(RemoveNodeArgs),
    /// Forget a node that is stopped and has no replicas; it stays a voter of the metadata (see remove-node)
    Unregister {
        /// Its node id
        node: i32,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// `cluster remove-node`
#[derive(Debug, Args)]
pub(super) struct RemoveNodeArgs {
    /// Its node id
    pub(super) node: i32,
    /// The node that is to have its replicas, as far as it has none of the same partition; without this, those that have least to do
    #[arg(long, value_name = "ID")]
    pub(super) replace_with: Option<i32>,
    /// Do it. Without this, only print what would be done
    #[arg(long)]
    pub(super) execute: bool,
    #[command(flatten)]
    pub(super) rate: RateArgs,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// How fast replicas are moved.
#[derive(Debug, Args)]
pub(super) struct RateArgs {
    /// Move them at this rate: bytes per second that a node sends, and that a node is sent, such as 50MiB. The settings that this takes are taken back when they have moved
    #[arg(long, value_name = "SIZE", requires = "execute", value_parser = parse_size)]
    pub(super) throttle: Option<u64>,
}

/// How replicas are moved.
#[derive(Debug, Args)]
pub(super) struct MovingArgs {
    /// Do it. Without this, only print what would be done
    #[arg(long)]
    pub(super) execute: bool,
    /// Do not wait until all replicas have moved
    #[arg(long, requires = "execute", conflicts_with = "throttle")]
    pub(super) no_wait: bool,
    #[command(flatten)]
    pub(super) rate: RateArgs,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// `orders`, or `orders:3`.
fn partitions(text: &str) -> Result<(String, Option<i32>), String> {
    match text.rsplit_once(':') {
        None => Ok((text.to_owned(), None)),
        Some((topic, number)) => match number.parse() {
            Ok(number) if number >= 0 => Ok((topic.to_owned(), Some(number))),
            _ => Err(format!(
                "'{number}' is not the number of a partition: write {topic}:0, or {topic} for all of it"
            )),
        },
    }
}

/// `4@host:9192`, as in `controller.quorum.voters`.
fn member(text: &str) -> Result<(i32, HostPort), String> {
    let mut members = Voters::read(text)?.0.into_iter();
    match (members.next(), members.next()) {
        (Some(member), None) => Ok(member),
        _ => Err("name one node, as id@host:port".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_stands_behind_its_topic() {
        assert_eq!(partitions("orders"), Ok(("orders".to_owned(), None)));
        assert_eq!(partitions("orders:3"), Ok(("orders".to_owned(), Some(3))));
        for wrong in ["orders:", "orders:x", "orders:-1"] {
            assert!(partitions(wrong).unwrap_err().contains("write orders:0"), "{wrong}");
        }
    }

    #[test]
    fn one_node_is_named_as_voters_are() {
        assert_eq!(member("4@h:9192"), Ok((4, HostPort::new("h", 9192))));
        for (wrong, why) in [
            ("4", "must be id@host:port"),
            ("4@0.0.0.0:9192", "nobody can connect"),
            ("4@h:9192,5@i:9192", "name one node"),
            ("", "name one node"),
        ] {
            assert!(member(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }
}
