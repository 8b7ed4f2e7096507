//! What the leader does next to bring Raft's membership in line with the metadata. One node at a time, so that any majority before and any after have a node in
//! common (Raft thesis, 4.1).

use concurrency_models::raft_loop::MemberProgress;

use super::super::raft::{node_id, raft_id};
use super::super::state::ClusterState;
use crate::limits;

/// A step, by node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It gets the log, and has no vote.
    AddLearner(i32),
    /// It has the log, and gets a vote.
    Promote(i32),
    /// It is no member any more.
    Remove(i32),
    /// This node is to be removed, and leads: that node shall lead first. Were it to remove itself from two, the other one might never learn that it is
    /// alone.
    HandOver(i32),
}

/// The members as their leader knows them.
pub(super) struct Members<'a> {
    /// `node.id` of the leader.
    pub(super) leader: i32,
    /// All members, the leader too.
    pub(super) progress: &'a [MemberProgress],
    /// Index up to which entries are committed.
    pub(super) committed: u64,
}

/// The next step, if there is anything to do that can be done now.
pub(super) fn next_step(state: &ClusterState, members: &Members<'_>) -> Option<Step> {
    removal(state, members).or_else(|| promotion(state, members)).or_else(|| addition(state, members))
}

fn removal(state: &ClusterState, members: &Members<'_>) -> Option<Step> {
    let mut removed = members.ids().filter(|id| state.was_removed(*id));
    let leaves = removed.find(|id| members.go_on_without(*id))?;
    if leaves != members.leader {
        return Some(Step::Remove(leaves));
    }
    let heirs = members.voters().filter(|member| member.recently_active);
    let heirs = heirs.filter_map(|member| Some((member.matched_index, node_id(member.node_id)?)));
    let heir = heirs.filter(|(_, id)| !state.was_removed(*id)).max()?;
    Some(Step::HandOver(heir.1))
}

fn promotion(state: &ClusterState, members: &Members<'_>) -> Option<Step> {
    if members.voters().count() >= limits::MAX_VOTERS {
        return None;
    }
    let learners = members.progress.iter().filter(|member| !member.is_voter && member.recently_active);
    let caught_up = |member: &&MemberProgress| {
        member.matched_index > 0 && member.matched_index + limits::VOTER_LAG_ENTRIES >= members.committed
    };
    let mut ids = learners.filter(caught_up).filter_map(|member| node_id(member.node_id));
    ids.find(|id| !state.was_removed(*id)).map(Step::Promote)
}

fn addition(state: &ClusterState, members: &Members<'_>) -> Option<Step> {
    let mut missing = state.nodes().map(|(id, _)| id).filter(|id| members.ids().all(|known| known != *id));
    missing.next().map(Step::AddLearner)
}

