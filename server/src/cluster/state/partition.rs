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

    /// Who is to lead: in sync and not fenced, in the order of the replicas; where the topic allows it and there is no such replica, one that is not in sync.
    fn successor(&self, electorate: &Electorate<'_>) -> Option<i32> {
        let unfenced = || self.replicas.iter().copied().filter(|replica| electorate.is_unfenced(*replica));
        let clean = unfenced().find(|replica| self.in_sync_replicas.contains(replica));
        clean.or_else(|| unfenced().next().filter(|_| electorate.unclean))
    }
}
