//! Nodes that come and go.

use super::*;

fn add(node_id: i32, directory_id: u128) -> Command {
    let endpoint = Endpoint { host: format!("inside-{node_id}"), port: 1 };
    Command::AddNode { node_id, directory_id: uuid(directory_id), endpoint }
}

fn register_node(node_id: i32, directory: u128, incarnation_of: u128) -> Command {
    Command::RegisterBroker {
        node_id,
        host: "h".into(),
        port: 1,
        rack: None,
        inter_node: Some(Endpoint { host: "moved".into(), port: 2 }),
        directory_id: uuid(directory),
        incarnation: uuid(incarnation_of),
        fenced: true,
    }
}

fn remove(node_id: i32) -> Command {
    Command::RemoveNode { node_id, directory_id: None }
}

#[test]
fn a_node_is_added_once_under_its_directory() {
    let mut state = ClusterState::default();
    assert_eq!(state.apply(&add(1, 11)), Ok(Applied::NodeAdded));
    assert_eq!(state.apply(&add(1, 11)), Ok(Applied::NodeAdded), "asked again");
    let known = uuid(11);
    let another = Refusal::AnotherDirectory { node_id: 1, known };
    assert_eq!(state.apply(&add(1, 12)), Err(another.clone()));
    assert_eq!(state.apply(&register_node(1, 12, 1)), Err(another.clone()));
    assert!(state.brokers.is_empty() && state.version == 2, "a refusal changes nothing");
    state.apply(&register_node(1, 11, 1)).unwrap();
    assert_eq!(state.node(1).unwrap().endpoint.host, "moved", "who starts says where it is");
    assert_eq!(another.to_string().matches("remove-node 1").count(), 1);
}

#[test]
fn a_broker_that_is_a_cluster_of_its_own_is_no_node_of_one() {
    let state = ClusterState::with_brokers(&[1]);
    assert_eq!((state.nodes().count(), state.brokers.len()), (0, 1));
}

#[test]
fn who_was_removed_does_not_come_back() {
    let mut state = ClusterState::default();
    for node_id in [1, 2] {
        state.apply(&register_node(node_id, 7, 1)).unwrap();
    }
    assert_eq!(state.apply(&remove(2)), Ok(Applied::NodeRemoved));
    assert_eq!(state.apply(&remove(2)), Ok(Applied::NodeRemoved), "asked again");
    assert!(state.was_removed(2) && state.node(2).is_none() && !state.brokers.contains_key(&2));
    for back in [add(2, 7), add(2, 8), register_node(2, 7, 2)] {
        assert_eq!(state.apply(&back), Err(Refusal::RemovedNode(2)));
    }
    let read = ClusterState::read(&state.to_bytes()).unwrap();
    assert_eq!(read, state, "a snapshot has it, too");
}

#[test]
fn a_node_with_replicas_the_last_one_and_another_one_are_not_removed() {
    let mut state = ClusterState::default();
    for node_id in [1, 2] {
        state.apply(&register_node(node_id, 7, 1)).unwrap();
        state.unfence_now(node_id);
    }
    state.apply(&create("a", 10, &[&[1], &[1, 2]])).unwrap();
    let refused = state.apply(&remove(2)).unwrap_err();
    assert!(refused.to_string().contains("node 2 has replicas of 1 partitions"), "{refused}");
    state.apply(&Command::DeleteTopic { id: uuid(10) }).unwrap();
    let meant_for_another = Command::RemoveNode { node_id: 2, directory_id: Some(uuid(8)) };
    assert!(matches!(state.apply(&meant_for_another), Err(Refusal::AnotherDirectory { node_id: 2, .. })));
    state.apply(&remove(2)).unwrap();
    let last = state.apply(&remove(1)).unwrap_err();
    assert!(last.to_string().contains("node 1 is the only one"), "{last}");
}

/// One that the cluster was to begin with, and that has never been there.
#[test]
fn a_node_that_has_never_registered_can_be_removed() {
    let mut state = ClusterState::default();
    state.apply(&add(1, 11)).unwrap();
    state.apply(&remove(3)).unwrap();
    assert_eq!(state.apply(&add(3, 1)), Err(Refusal::RemovedNode(3)));
}
