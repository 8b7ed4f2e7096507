//! Topics, settings and producer ids.

use std::collections::BTreeSet;

use super::*;
use crate::cluster::ConfigResource;

fn create(name: &str, id: u128, partitions: usize) -> Command {
    super::create(name, id, &vec![&[1][..]; partitions])
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut state = ClusterState::with_brokers(&[1, 2, 3]);
    state.apply(&create("a", 10, 2)).unwrap();
    let before = state.clone();
    assert_eq!(state.apply(&create("a", 11, 1)), Err(Refusal::TopicExists("a".into())));
    assert!(state.apply(&create("b", 10, 1)).is_err());
    assert!(state.apply(&create("b", 12, 0)).is_err());
    assert_eq!(state.apply(&Command::DeleteTopic { id: uuid(9) }), Err(Refusal::UnknownTopic(uuid(9))));
    assert!(state.apply(&Command::AllocateProducerIds { count: 0 }).is_err());
    assert_eq!(state, before);
}

fn configs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn alter(resource: ConfigResource, replaces: &[(&str, &str)], to: &[(&str, &str)]) -> Command {
    Command::AlterConfigs { resource, replaces: configs(replaces), configs: configs(to) }
}

#[test]
fn partitions_are_added_behind_those_that_are_there() {
    let mut state = ClusterState::with_brokers(&[1, 2, 3]);
    state.apply(&create("a", 10, 2)).unwrap();
    let add = |present, assignment| Command::CreatePartitions { id: uuid(10), present, assignment };
    assert_eq!(state.apply(&add(1, vec![vec![1]])), Err(Refusal::PartitionsChanged(2)));
    assert!(state.apply(&add(2, vec![])).is_err() && state.apply(&add(2, vec![vec![]])).is_err());
    state.apply(&add(2, vec![vec![3, 1]])).unwrap();
    let partitions = &state.topic("a").unwrap().partitions;
    assert_eq!((partitions.len(), partitions[2].leader, partitions[2].leader_epoch), (3, Some(3), 0));
}

#[test]
fn settings_are_replaced_only_by_who_knows_them() {
    let topic = || ConfigResource::Topic(uuid(10));
    let every = || ConfigResource::Broker(EVERY_BROKER.into());
    for resource in [topic, every] {
        let mut state = ClusterState::with_brokers(&[1]);
        state.apply(&create("a", 10, 1)).unwrap();
        state.apply(&alter(resource(), &[], &[("k", "1")])).unwrap();
        assert_eq!(state.apply(&alter(resource(), &[], &[("k", "2")])), Err(Refusal::ConfigsChanged));
        state.apply(&alter(resource(), &[("k", "1")], &[("l", "2")])).unwrap();
        state.apply(&alter(resource(), &[("l", "2")], &[])).unwrap();
        assert!(state.topic("a").unwrap().configs.is_empty() && state.broker_configs.is_empty());
    }
}

#[test]
fn a_brokers_own_setting_comes_before_that_of_all() {
    let mut state = ClusterState::default();
    let scope = |scope: &str| ConfigResource::Broker(scope.into());
    state.apply(&alter(scope(""), &[], &[("k", "all"), ("l", "all")])).unwrap();
    state.apply(&alter(scope("1"), &[], &[("k", "one")])).unwrap();
    let setting = |node, name| state.broker_setting(node, name).map(String::as_str);
    assert_eq!((setting(1, "k"), setting(1, "l")), (Some("one"), Some("all")));
    assert_eq!((setting(2, "k"), setting(2, "m")), (Some("all"), None));
}

#[test]
fn a_snapshot_of_an_earlier_version_has_no_settings_of_brokers() {
    let mut old = serde_json::to_value(ClusterState::default()).unwrap();
    old.as_object_mut().unwrap().remove("broker_configs").unwrap();
    assert_eq!(serde_json::from_value::<ClusterState>(old).unwrap(), ClusterState::default());
}

#[test]
fn a_deleted_name_can_be_used_again_under_a_new_id() {
    let mut state = ClusterState::with_brokers(&[1, 2, 3]);
    state.apply(&create("a", 10, 1)).unwrap();
    state.apply(&Command::DeleteTopic { id: uuid(10) }).unwrap();
    assert!(state.topic("a").is_none() && state.topic_by_id(&uuid(10)).is_none());
    state.apply(&create("a", 11, 1)).unwrap();
    assert_eq!(state.topic("a").unwrap().id, uuid(11));
}

#[test]
fn a_topic_gets_an_id_that_every_node_gives_it_and_no_other_topic_has() {
    let named = |cluster: u128| {
        let mut state = ClusterState::with_brokers(&[1]);
        state.apply(&Command::NameCluster { cluster_id: uuid(cluster) }).unwrap();
        for name in ["a", "b"] {
            state.apply(&create(name, 0, 1)).unwrap();
        }
        ["a", "b"].map(|name| state.topic(name).unwrap().id)
    };
    assert_eq!(named(1), named(1));
    let ids: BTreeSet<Uuid> = [named(1), named(2)].concat().into_iter().collect();
    assert_eq!((ids.len(), ids.contains(&Uuid::nil())), (4, false));
}

#[test]
fn producer_ids_are_given_out_once() {
    let mut state = ClusterState::default();
    let mut allocate = |count| state.apply(&Command::AllocateProducerIds { count });
    assert_eq!(allocate(10), Ok(Applied::ProducerIds { first: 0, count: 10 }));
    assert_eq!(allocate(5), Ok(Applied::ProducerIds { first: 10, count: 5 }));
}

#[test]
fn a_snapshot_is_the_state() {
    let mut state = ClusterState::with_brokers(&[1]);
    state.apply(&Command::NameCluster { cluster_id: uuid(1) }).unwrap();
    state.apply(&create("a", 10, 2)).unwrap();
    state.apply(&alter(ConfigResource::Broker("1".into()), &[], &[("k", "v")])).unwrap();
    assert_eq!(ClusterState::read(&state.to_bytes()).unwrap(), state);
}

#[test]
fn replicas_on_fenced_brokers_are_not_in_sync() {
    let mut state = ClusterState::with_brokers(&[1, 2, 3]);
    state.fence_now(2);
    state.apply(&super::create("a", 10, &[&[2, 3, 1]])).unwrap();
    assert_eq!(state.look(), (Some(3), 0, 0, &[3, 1][..]));
    let before = state.clone();
    for nobody in [2, 4] {
        let refused = state.apply(&super::create("b", 11, &[&[1], &[nobody]])).unwrap_err();
        assert!(refused.to_string().contains("unfenced"), "{refused}");
        let grow = Command::CreatePartitions { id: uuid(10), present: 1, assignment: vec![vec![nobody]] };
        state.apply(&grow).unwrap_err();
    }
    assert_eq!(state, before);
}
