//! A partition: who leads it, in which epochs. Each change is a function from the partition before to the one after; `None` if nothing changes.

use serde::{Deserialize, Serialize};

use super::brokers::Electorate;

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Node id of the leader, who is in sync and not fenced; `None` while there is none.
    pub leader: Option<i32>,
    /// Grows by one with every change of leader; that there is none any more is one.
    pub leader_epoch: i32,
    /// Grows by one with every change of leader or in-sync set (KIP-497).
    #[serde(default)]
    pub partition_epoch: i32,
    /// Node ids, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Node ids of the in-sync replicas, in the order of `replicas`. There is always one; a fenced one is the only one.
    pub in_sync_replicas: Vec<i32>,
    /// Those of `replicas` that a reassignment brings in.
    #[serde(default)]
    pub adding_replicas: Vec<i32>,
    /// Those of `replicas` that it takes out, once all others are in sync.
    #[serde(default)]
    pub removing_replicas: Vec<i32>,
}

impl Partition {
    /// A new one. Replicas that are fenced are not in sync; `None` if all are.
    pub(super) fn new(replicas: &[i32], electorate: &Electorate<'_>) -> Option<Self> {
        let in_sync_replicas: Vec<i32> =
            replicas.iter().copied().filter(|replica| electorate.is_unfenced(*replica)).collect();
        Some(Self {
            leader: Some(*in_sync_replicas.first()?),
            leader_epoch: 0,
            partition_epoch: 0,
            replicas: replicas.to_vec(),
            in_sync_replicas,
            adding_replicas: Vec::new(),
            removing_replicas: Vec::new(),
        })
    }

    /// Without a replica that is fenced by now: in sync only if nobody else is, and no leader.
    pub(super) fn without(&self, node_id: i32, electorate: &Electorate<'_>) -> Option<Self> {
        let others = || self.in_sync_replicas.iter().copied().filter(|replica| *replica != node_id);
        let was_in_sync = self.in_sync_replicas.contains(&node_id);
        let in_sync_replicas: Vec<i32> = match others().next() {
            Some(_) if was_in_sync => others().collect(),
            _ => self.in_sync_replicas.clone(),
        };
        let next = Self { in_sync_replicas, ..self.clone() };
        match self.leader == Some(node_id) {
            true => Some(next.led_by_successor(electorate)),
            false if next.in_sync_replicas == self.in_sync_replicas => None,
            false => Some(Self { partition_epoch: self.partition_epoch + 1, ..next }),
        }
    }

    /// With a leader, if it has none and somebody may lead.
    pub(super) fn filled(&self, electorate: &Electorate<'_>) -> Option<Self> {
        let leaderless = self.leader.is_none();
        (leaderless && self.successor(electorate).is_some())
            .then(|| self.clone().led_by_successor(electorate))
    }

    /// Led by the first of its replicas, if that is in sync, not fenced, and does not lead.
    pub(super) fn led_by_preferred(&self, electorate: &Electorate<'_>) -> Option<Self> {
        let preferred = self.preferred().filter(|preferred| Some(*preferred) != self.leader)?;
        let may_lead = self.in_sync_replicas.contains(&preferred) && electorate.is_unfenced(preferred);
        may_lead.then(|| self.clone().led_by(Some(preferred)))
    }

    /// Led by whom it is led by, in a new epoch.
    pub(super) fn renewed(&self) -> Self {
        self.clone().led_by(self.leader)
    }

    /// With another in-sync set, of which nothing but the members is taken.
    pub(super) fn with_in_sync(&self, is_member: impl Fn(i32) -> bool) -> Self {
        let in_sync_replicas = self.replicas.iter().copied().filter(|replica| is_member(*replica)).collect();
        Self { in_sync_replicas, partition_epoch: self.partition_epoch + 1, ..self.clone() }
    }

    /// Whether replicas are being exchanged.
    pub fn is_reassigning(&self) -> bool {
        !self.adding_replicas.is_empty() || !self.removing_replicas.is_empty()
    }

    /// What the replicas will be once a reassignment under way is done.
    pub fn target_replicas(&self) -> Vec<i32> {
        self.replicas.iter().copied().filter(|replica| !self.removing_replicas.contains(replica)).collect()
    }

