//! `cluster status`.

use comfy_table::{CellAlignment, Table, presets};

use crate::cli::output;
use crate::cli::units::counted;
use crate::client::{Client, DescribedNode, PartitionInfo, QuorumInfo, TopicInfo};

const COLUMNS: &[&str] = &["node", "address", "rack", "state", "metadata", "lag"];

pub(super) async fn run(client: &Client) -> anyhow::Result<()> {
    let (cluster_id, nodes) = client.describe_nodes().await?;
    let quorum = client.describe_quorum().await?;
    let topics = client.cluster(None).await?.topics;
    Ok(output::print(&format!(
        "{}\n{}\n\n{}\n",
        headline(&cluster_id, &quorum),
        table(&nodes, &quorum),
        summary(&topics)
    ))?)
}

fn headline(cluster_id: &str, quorum: &QuorumInfo) -> String {
    match quorum.leader {
        ..0 => format!("cluster {cluster_id}: nobody leads the metadata (term {})", quorum.term),
        leader => format!(
            "cluster {cluster_id}: node {leader} leads the metadata (term {}, committed up to {})",
            quorum.term, quorum.high_watermark
        ),
    }
}

/// Members that have never registered have a row too.
fn table(nodes: &[DescribedNode], quorum: &QuorumInfo) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(COLUMNS);
    let mut ids: Vec<i32> = nodes.iter().map(|node| node.node_id).collect();
    ids.extend(quorum.voters.iter().chain(&quorum.learners).map(|(id, _)| *id));
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        table.add_row(row(id, nodes.iter().find(|node| node.node_id == id), quorum));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(id: i32, node: Option<&DescribedNode>, quorum: &QuorumInfo) -> [String; COLUMNS.len()] {
    let none = || "-".to_owned();
    let state = match node {
        None => "unregistered",
        Some(node) if node.is_fenced => "fenced",
        Some(_) => "up",
    };
    let metadata = match quorum.end_of(id) {
        Some(_) if id == quorum.leader => "leads",
        Some(_) if quorum.votes(id) => "votes",
        Some(_) => "learns",
        None => "-",
    };
    let lag = quorum.end_of(id).zip(quorum.end_of(quorum.leader)).filter(|(own, all)| *own >= 0 && *all >= 0);
    [
        id.to_string(),
        node.map_or_else(none, |node| node.address.to_string()),
        node.and_then(|node| node.rack.clone()).unwrap_or_else(none),
        state.to_owned(),
        metadata.to_owned(),
        lag.map_or_else(none, |(own, all)| (all - own).max(0).to_string()),
    ]
}

fn summary(topics: &[TopicInfo]) -> String {
    let partitions = || topics.iter().flat_map(|topic| &topic.partitions);
    let count = |is: fn(&PartitionInfo) -> bool| partitions().filter(|partition| is(partition)).count();
    let leaderless = count(|partition| partition.leader < 0);
    let under_replicated = count(|partition| partition.in_sync_replicas.len() < partition.replicas.len());
    format!(
        "{}, {}: {leaderless} without a leader, {under_replicated} under-replicated",
        counted(topics.len() as u64, "topic"),
        counted(partitions().count() as u64, "partition"),
    )
}

#[cfg(test)]
mod tests {
    use chronik_kafka::ErrorCode;
    use uuid::Uuid;

    use super::*;
    use crate::config::HostPort;

    fn quorum(leader: i32) -> QuorumInfo {
        let (voters, learners) = (vec![(1, 20), (2, 17), (3, -1)], vec![(5, 12)]);
        QuorumInfo { leader, term: 3, high_watermark: 20, voters, learners, ..Default::default() }
    }

    fn node(node_id: i32, is_fenced: bool) -> DescribedNode {
        let address = HostPort::new("h", 9092);
        DescribedNode { node_id, address, rack: Some("a".into()).filter(|_| !is_fenced), is_fenced }
    }

    #[test]
    fn every_node_and_every_member_has_a_row() {
        let quorum = quorum(1);
        for (id, known, expected) in [
            (1, Some(node(1, false)), ["1", "h:9092", "a", "up", "leads", "0"]),
            (2, Some(node(2, true)), ["2", "h:9092", "-", "fenced", "votes", "3"]),
            (3, None, ["3", "-", "-", "unregistered", "votes", "-"]),
            (4, Some(node(4, false)), ["4", "h:9092", "a", "up", "-", "-"]),
            (5, Some(node(5, false)), ["5", "h:9092", "a", "up", "learns", "8"]),
        ] {
            assert_eq!(row(id, known.as_ref(), &quorum), expected);
        }
        let shown = table(&[node(1, false), node(4, false)], &quorum).to_string();
        assert_eq!(shown.lines().count(), 6, "{shown}");
        assert!(headline("c", &quorum).contains("node 1 leads"));
        assert!(headline("c", &self::quorum(-1)).contains("nobody leads"));
    }

    #[test]
    fn partitions_that_lack_something_are_counted() {
        let partition = |leader, in_sync: &[i32]| PartitionInfo {
            partition: 0,
            leader,
            replicas: vec![1, 2],
            in_sync_replicas: in_sync.to_vec(),
        };
        let partitions = vec![partition(1, &[1, 2]), partition(-1, &[2]), partition(1, &[1])];
        let topic = TopicInfo { name: "t".into(), topic_id: Uuid::nil(), error: ErrorCode::NONE, partitions };
        assert_eq!(summary(&[topic]), "1 topic, 3 partitions: 1 without a leader, 2 under-replicated");
    }
}
