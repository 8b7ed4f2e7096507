//! `--throttle`: the settings by which replicas move at a rate (KIP-73), made before and taken back afterwards.
//!
//! They are those of `kafka-reassign-partitions --throttle`: each node that gives or gets something has the rate, in both directions, and each topic names its
//! leaders and followers that it is for. Lists that are there get more entries; a rate that is there is somebody else's, and refused.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};

use crate::cli::args::ServerArgs;
use crate::cli::output;
use crate::cli::units::{float, show_size};
use crate::client::{Client, ConfigChange, ConfigEntry, ConfigOwner, Connection};
use crate::clock::Clock;
use crate::cluster::placement::moves::Placed;
use crate::cluster::replication_throttle::{FOLLOWER_RATE, FOLLOWER_REPLICAS, LEADER_RATE, LEADER_REPLICAS};
use crate::spawn::Spawner;

/// Kafka's `ConfigSource` of what was changed for a topic, or for one broker.
const OF_TOPIC: i8 = 1;
const OF_BROKER: i8 = 2;

/// Replicas of a topic that a rate is for, each as `partition:broker`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Lists {
    leaders: Vec<String>,
    followers: Vec<String>,
}

/// Whom a rate is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Concerned {
    brokers: BTreeSet<i32>,
    topics: BTreeMap<String, Lists>,
}

/// A setting that was made, and what takes it back.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Made {
    owner: ConfigOwner,
    key: &'static str,
    undo: ConfigChange,
}

/// A rate at which replicas move.
pub(super) struct Throttle {
    bytes_per_second: u64,
    concerned: Concerned,
    made: Vec<Made>,
}

impl Throttle {
    /// For these moves, of partitions that have the replicas of `present` now, and of the nodes that are `running`: nobody hears what is set for another one.
    pub(super) fn new(bytes_per_second: u64, present: &[Placed], moves: &[Placed], running: &[i32]) -> Self {
        Self { bytes_per_second, concerned: concerned(present, moves, running), made: Vec::new() }
    }

    /// Makes the settings. If it fails, some may be made: see [`undo`](Self::undo).
    pub(super) async fn begin(&mut self, client: &mut Client) -> anyhow::Result<()> {
        let cluster = client.cluster(Some(&[])).await?;
        let Concerned { brokers, topics } = self.concerned.clone();
        let mut nodes = Vec::new();
        for broker in brokers {
            let (connection, owner) = (client.node(&cluster, broker).await?, ConfigOwner::Broker(broker));
            check_rates(broker, &connection.describe_configs(&owner).await?)?;
            nodes.push((connection, owner));
        }
        for (topic, Lists { leaders, followers }) in topics {
            let (connection, owner) = (client.bootstrap().clone(), ConfigOwner::Topic(topic));
            let present = connection.describe_configs(&owner).await?;
            for (key, entries) in [(LEADER_REPLICAS, leaders), (FOLLOWER_REPLICAS, followers)] {
                if let Some((change, undo)) = more_entries(value_of(&present, key, OF_TOPIC), &entries) {
                    self.make(&connection, &owner, key, (change, undo)).await?;
                }
            }
        }
        if !nodes.is_empty() {
            output::complain(&self.notice());
        }
        for (connection, owner) in nodes {
            for key in [LEADER_RATE, FOLLOWER_RATE] {
                let rate = ConfigChange::Set(self.bytes_per_second.to_string());
                self.make(&connection, &owner, key, (rate, ConfigChange::Delete)).await?;
            }
        }
        Ok(())
    }

    /// What to do if nobody is left to take the rates back. The lists do nothing without them.
    fn notice(&self) -> String {
        let rate = show_size(float(self.bytes_per_second));
        let commands = self.concerned.brokers.iter().map(|id| {
            format!("\n  chronik-server configs alter --broker {id} --delete {LEADER_RATE} --delete {FOLLOWER_RATE}")
        });
        let commands: String = commands.collect();
        format!(
            "replicas move at {rate} per second; if this command is interrupted, the rates stay until they are taken back:{commands}"
        )
    }

