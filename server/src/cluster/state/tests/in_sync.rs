//! In-sync sets as leaders propose them.

use super::*;

/// A change of the proposal, the node that proposes it, and whether it is made.
type Case = (&'static str, i32, fn(&mut PartitionChange), bool);

#[test]
fn a_change_is_made_only_of_what_is_so() {
    let cases: &[Case] = &[
        ("as it is", 1, |_| {}, true),
        ("not by a follower", 2, |_| {}, false),
        ("a leader epoch before", 1, |change| change.leader_epoch -= 1, false),
        ("a leader epoch that is not yet", 1, |change| change.leader_epoch += 1, false),
        ("a partition epoch before", 1, |change| change.partition_epoch -= 1, false),
        ("without the leader", 1, |change| _ = change.in_sync.remove(&1), false),
        ("nobody", 1, |change| change.in_sync.clear(), false),
        ("no replica", 1, |change| _ = change.in_sync.insert(4, 7), false),
        ("an earlier life of a new member", 1, |change| *change.in_sync.get_mut(&2).unwrap() -= 1, false),
        ("another topic", 1, |change| change.topic_id = uuid(9), false),
        ("no partition", 1, |change| change.partition = 1, false),
        ("an index that is none", 1, |change| change.partition = -1, false),
        ("the leader alone", 1, |change| _ = change.in_sync.remove(&2), true),
    ];
    for (what, node_id, differ, is_made) in cases {
        let mut state = ClusterState::with_partition(&[1, 2, 3]);
        state.restart(2);
        state.unfence_now(2);
        let mut change = state.change(&state.only().clone(), &[1, 2]);
        differ(&mut change);
        let key = (change.topic_id, change.partition);
        let before = state.only().clone();
        let refused = if *is_made { vec![] } else { vec![key] };
        assert_eq!(state.alter(*node_id, change), Ok(Applied::PartitionsAltered { refused }), "{what}");
        assert_eq!(*state.only() == before, !is_made, "{what}");
        let epoch_grows = i32::from(*is_made);
        assert_eq!(state.only().partition_epoch, before.partition_epoch + epoch_grows, "{what}");
        assert_eq!(state.only().leader_epoch, before.leader_epoch, "{what}");
    }
}

#[test]
fn who_is_fenced_does_not_come_in() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.fence_now(2);
    assert!(!state.propose_in_sync(&[1, 2]));
    state.unfence_now(2);
    assert!(state.propose_in_sync(&[1, 2]));
    assert_eq!(state.look(), (Some(1), 0, 2, &[1, 2][..]));
}

#[test]
fn each_change_is_made_or_refused_by_itself() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    let good = state.change(&state.only().clone(), &[1]);
    let bad = PartitionChange { partition: 5, ..good.clone() };
    let broker_epoch = state.epoch_of(1);
    let changes = vec![bad, good.clone(), good];
    let applied = state.apply(&Command::AlterPartitions { node_id: 1, broker_epoch, changes });
    assert_eq!(applied, Ok(Applied::PartitionsAltered { refused: vec![(uuid(10), 5), (uuid(10), 0)] }));
    assert_eq!(state.look(), (Some(1), 0, 1, &[1][..]));
}

#[test]
fn an_earlier_life_proposes_nothing() {
    let mut state = ClusterState::with_partition(&[1]);
    let broker_epoch = state.epoch_of(1);
    state.restart(1);
    let changes = vec![state.change(&state.only().clone(), &[1])];
    let refused = state.apply(&Command::AlterPartitions { node_id: 1, broker_epoch, changes });
    assert_eq!(refused, Err(Refusal::StaleBrokerEpoch { node_id: 1, broker_epoch }));
}
