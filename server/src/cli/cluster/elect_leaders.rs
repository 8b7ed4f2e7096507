//! `cluster elect-leaders`.

use std::collections::BTreeMap;

use chronik_kafka::ErrorCode;

use crate::cli::output;
use crate::cli::units::counted;
use crate::client::{Client, Cluster, ElectedLeader};

pub(super) async fn run(
    client: &Client,
    unclean: bool,
    partitions: Vec<(String, Option<i32>)>,
) -> anyhow::Result<()> {
    let named = match &partitions[..] {
        [] => None,
        named => {
            let topics: Vec<&str> = named.iter().map(|(topic, _)| topic.as_str()).collect();
            Some(expand(&client.cluster(Some(&topics)).await?, named)?)
        }
    };
    let elected = client.elect_leaders(unclean, named).await?;
    output::print(&report(&elected))?;
    let failed = elected.iter().filter(|one| !is_well(one)).count() as u64;
    anyhow::ensure!(failed == 0, "{} could not have the leader asked for", counted(failed, "partition"));
    Ok(())
}

/// Every partition of a topic that is named without one.
fn expand(cluster: &Cluster, named: &[(String, Option<i32>)]) -> anyhow::Result<Vec<(String, Vec<i32>)>> {
    let mut topics = BTreeMap::<String, Vec<i32>>::new();
    for (name, partition) in named {
        let topic = cluster.topic(name)?;
        let partitions = topics.entry(name.clone()).or_default();
        match partition {
            Some(partition) => partitions.push(*partition),
            None => partitions.extend(topic.partitions.iter().map(|known| known.partition)),
        }
        partitions.sort_unstable();
        partitions.dedup();
    }
    Ok(topics.into_iter().collect())
}

fn is_well(one: &ElectedLeader) -> bool {
    one.code.is_none() || one.code == ErrorCode::ELECTION_NOT_NEEDED
}

/// A line for each partition that could not be helped, and one that counts the others.
fn report(elected: &[ElectedLeader]) -> String {
    let failed = elected.iter().filter(|one| !is_well(one));
    let lines: String = failed
        .map(|one| format!("{}:{}: {}: {}\n", one.topic, one.partition, one.code, one.message))
        .collect();
    let moved = elected.iter().filter(|one| one.code.is_none()).count() as u64;
    format!("{lines}{} with another leader\n", counted(moved, "partition"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_election_that_was_not_needed_is_no_failure() {
        let one = |partition, code: ErrorCode| ElectedLeader {
            topic: "t".into(),
            partition,
            code,
            message: "why".into(),
        };
        let elected = [
            one(0, ErrorCode::NONE),
            one(1, ErrorCode::ELECTION_NOT_NEEDED),
            one(2, ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE),
        ];
        assert_eq!(elected.iter().filter(|one| is_well(one)).count(), 2);
        let report = report(&elected);
        assert_eq!(report, "t:2: PREFERRED_LEADER_NOT_AVAILABLE: why\n1 partition with another leader\n");
    }
}
