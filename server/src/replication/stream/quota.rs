//! What the metadata says of how fast a replica that is not in sync may catch up (KIP-73), for the stream from this node to one follower.
//!
//! The sender keeps to the leader's rate and to the follower's, for the metadata has both. Others send too: the leader's rate is shared evenly by the followers
//! to which it has something throttled to send, the follower's by the leaders of what it lacks. The shares are exact only while all of them have much to send; in sum they are never more than the rate.
//! (In Kafka the leader has one budget for all, and each follower asks for less.)

use std::collections::BTreeSet;
use std::time::Duration;

use chronik_log::PartitionId;

use super::throttle::Throttle;
use crate::cluster::replication_throttle::{self, ThrottledReplicas};
use crate::cluster::{ClusterState, Partition};
use crate::limits;

/// Those that a rate is for, and this stream's share of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Share {
    /// Bytes per second; `None`: there is no limit.
    rate: Option<u64>,
    partitions: BTreeSet<PartitionId>,
}

/// A share as it is used up.
#[derive(Debug, Default)]
struct Side {
    partitions: BTreeSet<PartitionId>,
    throttle: Throttle,
}

/// The two rates that one stream keeps to. It outlives sessions, so that nobody gets more by connecting again.
#[derive(Debug)]
pub(super) struct Quota {
    leader: i32,
    follower: i32,
    /// Of the metadata that it is taken from.
    version: i64,
    of_leader: Side,
    of_follower: Side,
}

/// What holds for a partition that there is a rate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// Until it may be sent from; [`Duration::MAX`]: until the metadata says something else.
    pub(super) wait: Duration,
    /// Bytes of a piece: at a low rate no more than a second's, so that another partition has its turn, and another rate its effect.
    pub(super) piece_bytes: usize,
}

impl Side {
    fn take(&mut self, share: Share, now: Duration) {
        self.throttle.set_rate(share.rate, now);
        self.partitions = share.partitions;
    }
}

impl Quota {
    /// Unlimited, until it has seen metadata.
    pub(super) fn new(leader: i32, follower: i32) -> Self {
        let (of_leader, of_follower) = (Side::default(), Side::default());
        Self { leader, follower, version: -1, of_leader, of_follower }
    }

    /// Keeps to what this metadata says.
    pub(super) fn refresh(&mut self, state: &ClusterState, now: Duration) {
        if self.version == state.version {
            return;
        }
        self.version = state.version;
        let (of_leader, of_follower) = shares(state, self.leader, self.follower);
        self.of_leader.take(of_leader, now);
        self.of_follower.take(of_follower, now);
    }

    /// What holds for a partition now; `None`: there is no rate for it.
    pub(super) fn limit(&mut self, id: &PartitionId, now: Duration) -> Option<Limit> {
        let of_side = |side: &mut Side| {
            let rate = side.throttle.rate().and_then(|rate| usize::try_from(rate).ok());
            let piece_bytes = rate.unwrap_or(usize::MAX).clamp(1, limits::STREAM_RECORDS_BYTES);
            Limit { wait: side.throttle.wait(now), piece_bytes }
        };
        let both = |a: Limit, b: Limit| Limit {
            wait: a.wait.max(b.wait),
            piece_bytes: a.piece_bytes.min(b.piece_bytes),
        };
        self.sides(id).map(of_side).reduce(both)
    }

    /// So much of it was sent.
    pub(super) fn spend(&mut self, id: &PartitionId, bytes: usize, now: Duration) {
        self.sides(id).for_each(|side| side.throttle.spend(bytes, now));
    }

    fn sides(&mut self, id: &PartitionId) -> impl Iterator<Item = &mut Side> {
        let concerns = |side: &&mut Side| side.throttle.rate().is_some() && side.partitions.contains(id);
        [&mut self.of_leader, &mut self.of_follower].into_iter().filter(concerns)
    }
}

