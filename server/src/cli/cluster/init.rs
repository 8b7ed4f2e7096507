//! `cluster init`: a new cluster begins by itself, once all of `controller.quorum.voters` are there and nobody of them has begun with others. This waits for it, and
//! says what is missing.

use std::time::Duration;

use anyhow::bail;

use crate::cli::args::ServerArgs;
use crate::cli::output;
use crate::client::{Client, ClientError, DescribedNode, Options, QuorumInfo};
use crate::clock::Clock;
use crate::spawn::Spawner;

/// Between two looks, and how long one may take: before a cluster has begun its nodes answer no client.
const PAUSE: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_secs(2);

/// Waits for `--timeout` at most.
pub(super) async fn run(server: &ServerArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    let deadline = clock.uptime() + Duration::from_secs(server.timeout);
    let mut told = String::new();
    loop {
        let missing = match look(server, clock.clone(), spawner.clone()).await {
            Ok((cluster_id, nodes, quorum)) => match missing(&nodes, &quorum) {
                None => return Ok(output::print(&begun(&cluster_id, &nodes, &quorum))?),
                Some(missing) => missing,
            },
            Err(error) => format!("{} does not serve clients yet ({error})", server.bootstrap_server),
        };
        if clock.uptime() >= deadline {
            bail!(
                "the cluster has not begun within {} s: {missing}. All nodes of controller.quorum.voters must be up, with empty data directories and the same voters; the log \
                 of each says what it waits for, and so does its /health/ready",
                server.timeout
            );
        }
        if missing != told {
            output::complain(&missing);
            told = missing;
        }
        clock.sleep(PAUSE).await;
    }
}

async fn look(
    server: &ServerArgs,
    clock: Clock,
    spawner: Spawner,
) -> Result<(String, Vec<DescribedNode>, QuorumInfo), ClientError> {
    let options = Options { timeout: LOOK, ..server.options(clock, spawner) };
    let client = Client::connect(&server.bootstrap_server, options).await?;
    let (cluster_id, nodes) = client.describe_nodes().await?;
    Ok((cluster_id, nodes, client.describe_quorum().await?))
}

/// What the cluster lacks.
fn missing(nodes: &[DescribedNode], quorum: &QuorumInfo) -> Option<String> {
    if quorum.leader < 0 {
        return Some("nobody leads the metadata".to_owned());
    }
    let is_up = |id: &i32| nodes.iter().any(|node| node.node_id == *id && !node.is_fenced);
    let away: Vec<String> =
        quorum.voters.iter().map(|(id, _)| id).filter(|id| !is_up(id)).map(ToString::to_string).collect();
    (!away.is_empty()).then(|| format!("of its nodes, {} do not serve yet", away.join(", ")))
}

fn begun(cluster_id: &str, nodes: &[DescribedNode], quorum: &QuorumInfo) -> String {
    let nodes: Vec<String> =
        nodes.iter().map(|node| format!("node {} at {}", node.node_id, node.address)).collect();
    format!(
        "cluster {cluster_id} has begun: {}; node {} leads the metadata\n",
        nodes.join(", "),
        quorum.leader
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HostPort;

    #[test]
    fn a_cluster_has_begun_when_somebody_leads_and_all_who_vote_serve() {
        let node = |node_id, is_fenced| DescribedNode {
            node_id,
            address: HostPort::new("h", 9092),
            rack: None,
            is_fenced,
        };
        let quorum = |leader| QuorumInfo {
            leader,
            term: 1,
            high_watermark: 1,
            voters: vec![(1, 1), (2, 1)],
            learners: vec![(3, 0)],
            ..QuorumInfo::default()
        };
        let (up, fenced) = (false, true);
        for (nodes, leader, expected) in [
            (vec![node(1, up), node(2, up)], -1, Some("nobody leads the metadata")),
            (vec![node(1, up)], 1, Some("of its nodes, 2 do not serve yet")),
            (vec![node(1, fenced), node(2, fenced)], 1, Some("of its nodes, 1, 2 do not serve yet")),
            (vec![node(1, up), node(2, up)], 1, None), // learners may come later
        ] {
            assert_eq!(missing(&nodes, &quorum(leader)).as_deref(), expected);
        }
    }
}
