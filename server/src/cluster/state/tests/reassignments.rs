//! Replicas that move.

use super::*;
use crate::cluster::command::{Reassigned, Reassignment};

impl ClusterState {
    fn reassign_now(&mut self, replicas: Option<&[i32]>) -> Reassigned {
        let replicas = replicas.map(<[i32]>::to_vec);
        let partitions = vec![Reassignment { topic_id: uuid(10), partition: 0, replicas }];
        let command = Command::ReassignPartitions { partitions, allow_replication_factor_change: true };
        match self.apply(&command).unwrap() {
            Applied::PartitionsReassigned { mut outcomes } => outcomes.remove(0).2,
            other => panic!("{other:?}"),
        }
    }

    /// Replicas, those added, those removed.
    fn replicas(&self) -> (&[i32], &[i32], &[i32]) {
        let Partition { replicas, adding_replicas, removing_replicas, .. } = self.only();
        (replicas, adding_replicas, removing_replicas)
    }
}

#[test]
fn the_last_that_comes_in_sync_ends_it_in_one_step() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    assert_eq!(state.reassign_now(Some(&[3, 2])), Reassigned::Accepted);
    assert_eq!(state.replicas(), (&[3, 2, 1][..], &[3][..], &[1][..]));
    assert_eq!(state.look(), (Some(1), 1, 1, &[2, 1][..]), "the leader begins anew with the new replicas");
    assert!(state.propose_in_sync(&[1, 2, 3]));
    assert_eq!(state.replicas(), (&[3, 2][..], &[][..], &[][..]));
    assert_eq!(state.look(), (Some(3), 2, 2, &[3, 2][..]), "the leader has gone: the first of the others");
}

#[test]
fn whoever_leads_and_stays_leads_on() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.reassign_now(Some(&[3, 1]));
    assert!(state.propose_in_sync(&[1, 2, 3]));
    assert_eq!(state.replicas(), (&[3, 1][..], &[][..], &[][..]));
    assert_eq!(state.look(), (Some(1), 2, 2, &[3, 1][..]));
}

#[test]
fn one_that_is_to_stay_and_is_not_in_sync_is_waited_for() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.reassign_now(Some(&[2, 3]));
    state.fence_now(2);
    assert!(state.propose_in_sync(&[1, 3]));
    assert_eq!(state.replicas(), (&[2, 3, 1][..], &[3][..], &[1][..]));
    state.unfence_now(2);
    assert!(state.propose_in_sync(&[1, 2, 3]));
    assert_eq!(state.replicas(), (&[2, 3][..], &[][..], &[][..]));
}

#[test]
fn what_is_in_sync_already_is_done_at_once() {
    let mut state = ClusterState::with_partition(&[1, 2, 3]);
    assert_eq!(state.reassign_now(Some(&[3, 2, 1])), Reassigned::Accepted);
    assert_eq!(state.look(), (Some(1), 0, 1, &[3, 2, 1][..]), "another order is no other replica");
    let before = state.only().clone();
    assert_eq!(state.reassign_now(Some(&[3, 2, 1])), Reassigned::Accepted);
    assert_eq!(*state.only(), before);
    assert_eq!(state.reassign_now(Some(&[2])), Reassigned::Accepted);
    assert_eq!(state.replicas(), (&[2][..], &[][..], &[][..]));
    assert_eq!(state.look(), (Some(2), 1, 2, &[2][..]));
}

#[test]
fn cancelled_the_replicas_are_those_from_before() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    assert_eq!(state.reassign_now(None), Reassigned::NoneInProgress);
    state.reassign_now(Some(&[3, 2]));
    assert_eq!(state.reassign_now(None), Reassigned::Accepted);
    assert_eq!(state.replicas(), (&[2, 1][..], &[][..], &[][..]), "in Kafka's order");
    assert_eq!(state.look(), (Some(1), 2, 2, &[2, 1][..]));
}

#[test]
fn what_only_a_new_replica_has_is_not_cancelled_away() {
    let mut state = ClusterState::with_partition(&[1]);
    state.reassign_now(Some(&[2, 3]));
    assert!(state.propose_in_sync(&[1, 2]));
    state.fence_now(1);
    assert_eq!(state.look().3, &[2]);
    assert!(matches!(state.reassign_now(None), Reassigned::Invalid(_)));
    state.unfence_now(1);
    assert!(state.propose_in_sync(&[1, 2]));
    assert_eq!(state.reassign_now(None), Reassigned::Accepted);
    assert_eq!((state.replicas().0, state.look().0), (&[1][..], Some(1)));
}

#[test]
fn a_second_one_begins_where_the_first_is() {
    let mut state = ClusterState::with_partition(&[1]);
    state.reassign_now(Some(&[2]));
    assert_eq!(state.reassign_now(Some(&[3])), Reassigned::Accepted);
    assert_eq!(state.replicas(), (&[3, 2, 1][..], &[3][..], &[2, 1][..]));
    assert!(state.propose_in_sync(&[1, 3]));
    assert_eq!(state.replicas(), (&[3][..], &[][..], &[][..]));
}

#[test]
fn targets_that_cannot_be_are_refused() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    for target in [&[][..], &[1, 1], &[1, 9]] {
        assert!(matches!(state.reassign_now(Some(target)), Reassigned::Invalid(_)), "{target:?}");
    }
    let reassign = |partition, replicas: &[i32]| Command::ReassignPartitions {
        partitions: vec![Reassignment { topic_id: uuid(10), partition, replicas: Some(replicas.to_vec()) }],
        allow_replication_factor_change: false,
    };
    for (partition, target, expected) in [
        (0, &[1][..], Reassigned::OtherFactor { present: 2, asked: 1 }),
        (7, &[1, 2], Reassigned::UnknownPartition),
        (0, &[1, 3], Reassigned::Accepted),
    ] {
        let outcomes = vec![(uuid(10), partition, expected)];
        let applied = state.apply(&reassign(partition, target));
        assert_eq!(applied, Ok(Applied::PartitionsReassigned { outcomes }));
    }
}

/// What was written before there were reassignments is read as a partition without one.
#[test]
fn an_older_partition_has_none_under_way() {
    let old = r#"{"leader":1,"leader_epoch":2,"replicas":[1],"in_sync_replicas":[1]}"#;
    let partition: Partition = serde_json::from_str(old).unwrap();
    assert!(!partition.is_reassigning());
}
