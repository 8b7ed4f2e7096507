//! Elections that operators ask for.

use super::*;
use crate::cluster::command::{Election, ElectionKind};

fn elect(state: &mut ClusterState, kind: ElectionKind, partition: i32) -> Election {
    let command = Command::ElectLeaders { kind, partitions: Some(vec![(uuid(10), partition)]) };
    match state.apply(&command) {
        Ok(Applied::LeadersElected { elections, .. }) => elections[0].2,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_preferred_leader_leads_if_it_can() {
    let preferred = ElectionKind::Preferred;
    let mut state = ClusterState::with_partition(&[1, 2]);
    assert_eq!(elect(&mut state, preferred, 0), Election::NotNeeded);
    assert_eq!(elect(&mut state, preferred, 1), Election::UnknownPartition);
    state.fence_now(1);
    assert_eq!(elect(&mut state, preferred, 0), Election::PreferredNotAvailable);
    state.unfence_now(1);
    assert_eq!(elect(&mut state, preferred, 0), Election::PreferredNotAvailable, "not in sync yet");
    assert!(state.propose_in_sync(&[1, 2]));
    assert_eq!(state.look(), (Some(2), 1, 2, &[1, 2][..]));
    assert_eq!(elect(&mut state, preferred, 0), Election::Elected);
    assert_eq!(state.look(), (Some(1), 2, 3, &[1, 2][..]));
}

#[test]
fn an_unclean_election_is_held_only_where_there_is_no_leader() {
    let unclean = ElectionKind::Unclean;
    let mut state = ClusterState::with_partition(&[1, 2]);
    assert_eq!(elect(&mut state, unclean, 0), Election::NotNeeded);
    state.fence_now(2);
    state.fence_now(1);
    assert_eq!(elect(&mut state, unclean, 0), Election::NobodyEligible);
    state.unfence_now(2);
    assert_eq!(elect(&mut state, unclean, 0), Election::Elected);
    assert_eq!(state.look(), (Some(2), 2, 3, &[2][..]));
}

#[test]
fn of_all_partitions_those_are_told_that_needed_an_election() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.apply(&create("b", 11, &[&[2, 1], &[1, 2]])).unwrap();
    state.fence_now(2);
    let all = Command::ElectLeaders { kind: ElectionKind::Preferred, partitions: None };
    let elections = vec![(uuid(11), 0, Election::PreferredNotAvailable)];
    assert_eq!(state.apply(&all), Ok(Applied::LeadersElected { kind: ElectionKind::Preferred, elections }));
}
