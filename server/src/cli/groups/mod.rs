//! `groups list|describe|reset-offsets|delete`.

mod args;
mod describe;
mod reset;

pub(super) use args::GroupsArgs;

use args::GroupsAction;

use super::output;
use crate::client::Client;
use crate::clock::Clock;
use crate::spawn::Spawner;

pub(super) async fn run(args: GroupsArgs, clock: Clock, spawner: Spawner) -> anyhow::Result<()> {
    match args.action {
        GroupsAction::List { states, server } => {
            list(&mut server.connect(clock, spawner).await?, &states).await
        }
        GroupsAction::Describe { groups, members, server } => {
            describe::run(&mut server.connect(clock, spawner).await?, groups, members).await
        }
        GroupsAction::ResetOffsets(args) => {
            let mut client = args.server.connect(clock, spawner).await?;
            reset::run(&mut client, &args).await
        }
        GroupsAction::Delete { groups, server } => {
            delete(&mut server.connect(clock, spawner).await?, &groups).await
        }
    }
}

async fn list(client: &mut Client, states: &[String]) -> anyhow::Result<()> {
    let wanted =
        |state: &str| states.is_empty() || states.iter().any(|wish| wish.eq_ignore_ascii_case(state));
    let groups = client.list_groups().await?;
    let lines: String = groups
        .iter()
        .filter(|group| wanted(&group.state))
        .map(|group| format!("{}\n", group.group))
        .collect();
    Ok(output::print(&lines)?)
}

async fn delete(client: &mut Client, groups: &[String]) -> anyhow::Result<()> {
    for group in groups {
        client.delete_group(group).await?;
        output::print(&format!("deleted group '{group}'\n"))?;
    }
    Ok(())
}
