//! Kernel `election`: the next leader is in sync and alive, and an election that comes too late changes nothing.

use std::collections::BTreeSet;

use concurrency_models::election::{NotElected, Partition, ReplaceLeader};
use loom_tests::check_sequence;

const DEAD: i32 = 1;
const BEHIND: i32 = 2;
const NEXT: i32 = 3;
const DOWN: i32 = 4;

/// In order of preference: who died, who is not in sync, who is down, who is to be elected.
fn partition() -> Partition {
    Partition {
        replicas: vec![DEAD, BEHIND, DOWN, NEXT],
        in_sync: BTreeSet::from([DEAD, DOWN, NEXT]),
        leader: Some(DEAD),
        leader_epoch: 4,
        partition_epoch: 9,
    }
}

/// The suspect's lease is not known to have expired: it still counts as alive.
fn alive() -> BTreeSet<i32> {
    BTreeSet::from([DEAD, BEHIND, NEXT])
}

const PROPOSAL: ReplaceLeader = ReplaceLeader { leader: DEAD, leader_epoch: 4, partition_epoch: 9 };

#[test]
fn the_next_leader_is_in_sync_and_alive_and_not_the_suspect() {
    check_sequence(|| {
        let mut partition = partition();
        let elected = partition.replace_leader(PROPOSAL, &alive());
        assert_ne!(elected, Ok(DEAD), "the suspect is elected");
        assert_ne!(elected, Ok(BEHIND), "a replica outside the in-sync set is elected");
        assert_ne!(elected, Ok(DOWN), "a dead replica is elected");
        assert_eq!(elected, Ok(NEXT));
        assert_eq!(
            (partition.leader, partition.leader_epoch, partition.partition_epoch),
            (Some(NEXT), 5, 10)
        );
        partition
    });
}

#[test]
fn an_election_that_comes_too_late_changes_nothing() {
    check_sequence(|| {
        let outdated = Err(NotElected::Outdated { leader_epoch: 4, partition_epoch: 9 });
        let all_late = [
            ReplaceLeader { leader: NEXT, ..PROPOSAL },
            ReplaceLeader { leader_epoch: 3, ..PROPOSAL },
            ReplaceLeader { partition_epoch: 8, ..PROPOSAL },
        ];
        all_late.map(|late| {
            let mut partition = partition();
            let elected = partition.replace_leader(late, &alive());
            assert_eq!(elected, outdated, "applied without comparing: {late:?}");
            assert_eq!(partition, self::partition());
            elected
        })
    });
}

#[test]
fn the_same_election_twice_elects_once() {
    check_sequence(|| {
        let mut partition = partition();
        assert_eq!(partition.replace_leader(PROPOSAL, &alive()), Ok(NEXT));
        let elected = partition.clone();
        let again = partition.replace_leader(PROPOSAL, &alive());
        assert!(again.is_err());
        assert_eq!(partition, elected);
        (again, partition)
    });
}

#[test]
fn without_a_candidate_the_partition_stays_as_it_is() {
    check_sequence(|| {
        let mut partition = partition();
        let only_the_suspect = BTreeSet::from([DEAD, BEHIND]);
        let elected = partition.replace_leader(PROPOSAL, &only_the_suspect);
        assert_eq!(elected, Err(NotElected::NoCandidate));
        assert_eq!(partition, self::partition());
        (elected, partition)
    });
}
