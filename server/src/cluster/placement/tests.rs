use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::cluster::Command;

/// Brokers from 1 on, each with its rack and whether it is fenced.
fn cluster(brokers: &[(Option<&str>, bool)]) -> ClusterState {
    let mut state = ClusterState::default();
    for (node_id, (rack, fenced)) in (1..).zip(brokers) {
        let broker = Broker {
            node_id,
            host: "h".into(),
            port: 1,
            broker_epoch: 1,
            rack: rack.map(Into::into),
            inter_node: None,
            fenced: *fenced,
            ..Broker::default()
        };
        state.brokers.insert(node_id, broker);
    }
    state
}

fn without_racks(count: usize) -> ClusterState {
    cluster(&vec![(None, false); count])
}

fn create(state: &mut ClusterState, name: &str, assignment: Vec<Vec<i32>>) {
    let id = Uuid::nil(); // one is made
    state
        .apply(&Command::CreateTopic { name: name.into(), id, assignment, configs: BTreeMap::new() })
        .unwrap();
}

/// Most and fewest, over all candidates.
fn extremes(counts: &BTreeMap<i32, usize>) -> (usize, usize) {
    (*counts.values().min().unwrap(), *counts.values().max().unwrap())
}

fn counts<'a>(brokers: &[i32], chosen: impl Iterator<Item = &'a i32>) -> BTreeMap<i32, usize> {
    let mut counts: BTreeMap<i32, usize> = brokers.iter().map(|id| (*id, 0)).collect();
    chosen.for_each(|id| *counts.get_mut(id).expect("only those that are not fenced") += 1);
    counts
}

#[test]
fn replicas_are_spread_over_the_brokers() {
    for (brokers, partitions, replicas, expected) in [
        (1, 2, 1, vec![vec![1], vec![1]]),
        (3, 4, 1, vec![vec![1], vec![2], vec![3], vec![1]]),
        (3, 4, 2, vec![vec![1, 2], vec![3, 1], vec![2, 3], vec![1, 2]]),
        // The second time that a broker leads, another one follows first.
        (3, 4, 3, vec![vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2], vec![1, 3, 2]]),
        (4, 4, 2, vec![vec![1, 2], vec![3, 4], vec![2, 3], vec![4, 1]]),
    ] {
        let found = place(&without_racks(brokers), &[], partitions, replicas).unwrap();
        assert_eq!(found, expected, "{partitions} times {replicas} over {brokers}");
    }
}

#[test]
fn every_rack_has_a_replica_before_one_has_two() {
    let [a, b] = [(Some("a"), false), (Some("b"), false)];
    let found = place(&cluster(&[a, a, b]), &[], 4, 2).unwrap();
    assert_eq!(found, [[1, 3], [2, 3], [3, 1], [2, 3]], "broker 3 is alone in its rack");
    let found = place(&cluster(&[a, a, b, b]), &[], 2, 3).unwrap();
    assert_eq!(found, [[1, 3, 2], [4, 1, 2]]);
}

#[test]
fn small_topics_do_not_all_begin_at_the_same_broker() {
    let mut state = without_racks(3);
    let leaders: Vec<i32> = (0..7)
        .map(|number| {
            let assignment = place(&state, &[], 1, 2).unwrap();
            let leader = assignment[0][0];
            create(&mut state, &format!("topic-{number}"), assignment);
            leader
        })
        .collect();
    let counts = counts(&[1, 2, 3], leaders.iter());
    assert_eq!(extremes(&counts), (2, 3), "{leaders:?}");
}

#[test]
fn new_partitions_go_where_the_topic_has_few() {
    let mut state = without_racks(3);
    create(&mut state, "grows", vec![vec![1, 2], vec![2, 1]]);
    create(&mut state, "large", vec![vec![3, 1]; 50]);
    let topic = state.topic("grows").unwrap().clone();
    assert_eq!(
        place(&state, &topic.partitions, 1, 2).unwrap(),
        [[3, 2]],
        "what other topics have counts less"
    );
}

#[test]
fn a_fenced_broker_is_not_chosen_and_is_spoken_of() {
    let state = cluster(&[(None, false), (None, true), (None, false)]);
    assert_eq!(place(&state, &[], 2, 2).unwrap(), [[1, 3], [3, 1]]);
    let error = place(&state, &[], 1, 3).unwrap_err();
    assert_eq!(error, TooFewBrokers { replicas: 3, unfenced: 2, fenced: 1 });
    assert!(error.to_string().contains("not fenced: 2; fenced, which"), "{error}");
    assert!(place(&ClusterState::default(), &[], 1, 1).is_err());
}

/// Brokers, some fenced, with racks or without.
fn brokers() -> impl Strategy<Value = Vec<(Option<&'static str>, bool)>> {
    let with = proptest::collection::vec(
        (proptest::sample::select(vec![Some("a"), Some("b"), Some("c")]), any::<bool>()),
        1..10,
    );
    let without = proptest::collection::vec((Just(None), any::<bool>()), 1..10);
    prop_oneof![with, without]
}

proptest! {
    /// Whatever the brokers are: replicas are on different ones that are not fenced, over as many racks as can be; leaders are balanced within one, also
    /// when a topic grows; replicas too, where no rack stands against it.
    #[test]
    fn partitions_are_placed_well(brokers in brokers(), first in 0usize..20, more in 0usize..20, replicas in 1usize..5) {
        let mut state = cluster(&brokers);
        let unfenced: Vec<i32> = state.brokers.values().filter(|b| !b.fenced).map(|b| b.node_id).collect();
        let Ok(assignment) = place(&state, &[], first + 1, replicas) else {
            prop_assert!(replicas > unfenced.len());
            return Ok(());
        };
        create(&mut state, "topic", assignment);
        let grown = state.topic("topic").unwrap().partitions.clone();
        let added = place(&state, &grown, more, replicas).unwrap();
        let all: Vec<Vec<i32>> = grown.into_iter().map(|known| known.replicas).chain(added).collect();

        let rack = |id: &i32| state.brokers[id].rack.as_deref();
        let racks: BTreeSet<_> = unfenced.iter().map(rack).collect();
        for chosen in &all {
            prop_assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), replicas);
            prop_assert_eq!(chosen.iter().map(rack).collect::<BTreeSet<_>>().len(), replicas.min(racks.len()));
        }
        let (fewest, most) = extremes(&counts(&unfenced, all.iter().map(|chosen| &chosen[0])));
        prop_assert!(most - fewest <= 1, "leaders: {:?}", all);
        let (fewest, most) = extremes(&counts(&unfenced, all.iter().flatten()));
        prop_assert!(racks.len() > 1 || most - fewest <= 1, "replicas: {:?}", all);
    }
}