    /// On its way to other replicas: these, and behind them those that will go (Kafka: `PartitionReassignmentReplicas`). `None` if they are what it has.
    pub(super) fn reassigned(&self, target: &[i32], electorate: &Electorate<'_>) -> Option<Self> {
        let others = |of: &[i32], than: &[i32]| -> Vec<i32> {
            of.iter().copied().filter(|replica| !than.contains(replica)).collect()
        };
        let original = others(&self.replicas, &self.adding_replicas);
        let removing_replicas = others(&self.replicas, target);
        let replicas = [target, &removing_replicas].concat();
        let adding_replicas = others(target, &original);
        let in_sync_replicas =
            replicas.iter().copied().filter(|replica| self.in_sync_replicas.contains(replica)).collect();
        let next = Self { replicas, in_sync_replicas, adding_replicas, removing_replicas, ..self.clone() };
        let next = next.completed(electorate);
        (next != *self).then(|| next.in_the_epochs_after(self))
    }

    /// With the replicas that it had before the reassignment under way. `None` if none of them is in sync: what was written meanwhile would be lost.
    pub(super) fn with_reassignment_cancelled(&self, electorate: &Electorate<'_>) -> Option<Self> {
        let stays = |replica: &i32| !self.adding_replicas.contains(replica);
        let next = self.with_replicas_that(stays, electorate);
        (!next.in_sync_replicas.is_empty()).then(|| next.in_the_epochs_after(self))
    }

    /// Without the replicas that were to go, if all that were to stay are in sync.
    fn completed(self, electorate: &Electorate<'_>) -> Self {
        let target = self.target_replicas();
        let is_done = self.is_reassigning()
            && !target.is_empty()
            && target.iter().all(|replica| self.in_sync_replicas.contains(replica));
        match is_done {
            true => self.with_replicas_that(|replica| target.contains(replica), electorate),
            false => self,
        }
    }

    /// The same after a change of `before`: what completes a reassignment does so in one step with it.
    pub(super) fn and_completed(self, before: &Self, electorate: &Electorate<'_>) -> Self {
        match self.is_reassigning() {
            true => self.completed(electorate).in_the_epochs_after(before),
            false => self,
        }
    }

    /// With nothing under way. Another leader, if it is not one of these.
    fn with_replicas_that(&self, stays: impl Fn(&i32) -> bool, electorate: &Electorate<'_>) -> Self {
        let of = |ids: &[i32]| ids.iter().copied().filter(|id| stays(id)).collect::<Vec<_>>();
        let mut next = Self {
            replicas: of(&self.replicas),
            in_sync_replicas: of(&self.in_sync_replicas),
            adding_replicas: Vec::new(),
            removing_replicas: Vec::new(),
            ..self.clone()
        };
        if !next.leader.is_some_and(|leader| next.replicas.contains(&leader)) {
            next.leader = next.clean_successor(electorate);
        }
        next
    }

    /// Other replicas have another leader epoch, so that the leader begins anew with them: a replica that has left and come back is not taken for what it was.
    fn in_the_epochs_after(self, before: &Self) -> Self {
        let has_the_same_replicas = self.replicas.len() == before.replicas.len()
            && self.replicas.iter().all(|replica| before.replicas.contains(replica));
        let is_led_anew = self.leader != before.leader || !has_the_same_replicas;
        let leader_epoch = before.leader_epoch + i32::from(is_led_anew);
        Self { leader_epoch, partition_epoch: before.partition_epoch + 1, ..self }
    }

    /// The first of the replicas.
    pub fn preferred(&self) -> Option<i32> {
        self.replicas.first().copied()
    }

    fn led_by_successor(mut self, electorate: &Electorate<'_>) -> Self {
        let successor = self.successor(electorate);
        if let Some(unclean) = successor.filter(|successor| !self.in_sync_replicas.contains(successor)) {
            self.in_sync_replicas = vec![unclean];
        }
        self.led_by(successor)
    }

    fn led_by(self, leader: Option<i32>) -> Self {
        let (leader_epoch, partition_epoch) = (self.leader_epoch + 1, self.partition_epoch + 1);
        Self { leader, leader_epoch, partition_epoch, ..self }
    }

    fn clean_successor(&self, electorate: &Electorate<'_>) -> Option<i32> {
        let may_lead =
            |replica: &i32| self.in_sync_replicas.contains(replica) && electorate.is_unfenced(*replica);
        self.replicas.iter().copied().find(may_lead)
    }

    /// Who is to lead: in sync and not fenced, in the order of the replicas; where the topic allows it and there is no such replica, one that is not in sync.
    fn successor(&self, electorate: &Electorate<'_>) -> Option<i32> {
        let unfenced = || self.replicas.iter().copied().filter(|replica| electorate.is_unfenced(*replica));
        self.clean_successor(electorate).or_else(|| unfenced().next().filter(|_| electorate.unclean))
    }
}