/// The shares that the stream from `leader` to `follower` has in the rates of both.
fn shares(state: &ClusterState, leader: i32, follower: i32) -> (Share, Share) {
    let leader_rate = replication_throttle::rate(state, leader, replication_throttle::LEADER_RATE);
    let follower_rate = replication_throttle::rate(state, follower, replication_throttle::FOLLOWER_RATE);
    if leader_rate.is_none() && follower_rate.is_none() {
        return Default::default(); // as it is nearly always
    }
    let (mut of_leader, mut of_follower) = (BTreeSet::new(), BTreeSet::new());
    let (mut followers, mut leaders) = (BTreeSet::from([follower]), BTreeSet::from([leader]));
    let is_up = |node: &i32| state.brokers.get(node).is_some_and(|broker| !broker.fenced);
    for topic in state.topics() {
        let on_leaders = ThrottledReplicas::of(topic, replication_throttle::LEADER_REPLICAS);
        let on_followers = ThrottledReplicas::of(topic, replication_throttle::FOLLOWER_REPLICAS);
        for (index, partition) in topic.indexed() {
            let id = PartitionId { topic_id: topic.id, partition: index };
            let (leads, lacks) = (partition.leader == Some(leader), is_lacked_by(partition, follower));
            if leads && on_leaders.contain(index, leader) {
                let others = partition.replicas.iter().copied().filter(is_up);
                followers.extend(others.filter(|replica| is_lacked_by(partition, *replica)));
                of_leader.extend(lacks.then_some(id));
            }
            if lacks && on_followers.contain(index, follower) {
                leaders.extend(partition.leader);
                of_follower.extend(leads.then_some(id));
            }
        }
    }
    let share = |rate: Option<u64>, among: usize, partitions| Share {
        rate: rate.map(|rate| (rate / among as u64).max(rate.min(1))),
        partitions,
    };
    (share(leader_rate, followers.len(), of_leader), share(follower_rate, leaders.len(), of_follower))
}