    async fn make(
        &mut self,
        connection: &Connection,
        owner: &ConfigOwner,
        key: &'static str,
        (change, undo): (ConfigChange, ConfigChange),
    ) -> anyhow::Result<()> {
        // Before: if there is no answer, it may be made.
        self.made.push(Made { owner: owner.clone(), key, undo });
        Ok(connection.alter_configs(owner, vec![(key.to_owned(), change)], false).await?)
    }

    /// Takes back what was made, all that can be. It connects anew, for the moves may have failed since a node is gone.
    pub(super) async fn undo(
        self,
        server: &ServerArgs,
        clock: Clock,
        spawner: Spawner,
    ) -> anyhow::Result<()> {
        let mut left = Vec::new();
        let mut why = None;
        for made in self.made.into_iter().rev() {
            if let Err(error) = undo_one(&made, server, (clock.clone(), spawner.clone())).await {
                left.push(made);
                why = Some(error);
            }
        }
        match why {
            None => Ok(()),
            Some(error) => Err(error).context(what_is_left(&left)),
        }
    }
}

async fn undo_one(
    made: &Made,
    server: &ServerArgs,
    (clock, spawner): (Clock, Spawner),
) -> anyhow::Result<()> {
    let mut client = server.connect(clock, spawner).await?;
    let connection = match made.owner {
        ConfigOwner::Broker(id) => {
            let cluster = client.cluster(Some(&[])).await?;
            client.node(&cluster, id).await?
        }
        ConfigOwner::Topic(_) | ConfigOwner::EveryBroker => client.bootstrap().clone(),
    };
    let changes = vec![(made.key.to_owned(), made.undo.clone())];
    Ok(connection.alter_configs(&made.owner, changes, false).await?)
}

/// Says what was left, and what takes it back.
fn what_is_left(left: &[Made]) -> String {
    let lines: String = left.iter().map(|made| format!("  {}\n", command(made))).collect();
    format!("the replication stays throttled; take these settings back:\n{lines}because")
}

/// The command line that takes a setting back.
fn command(Made { owner, key, undo }: &Made) -> String {
    let whose = match owner {
        ConfigOwner::Broker(id) => format!("--broker {id}"),
        ConfigOwner::Topic(topic) => format!("--topic {topic}"),
        ConfigOwner::EveryBroker => "--all-brokers".to_owned(),
    };
    let how = match undo {
        ConfigChange::Delete => format!("--delete {key}"),
        ConfigChange::Set(value) => format!("--set {key}={value}"),
        ConfigChange::Append(value) => format!("--append {key}={value}"),
        ConfigChange::Subtract(value) => format!("--subtract {key}={value}"),
    };
    format!("chronik-server configs alter {whose} {how}")
}

fn value_of<'a>(entries: &'a [ConfigEntry], key: &str, source: i8) -> Option<&'a str> {
    let found = entries.iter().find(|entry| entry.name == key && entry.source == source);
    found.and_then(|entry| entry.value.as_deref())
}

/// A rate that somebody has set is not ours to change, nor to take back.
fn check_rates(broker: i32, present: &[ConfigEntry]) -> anyhow::Result<()> {
    for key in [LEADER_RATE, FOLLOWER_RATE] {
        let Some(value) = value_of(present, key, OF_BROKER) else { continue };
        let made = Made { owner: ConfigOwner::Broker(broker), key, undo: ConfigChange::Delete };
        ensure!(
            false,
            "broker {broker} has {key} = {value} already, from somebody else or from a command that was interrupted: leave out --throttle, or take it back first ({})",
            command(&made)
        );
    }
    Ok(())
}

/// What gives a list these entries, and what takes exactly them back; `None` if it has them all.
fn more_entries(present: Option<&str>, entries: &[String]) -> Option<(ConfigChange, ConfigChange)> {
    let listed: Vec<&str> = present.unwrap_or_default().split(',').map(str::trim).collect();
    let missing = entries.iter().filter(|entry| !listed.contains(&entry.as_str())).cloned();
    let missing = missing.collect::<Vec<_>>().join(",");
    match present {
        _ if missing.is_empty() || listed.contains(&"*") => None,
        None => Some((ConfigChange::Set(missing), ConfigChange::Delete)),
        Some(_) => Some((ConfigChange::Append(missing.clone()), ConfigChange::Subtract(missing))),
    }
}

