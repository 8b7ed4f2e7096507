//! What can be said after `cluster`.

use clap::{Args, Subcommand};

use crate::cli::args::ServerArgs;

/// `cluster`
#[derive(Debug, Args)]
pub struct ClusterArgs {
    #[command(subcommand)]
    pub(super) action: ClusterAction,
}

/// `cluster ...`
#[derive(Debug, Subcommand)]
pub(super) enum ClusterAction {
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
    /// Take a node that is stopped and has no replicas out of the cluster
    Unregister {
        /// Its node id
        node: i32,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// How replicas are moved.
#[derive(Debug, Args)]
pub(super) struct MovingArgs {
    /// Do it. Without this, only print what would be done
    #[arg(long)]
    pub(super) execute: bool,
    /// Do not wait until all replicas have moved
    #[arg(long, requires = "execute")]
    pub(super) no_wait: bool,
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
}