impl Members<'_> {
    fn ids(&self) -> impl Iterator<Item = i32> + '_ {
        self.progress.iter().filter_map(|member| node_id(member.node_id))
    }

    fn voters(&self) -> impl Iterator<Item = &MemberProgress> {
        self.progress.iter().filter(|member| member.is_voter)
    }

    /// Whether a majority of those that vote then is there, without this one.
    fn go_on_without(&self, id: i32) -> bool {
        let (mut left, mut active) = (0, 0);
        for voter in self.voters().filter(|voter| voter.node_id != raft_id(id)) {
            left += 1;
            active += usize::from(voter.recently_active);
        }
        left > 0 && active > left / 2
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::cluster::{Command, Endpoint};

    /// Nodes that belong to the cluster, and those that were removed from it.
    fn state(nodes: &[i32], removed: &[i32]) -> ClusterState {
        let mut state = ClusterState::default();
        for &node_id in nodes.iter().chain(removed) {
            let endpoint = Endpoint { host: "h".into(), port: 1 };
            state.apply(&Command::AddNode { node_id, directory_id: Uuid::nil(), endpoint }).unwrap();
        }
        for &node_id in removed {
            state.apply(&Command::RemoveNode { node_id, directory_id: None }).unwrap();
        }
        state
    }

    /// A member: its id, whether it votes, how far it is, whether it is heard of.
    type Known = (i32, bool, u64, bool);

    fn step(state: &ClusterState, leader: i32, members: &[Known]) -> Option<Step> {
        let progress: Vec<MemberProgress> = members
            .iter()
            .map(|&(id, is_voter, matched_index, recently_active)| MemberProgress {
                node_id: raft_id(id),
                is_voter,
                matched_index,
                recently_active,
            })
            .collect();
        next_step(state, &Members { leader, progress: &progress, committed: 10_000 })
    }

    const ONE: Known = (1, true, 10_000, true);
    const TWO: Known = (2, true, 10_000, true);
    const THREE: Known = (3, true, 10_000, true);

    #[test]
    fn who_is_added_learns_first_and_votes_when_it_has_caught_up() {
        let state = state(&[1, 2], &[]);
        assert_eq!(step(&state, 1, &[ONE]), Some(Step::AddLearner(2)));
        for (matched, active, expected) in [
            (0, true, None),
            (10_000 - limits::VOTER_LAG_ENTRIES - 1, true, None),
            (10_000 - limits::VOTER_LAG_ENTRIES, true, Some(Step::Promote(2))),
            (10_000, false, None),
        ] {
            assert_eq!(step(&state, 1, &[ONE, (2, false, matched, active)]), expected, "{matched} {active}");
        }
        assert_eq!(step(&state, 1, &[ONE, TWO]), None);
    }

    #[test]
    fn voters_who_have_not_registered_yet_stay() {
        assert_eq!(step(&state(&[1], &[]), 1, &[ONE, TWO, THREE]), None);
    }

    #[test]
    fn so_many_vote_and_the_others_learn() {
        let most = i32::try_from(limits::MAX_VOTERS).unwrap();
        let ids: Vec<i32> = (1..=most + 1).collect();
        let mut members: Vec<Known> = ids.iter().map(|id| (*id, *id <= most, 10_000, true)).collect();
        assert_eq!(step(&state(&ids, &[]), 1, &members), None);
        members[0].1 = false;
        assert!(matches!(step(&state(&ids, &[]), 2, &members), Some(Step::Promote(_))));
    }

    #[test]
    fn who_was_removed_leaves_if_the_rest_goes_on() {
        let state = state(&[1, 2], &[3]);
        assert_eq!(step(&state, 1, &[ONE, TWO, THREE]), Some(Step::Remove(3)));
        assert_eq!(step(&state, 1, &[ONE, TWO, (3, true, 5, false)]), Some(Step::Remove(3)), "a dead one");
        assert_eq!(step(&state, 1, &[ONE, (2, true, 9, false), THREE]), None, "2 does not answer");
        assert_eq!(step(&state, 1, &[ONE, TWO, (3, false, 5, false)]), Some(Step::Remove(3)), "a learner");
    }

    #[test]
    fn a_leader_hands_over_before_it_leaves() {
        let state = state(&[2, 3], &[1]);
        let members = [ONE, (2, true, 9_000, true), (3, true, 9_500, true)];
        assert_eq!(step(&state, 1, &members), Some(Step::HandOver(3)), "to who is farthest");
        let silent = [ONE, (2, true, 9_000, true), (3, true, 9_500, false)];
        assert_eq!(step(&state, 1, &silent), None, "of the two that are left, one does not answer");
        assert_eq!(step(&state, 1, &[ONE, (2, true, 9_000, true)]), Some(Step::HandOver(2)));
        assert_eq!(step(&state, 2, &[ONE, TWO]), Some(Step::Remove(1)));
    }

    #[test]
    fn leaving_comes_before_coming() {
        let state = state(&[1, 2, 4], &[3]);
        assert_eq!(step(&state, 1, &[ONE, TWO, THREE]), Some(Step::Remove(3)));
        assert_eq!(step(&state, 1, &[ONE, TWO]), Some(Step::AddLearner(4)));
    }
}