/// Who has a replica now may lead and send it; who is to have one and has none gets it.
fn concerned(present: &[Placed], moves: &[Placed], running: &[i32]) -> Concerned {
    let mut found = Concerned::default();
    for next in moves {
        let is_same = |before: &&Placed| before.topic == next.topic && before.partition == next.partition;
        let sources = present.iter().find(is_same).map_or(&[][..], |before| &before.replicas);
        let added: Vec<i32> = next.replicas.iter().copied().filter(|node| !sources.contains(node)).collect();
        if added.is_empty() {
            continue; // the same, in another order
        }
        let lists = found.topics.entry(next.topic.clone()).or_default();
        let replica = |node: &i32| format!("{}:{node}", next.partition);
        lists.leaders.extend(sources.iter().map(replica));
        lists.followers.extend(added.iter().map(replica));
        found.brokers.extend(sources.iter().chain(&added).filter(|node| running.contains(node)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(topic: &str, partition: i32, replicas: &[i32]) -> Placed {
        Placed { topic: topic.into(), partition, replicas: replicas.to_vec() }
    }

    #[test]
    fn a_rate_is_for_who_gives_and_who_gets() {
        let present =
            [placed("a", 0, &[1, 2]), placed("a", 1, &[2, 3]), placed("b", 0, &[1]), placed("c", 0, &[1, 2])];
        let moves =
            [placed("a", 0, &[1, 4]), placed("a", 1, &[3, 4]), placed("b", 0, &[5]), placed("c", 0, &[2, 1])];
        let found = concerned(&present, &moves, &[1, 3, 4, 5]);
        assert_eq!(found.brokers, [1, 3, 4, 5].into(), "broker 2 is down");
        let lists = |leaders: &[&str], followers: &[&str]| Lists {
            leaders: leaders.iter().map(ToString::to_string).collect(),
            followers: followers.iter().map(ToString::to_string).collect(),
        };
        let expected = [
            ("a".to_owned(), lists(&["0:1", "0:2", "1:2", "1:3"], &["0:4", "1:4"])),
            ("b".to_owned(), lists(&["0:1"], &["0:5"])),
        ];
        assert_eq!(found.topics, expected.into(), "c only gets another order");
    }

    #[test]
    fn exactly_what_was_added_to_a_list_is_taken_back() {
        use ConfigChange::{Append, Delete, Set, Subtract};
        let text = str::to_owned;
        for (present, expected) in [
            (None, Some((Set(text("0:1,0:2")), Delete))),
            (Some(""), Some((Append(text("0:1,0:2")), Subtract(text("0:1,0:2"))))),
            (Some("0:2, 1:1"), Some((Append(text("0:1")), Subtract(text("0:1"))))),
            (Some("0:1,0:2"), None),
            (Some("*"), None),
        ] {
            assert_eq!(more_entries(present, &[text("0:1"), text("0:2")]), expected, "{present:?}");
        }
    }

    #[test]
    fn a_rate_of_somebody_else_is_refused_and_what_is_left_is_said() {
        let entry = |name: &str, source| ConfigEntry {
            name: name.into(),
            value: Some("5".into()),
            source,
            read_only: false,
            documentation: String::new(),
        };
        assert!(check_rates(2, &[entry("log.retention.ms", OF_BROKER), entry(LEADER_RATE, 3)]).is_ok());
        let refused = check_rates(2, &[entry(FOLLOWER_RATE, OF_BROKER)]).unwrap_err().to_string();
        let how = "chronik-server configs alter --broker 2 --delete follower.replication.throttled.rate";
        assert!(refused.contains(how), "{refused}");
        let undo = ConfigChange::Subtract("0:1".into());
        let left = Made { owner: ConfigOwner::Topic("t".into()), key: LEADER_REPLICAS, undo };
        let said = what_is_left(&[left]);
        assert!(
            said.contains("alter --topic t --subtract leader.replication.throttled.replicas=0:1\n"),
            "{said}"
        );
    }
}
