//! `topics list|create|alter|delete|describe`.

use comfy_table::{CellAlignment, Table, presets};

use super::args::{TopicsAction, TopicsArgs};
use super::configs::own_of_topic;
use super::output;
use super::units::{counted, float, show_size};
use crate::client::{Client, ClientError, Cluster, Isolation, NewTopic, Offsets, PartitionInfo, TopicInfo};
use crate::clock::Clock;
use crate::spawn::Spawner;

const COLUMNS: &[&str] =
    &["partition", "leader", "replicas", "in sync", "first offset", "end offset", "records", "size"];

pub(super) async fn run(args: TopicsArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    match args.action {
        TopicsAction::List { server } => list(&server.connect(clock, spawner).await?).await,
        TopicsAction::Create { topic, partitions, replication_factor, configs, server } => {
            let new = NewTopic { name: topic, partitions, replication_factor, configs };
            create(&server.connect(clock, spawner).await?, new).await
        }
        TopicsAction::Alter { topic, partitions, server } => {
            alter(&server.connect(clock, spawner).await?, &topic, partitions).await
        }
        TopicsAction::Delete { topics, server } => {
            delete(&server.connect(clock, spawner).await?, &topics).await
        }
        TopicsAction::Describe { topics, server } => {
            describe(&mut server.connect(clock, spawner).await?, &topics).await
        }
    }
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let cluster = client.cluster(None).await?;
    let names: String = cluster.topics.iter().map(|topic| format!("{}\n", topic.name)).collect();
    Ok(output::print(&names)?)
}

async fn create(client: &Client, topic: NewTopic) -> anyhow::Result<()> {
    let name = topic.name.clone();
    let said = match u64::try_from(client.create_topic(topic).await?) {
        Ok(count) => format!("created topic '{name}' with {}\n", counted(count, "partition")),
        Err(_) => format!("created topic '{name}'\n"), // an old server does not say
    };
    Ok(output::print(&said)?)
}

async fn alter(client: &Client, topic: &str, partitions: i32) -> anyhow::Result<()> {
    client.create_partitions(topic, partitions).await?;
    let count = counted(partitions.unsigned_abs().into(), "partition");
    Ok(output::print(&format!("topic '{topic}' has {count}\n"))?)
}

async fn delete(client: &Client, topics: &[String]) -> anyhow::Result<()> {
    for name in topics {
        client.delete_topic(name).await?;
        output::print(&format!("deleted topic '{name}'\n"))?;
    }
    Ok(())
}

async fn describe(client: &mut Client, names: &[String]) -> anyhow::Result<()> {
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let cluster = client.cluster(if asked.is_empty() { None } else { Some(&asked) }).await?;
    for name in &asked {
        cluster.topic(name)?;
    }
    for topic in &cluster.topics {
        let described = describe_topic(client, &cluster, topic).await?;
        output::print(&described)?;
    }
    Ok(())
}

async fn describe_topic(
    client: &mut Client,
    cluster: &Cluster,
    topic: &TopicInfo,
) -> Result<String, ClientError> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(COLUMNS);
    for partition in &topic.partitions {
        table.add_row(describe_partition(client, cluster, topic, partition).await?);
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let id = match topic.topic_id.is_nil() {
        true => String::new(),
        false => format!(" (id {})", topic.topic_id),
    };
    let partitions = counted(topic.partitions.len() as u64, "partition");
    let own = match own_of_topic(client.bootstrap(), &topic.name).await {
        Ok(own) if own.is_empty() => own,
        Ok(own) => format!("settings: {own}\n"),
        Err(error) if error.is_unsupported() => String::new(),
        Err(error) => return Err(error),
    };
    Ok(format!("topic {}{id}: {partitions}\n{own}{table}\n", topic.name))
}

async fn describe_partition(
    client: &mut Client,
    cluster: &Cluster,
    topic: &TopicInfo,
    partition: &PartitionInfo,
) -> Result<[String; COLUMNS.len()], ClientError> {
    let number = partition.partition;
    let (mut first, mut end, mut size) = (None, None, None);
    match client.leader(cluster, &topic.name, number).await {
        Ok(leader) => {
            let isolation = Isolation::default();
            first = Some(leader.offset(&topic.name, number, Offsets::Earliest, isolation).await?);
            end = Some(leader.offset(&topic.name, number, Offsets::Latest, isolation).await?);
            size = match leader.partition_size(&topic.name, number).await {
                Err(error) if error.is_unsupported() => None,
                size => size?,
            };
        }
        Err(ClientError::Refused { .. }) => {} // no leader now: the rest is worth showing
        Err(error) => return Err(error),
    }
    let show = |offset: Option<i64>| offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
    Ok([
        number.to_string(),
        if partition.leader < 0 { "none".to_owned() } else { partition.leader.to_string() },
        ids(&partition.replicas),
        ids(&partition.in_sync_replicas),
        show(first),
        show(end),
        show(first.zip(end).map(|(first, end)| end - first)),
        size.map_or_else(|| "-".to_owned(), |bytes| show_size(float(bytes.unsigned_abs()))),
    ])
}

fn ids(nodes: &[i32]) -> String {
    nodes.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}
