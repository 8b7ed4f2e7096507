//! `groups describe`: offsets, lag and owner of every partition, or the members.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets};

use crate::cli::output;
use crate::cli::units::counted;
use crate::client::{Client, ClientError, DescribedGroup, GroupMember, Isolation, Offsets};

const PARTITION_COLUMNS: &[&str] =
    &["topic", "partition", "committed", "end offset", "lag", "member", "host", "client"];
const MEMBER_COLUMNS: &[&str] = &["member", "instance", "host", "client", "partitions"];
const NONE: &str = "-";

pub(super) async fn run(client: &mut Client, groups: Vec<String>, members: bool) -> anyhow::Result<()> {
    let groups = match groups.is_empty() {
        true => client.list_groups().await?.into_iter().map(|group| group.group).collect(),
        false => groups,
    };
    for group in groups {
        let described = client.describe_group(&group).await?;
        let table = match members {
            true => member_table(&described),
            false => partition_table(client, &group, &described).await?,
        };
        let count = counted(described.members.len() as u64, "member");
        let protocol = match described.protocol.as_str() {
            "" => String::new(),
            protocol => format!(", {protocol}"),
        };
        output::print(&format!("group {group}: {}, {count}{protocol}\n{table}\n", described.state))?;
    }
    Ok(())
}

fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns);
    table
}

fn member_table(group: &DescribedGroup) -> Table {
    let mut table = table(MEMBER_COLUMNS);
    for member in &group.members {
        table.add_row([
            member.member_id.clone(),
            member.instance.clone().unwrap_or_else(|| NONE.to_owned()),
            member.host.clone(),
            member.client_id.clone(),
            by_topic(&member.partitions),
        ]);
    }
    table
}

/// `orders:0,1 other:3`
fn by_topic(partitions: &[(String, i32)]) -> String {
    let mut topics: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (topic, partition) in partitions {
        topics.entry(topic).or_default().push(partition.to_string());
    }
    topics.iter().map(|(topic, list)| format!("{topic}:{}", list.join(","))).collect::<Vec<_>>().join(" ")
}

/// What is committed of a partition, and who reads it.
type Row<'a> = (Option<i64>, Option<&'a GroupMember>);

/// One row for each partition that is read or has an offset.
async fn partition_table(
    client: &mut Client,
    group: &str,
    described: &DescribedGroup,
) -> Result<Table, ClientError> {
    let mut rows: BTreeMap<(String, i32), Row<'_>> = BTreeMap::new();
    for offset in client.committed_offsets(group).await? {
        rows.insert((offset.topic, offset.partition), (Some(offset.offset), None));
    }
    for member in &described.members {
        for partition in &member.partitions {
            rows.entry(partition.clone()).or_default().1 = Some(member);
        }
    }
    let mut table = table(PARTITION_COLUMNS);
    for ((topic, partition), (committed, member)) in rows {
        let end = end_offset(client, &topic, partition).await?;
        let shown = |number: Option<i64>| number.map_or_else(|| NONE.to_owned(), |number| number.to_string());
        let of_member = |text: Option<&String>| text.cloned().unwrap_or_else(|| NONE.to_owned());
        table.add_row([
            topic,
            partition.to_string(),
            shown(committed),
            shown(end),
            shown(committed.zip(end).map(|(committed, end)| (end - committed).max(0))),
            of_member(member.map(|member| &member.member_id)),
            of_member(member.map(|member| &member.host)),
            of_member(member.map(|member| &member.client_id)),
        ]);
    }
    for number in 1..5 {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Ok(table)
}

/// `None` if the server has no such partition any more, or no leader for it.
async fn end_offset(client: &mut Client, topic: &str, partition: i32) -> Result<Option<i64>, ClientError> {
    let cluster = client.cluster(Some(&[topic])).await?;
    let found = match client.leader(&cluster, topic, partition).await {
        Ok(leader) => leader.offset(topic, partition, Offsets::Latest, Isolation::default()).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(offset) => Ok(Some(offset)),
        Err(ClientError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shown_by_topic() {
        let partitions = [("b".to_owned(), 3), ("a".to_owned(), 0), ("b".to_owned(), 1)];
        assert_eq!(by_topic(&partitions), "a:0 b:3,1");
    }
}
