//! What the metadata says to heartbeats and suspicions.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::cluster::example::registration;
use crate::cluster::fencing::judgement::{End, Standing, Suspected, abandoned, end_of, standing, suspected};
use crate::cluster::fencing::leases::Leases;
use crate::cluster::fencing::protocol::{BrokerHeartbeat, Elect};
use crate::cluster::{ClusterState, Command, Endpoint};

const TOPIC: Uuid = Uuid::from_u128(10);

fn register(state: &mut ClusterState, node_id: i32) -> i64 {
    state.apply(&registration(node_id)).unwrap();
    state.version
}

/// Nodes 1 and 2, and one partition that 1 leads.
fn state() -> (ClusterState, i64) {
    let mut state = ClusterState::default();
    let broker_epoch = register(&mut state, 1);
    let other = register(&mut state, 2);
    for (node_id, broker_epoch) in [(1, broker_epoch), (2, other)] {
        state.apply(&Command::UnfenceBroker { node_id, broker_epoch }).unwrap();
    }
    let assignment = vec![vec![1, 2]];
    state
        .apply(&Command::CreateTopic { name: "a".into(), id: TOPIC, assignment, configs: BTreeMap::new() })
        .unwrap();
    (state, broker_epoch)
}

#[test]
fn a_fenced_broker_is_unfenced_when_it_serves_what_has_fenced_it() {
    let (mut state, broker_epoch) = state();
    let at = |state: &ClusterState, broker_epoch, served_version| {
        standing(state, &BrokerHeartbeat { node_id: 1, broker_epoch, served_version })
    };
    assert_eq!(at(&state, broker_epoch, 0), Standing::Unfenced);
    assert_eq!(at(&state, broker_epoch - 1, 99), Standing::Stale);
    assert_eq!(at(&state, broker_epoch + 1, 99), Standing::Stale);
    state.apply(&Command::FenceBroker { node_id: 1, broker_epoch }).unwrap();
    let fenced = state.version;
    assert_eq!(at(&state, broker_epoch, fenced - 1), Standing::Behind, "it thinks that it leads still");
    assert_eq!(at(&state, broker_epoch, fenced), Standing::Ready);
    let broker_epoch = register(&mut state, 1);
    assert_eq!(at(&state, broker_epoch, broker_epoch - 1), Standing::Behind);
    assert_eq!(at(&state, broker_epoch, broker_epoch), Standing::Ready);
    let unknown = BrokerHeartbeat { node_id: 9, broker_epoch: 1, served_version: 99 };
    assert_eq!(standing(&state, &unknown), Standing::Stale);
}

#[test]
fn a_suspicion_is_of_a_leader_in_an_epoch() {
    let (mut state, broker_epoch) = state();
    let of = |state: &ClusterState, topic_id, partition, leader_epoch| {
        suspected(state, &Elect { topic_id, partition, leader_epoch })
    };
    assert_eq!(of(&state, TOPIC, 0, 0), Suspected::Leader { node_id: 1, broker_epoch });
    assert_eq!(of(&state, TOPIC, 0, 1), Suspected::Nobody, "an epoch that this node does not know");
    assert_eq!(of(&state, TOPIC, 1, 0), Suspected::Nobody);
    assert_eq!(of(&state, Uuid::nil(), 0, 0), Suspected::Nobody);
    state.apply(&Command::FenceBroker { node_id: 1, broker_epoch }).unwrap();
    assert_eq!(of(&state, TOPIC, 0, 0), Suspected::Earlier { leader_epoch: 1, leader: Some(2) });
    let broker_epoch = state.brokers[&2].broker_epoch;
    state.apply(&Command::FenceBroker { node_id: 2, broker_epoch }).unwrap();
    assert_eq!(of(&state, TOPIC, 0, 1), Suspected::Earlier { leader_epoch: 2, leader: None });
    assert_eq!(of(&state, TOPIC, 0, 2), Suspected::Nobody, "nobody leads");
}

#[test]
fn a_life_that_has_ended_is_told_why_when_its_own_metadata_says_so() {
    let (mut state, broker_epoch) = state();
    assert_eq!(end_of(&ClusterState::default(), 1, broker_epoch), End::NotKnown, "nothing is known here");
    assert_eq!(end_of(&state, 1, broker_epoch), End::NotKnown, "it goes on, here");
    assert_eq!(end_of(&state, 1, broker_epoch - 1), End::Replaced);
    state.apply(&Command::DeleteTopic { id: TOPIC }).unwrap();
    let mut unregistered = state.clone();
    unregistered.apply(&Command::FenceBroker { node_id: 1, broker_epoch }).unwrap();
    unregistered.apply(&Command::UnregisterBroker { node_id: 1 }).unwrap();
    assert_eq!(end_of(&unregistered, 1, broker_epoch), End::Unregistered);
    for node_id in [1, 2] {
        let endpoint = Endpoint { host: "h".into(), port: 2 };
        state.apply(&Command::AddNode { node_id, directory_id: Uuid::nil(), endpoint }).unwrap();
    }
    state.apply(&Command::RemoveNode { node_id: 1, directory_id: None }).unwrap();
    assert_eq!(end_of(&state, 1, broker_epoch), End::Removed);
}

/// After a pause of this node, whoever has sent a heartbeat meanwhile is there.
#[test]
fn who_is_silent_for_long_is_fenced_though_nobody_has_asked_but_not_who_may_be_there() {
    let (mut state, first) = state();
    let second = state.brokers[&2].broker_epoch;
    let mut leases = Leases::default();
    leases.begin(Duration::ZERO);
    let at = Duration::from_secs(5);
    let found = |state: &ClusterState, leases: &Leases, there: &[(i32, i64)]| {
        abandoned(state, 3, (leases, at), |node_id, epoch| there.contains(&(node_id, epoch)))
    };
    assert_eq!(found(&state, &leases, &[]), [(1, first), (2, second)]);
    assert_eq!(found(&state, &leases, &[(1, first)]), [(2, second)]);
    assert_eq!(found(&state, &leases, &[(1, first - 1)]), [(1, first), (2, second)], "in an earlier life");
    leases.grant(2, at);
    assert_eq!(found(&state, &leases, &[]), [(1, first)]);
    state.apply(&Command::FenceBroker { node_id: 1, broker_epoch: first }).unwrap();
    assert_eq!(found(&state, &leases, &[]), [], "nobody is fenced twice");
    assert_eq!(abandoned(&state, 2, (&Leases::default(), at), |_, _| false), [], "nobody fences himself");
}