/// Whether it is a replica that is not in sync.
fn is_lacked_by(partition: &Partition, node: i32) -> bool {
    partition.replicas.contains(&node) && !partition.in_sync_replicas.contains(&node)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cluster::example::cluster;
    use crate::cluster::replication_throttle::{
        FOLLOWER_RATE, FOLLOWER_REPLICAS, LEADER_RATE, LEADER_REPLICAS,
    };
    use crate::cluster::{Command, ConfigResource};

    /// Settings of brokers by node id, and of a topic.
    type Settings<'a> = (&'a [(&'a str, &'a str, &'a str)], &'a [(&'a str, &'a str)]);

    fn alter(
        state: &mut ClusterState,
        resource: ConfigResource,
        replaces: BTreeMap<String, String>,
        more: (&str, &str),
    ) {
        let mut configs = replaces.clone();
        configs.insert(more.0.to_owned(), more.1.to_owned());
        state.apply(&Command::AlterConfigs { resource, replaces, configs }).unwrap();
    }

    /// Four brokers and a topic, of which these have lost all that they are not alone with: broker 1 leads partitions 0
    /// and 1, broker 2 leads partition 2, and broker 4 partition 3, which without it is led by 1.
    fn state(lost: &[i32], still_down: &[i32], (brokers, topic): Settings<'_>) -> ClusterState {
        let up = (None, false);
        let assignment = vec![vec![1, 2, 3], vec![1, 3, 4], vec![2, 1, 3], vec![4, 1]];
        let mut state = cluster(&[up, up, up, up]).with_topic("t", assignment);
        for node in lost {
            state = state.after_the_end_of(*node);
            let broker_epoch = state.brokers[node].broker_epoch;
            if !still_down.contains(node) {
                state.apply(&Command::UnfenceBroker { node_id: *node, broker_epoch }).unwrap();
            }
        }
        for (node, key, value) in brokers {
            let present = state.broker_configs(node).cloned().unwrap_or_default();
            alter(&mut state, ConfigResource::Broker((*node).to_owned()), present, (key, value));
        }
        for (key, value) in topic {
            let known = state.topic("t").unwrap().clone();
            alter(&mut state, ConfigResource::Topic(known.id), known.configs.clone(), (key, value));
        }
        state
    }

    #[test]
    fn a_rate_is_shared_by_those_that_need_it() {
        let rates = &[("1", LEADER_RATE, "90"), ("3", FOLLOWER_RATE, "60"), ("", FOLLOWER_RATE, "50")][..];
        let all = &[(LEADER_REPLICAS, "*"), (FOLLOWER_REPLICAS, "*")][..];
        let (none, alone): (&[i32], &[i32]) = (&[], &[3]);
        for (lost, down, settings, stream, leaders, followers) in [
            // Nothing is missing, or nothing is set: nothing is for a rate.
            (none, none, (rates, all), (1, 3), (Some(90), none), (Some(60), none)),
            (alone, none, (&[][..], all), (1, 3), (None, none), (None, none)),
            (alone, none, (rates, &[][..]), (1, 3), (Some(90), none), (Some(60), none)),
            // Broker 3 lacks partitions 0 and 1, which 1 leads, and 2, which 2 leads.
            (alone, none, (rates, all), (1, 3), (Some(90), &[0, 1]), (Some(30), &[0, 1])),
            (alone, none, (rates, all), (2, 3), (None, &[2]), (Some(30), &[2])),
            (alone, none, (rates, &all[..1]), (1, 3), (Some(90), &[0, 1]), (Some(60), none)),
            (alone, none, (rates, &all[1..]), (1, 3), (Some(90), none), (Some(30), &[0, 1])),
            // What is for all brokers is for those that have nothing of their own; who lacks nothing has it all.
            (alone, none, (rates, all), (1, 2), (Some(45), none), (Some(50), none)),
            // Lists name replicas: the leader's own in one, the follower's in the other.
            (
                alone,
                none,
                (rates, &[(LEADER_REPLICAS, "1:1,2:2,0:3"), (FOLLOWER_REPLICAS, "0:3,1:1")]),
                (1, 3),
                (Some(90), &[1]),
                (Some(60), &[0]),
            ),
            // Two followers lack something of broker 1, then three, of which one is down.
            (&[3, 4], none, (rates, all), (1, 3), (Some(45), &[0, 1]), (Some(30), &[0, 1])),
            (&[3, 4], none, (rates, all), (1, 4), (Some(45), &[1, 3]), (Some(50), &[1, 3])),
            (&[3, 4], &[4], (rates, all), (1, 3), (Some(90), &[0, 1]), (Some(30), &[0, 1])),
            // Nothing is left to share, and something must move; but where the rate is 0 nothing does.
            (alone, none, (&[("3", FOLLOWER_RATE, "1")], all), (1, 3), (None, &[0, 1]), (Some(1), &[0, 1])),
            (alone, none, (&[("3", FOLLOWER_RATE, "0")], all), (1, 3), (None, &[0, 1]), (Some(0), &[0, 1])),
        ] {
            let state = state(lost, down, settings);
            let topic_id = state.topic("t").unwrap().id;
            let share = |(rate, partitions): (Option<u64>, &[i32])| Share {
                rate,
                partitions: partitions
                    .iter()
                    .map(|partition| PartitionId { topic_id, partition: *partition })
                    .collect(),
            };
            let found = shares(&state, stream.0, stream.1);
            assert_eq!(
                found,
                (share(leaders), share(followers)),
                "{stream:?} with {settings:?} without {lost:?}"
            );
        }
    }

    #[test]
    fn the_stricter_of_two_rates_holds_until_the_metadata_says_something_else() {
        let rates = &[("1", LEADER_RATE, "2000000"), ("3", FOLLOWER_RATE, "1000")][..];
        let both = &[(LEADER_REPLICAS, "0:1,1:1"), (FOLLOWER_REPLICAS, "0:3")][..];
        let mut throttled = state(&[3], &[], (rates, both));
        let topic_id = throttled.topic("t").unwrap().id;
        let [first, second, third] = [0, 1, 2].map(|partition| PartitionId { topic_id, partition });
        let (mut quota, now) = (Quota::new(1, 3), Duration::from_secs(7));
        assert_eq!(quota.limit(&first, now), None, "nothing is known yet");
        quota.refresh(&throttled, now);
        let limit = |wait_ms, piece_bytes| Some(Limit { wait: Duration::from_millis(wait_ms), piece_bytes });
        assert_eq!(quota.limit(&first, now), limit(0, 1000));
        assert_eq!(quota.limit(&second, now), limit(0, limits::STREAM_RECORDS_BYTES));
        assert_eq!(quota.limit(&third, now), None, "broker 2 leads it");
        quota.spend(&first, 20_000, now);
        assert_eq!(quota.limit(&first, now), limit(20_000, 1000));
        assert_eq!(quota.limit(&second, now), limit(10, limits::STREAM_RECORDS_BYTES));
        quota.refresh(&throttled, now);
        assert_eq!(quota.limit(&first, now), limit(20_000, 1000), "nothing is new");
        let present = throttled.broker_configs("3").cloned().unwrap();
        let resource = ConfigResource::Broker("3".to_owned());
        let command = Command::AlterConfigs { resource, replaces: present, configs: BTreeMap::new() };
        throttled.apply(&command).unwrap();
        quota.refresh(&throttled, now);
        assert_eq!(quota.limit(&first, now), limit(10, limits::STREAM_RECORDS_BYTES));
    }
}
