//! `configs describe|alter`.

mod args;

pub(super) use args::ConfigsArgs;

use comfy_table::{Table, presets};
use serde_json::json;

use super::output;
use super::units::counted;
use crate::client::{Client, ClientError, ConfigEntry, ConfigOwner, Connection};
use crate::clock::Clock;
use crate::spawn::Spawner;
use args::{AlterArgs, ConfigsAction, DescribeArgs};

pub(super) async fn run(args: ConfigsArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    match args.action {
        ConfigsAction::Describe(args) => {
            let mut client = args.server.connect(clock, spawner).await?;
            describe(&mut client, &args).await
        }
        ConfigsAction::Alter(args) => {
            let mut client = args.server.connect(clock, spawner).await?;
            alter(&mut client, args).await
        }
    }
}

async fn describe(client: &mut Client, args: &DescribeArgs) -> anyhow::Result<()> {
    let owner = args.owner.owner();
    let mut entries = connection(client, &owner).await?.describe_configs(&owner).await?;
    if !args.all {
        entries.retain(|entry| entry.source != ConfigEntry::DEFAULT);
    }
    let text = if args.json { format!("{:#}\n", as_json(&entries)) } else { as_table(&entries, args.docs) };
    Ok(output::print(&text)?)
}

async fn alter(client: &mut Client, args: AlterArgs) -> anyhow::Result<()> {
    let owner = args.owner.owner();
    let dry_run = args.dry_run;
    let changes = args.changes();
    let count = counted(changes.len() as u64, "setting");
    connection(client, &owner).await?.alter_configs(&owner, changes, dry_run).await?;
    let said = if dry_run { format!("{count} could be changed\n") } else { format!("changed {count}\n") };
    Ok(output::print(&said)?)
}

/// A broker answers for itself alone; for everything else any of them does.
async fn connection(client: &mut Client, owner: &ConfigOwner) -> Result<Connection, ClientError> {
    let ConfigOwner::Broker(id) = owner else { return Ok(client.bootstrap().clone()) };
    let cluster = client.cluster(Some(&[])).await?;
    client.node(&cluster, *id).await
}

fn as_table(entries: &[ConfigEntry], docs: bool) -> String {
    if entries.is_empty() {
        return "nothing differs from the defaults; --all shows them\n".to_owned();
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["setting", "value", "source", "", "what it does"]);
    for entry in entries {
        table.add_row([
            entry.name.as_str(),
            entry.value.as_deref().unwrap_or("(not set)"),
            entry.source_name(),
            if entry.read_only { "read-only" } else { "" },
            &entry.documentation.split_whitespace().collect::<Vec<_>>().join(" "),
        ]);
    }
    if !docs {
        let _documentation = table.column_mut(4).map(|column| {
            column.set_constraint(comfy_table::ColumnConstraint::Hidden);
        });
    }
    format!("{}\n", table.trim_fmt())
}

fn as_json(entries: &[ConfigEntry]) -> serde_json::Value {
    let entry = |entry: &ConfigEntry| {
        json!({
            "name": entry.name,
            "value": entry.value,
            "source": entry.source_name(),
            "read_only": entry.read_only,
            "documentation": entry.documentation,
        })
    };
    entries.iter().map(entry).collect()
}

/// The settings of a topic that are its own, in one line; empty if there are none.
pub(super) async fn own_of_topic(connection: &Connection, topic: &str) -> Result<String, ClientError> {
    let entries = connection.describe_configs(&ConfigOwner::Topic(topic.to_owned())).await?;
    let own = entries.iter().filter(|entry| entry.source == 1);
    let shown: Vec<_> =
        own.map(|entry| format!("{}={}", entry.name, entry.value.as_deref().unwrap_or_default())).collect();
    Ok(shown.join(" "))
}
