//! What holds after any commands.

use proptest::prelude::*;

use super::*;
use crate::cluster::command::{ElectionKind, Reassignment};

/// A command is made of what the state is when its turn comes, mostly.
#[derive(Clone, Debug)]
enum Step {
    Restart(i32),
    Fence(i32, bool),
    Unfence(i32, bool),
    Create(Vec<i32>),
    Grow(usize, Vec<i32>),
    Delete(usize),
    Alter { topic: usize, in_sync: Vec<i32>, stale: bool },
    Elect(ElectionKind, bool),
    AllowUnclean(usize),
    Reassign(usize, Option<Vec<i32>>),
}

fn node() -> impl Strategy<Value = i32> {
    1..=3
}

fn replicas() -> impl Strategy<Value = Vec<i32>> {
    proptest::sample::subsequence(vec![1, 2, 3], 1..=3).prop_shuffle()
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(ElectionKind::Preferred), Just(ElectionKind::Unclean)];
    let stale = || prop::bool::weighted(0.1);
    let alter = (0..4usize, replicas(), stale());
    prop_oneof![
        2 => node().prop_map(Step::Restart),
        3 => (node(), stale()).prop_map(|(node, stale)| Step::Fence(node, stale)),
        6 => (node(), stale()).prop_map(|(node, stale)| Step::Unfence(node, stale)),
        2 => replicas().prop_map(Step::Create),
        1 => (0..4usize, replicas()).prop_map(|(topic, replicas)| Step::Grow(topic, replicas)),
        1 => (0..4usize).prop_map(Step::Delete),
        6 => alter.prop_map(|(topic, in_sync, stale)| Step::Alter { topic, in_sync, stale }),
        2 => (kind, prop::bool::ANY).prop_map(|(kind, all)| Step::Elect(kind, all)),
        1 => (0..4usize).prop_map(Step::AllowUnclean),
        3 => (0..4usize, prop::option::weighted(0.8, replicas()))
            .prop_map(|(topic, replicas)| Step::Reassign(topic, replicas)),
    ]
}

impl ClusterState {
    fn command(&self, step: &Step) -> Option<Command> {
        let epoch = |node: i32, stale: bool| self.epoch_of(node) - i64::from(stale);
        let topic = |n: usize| self.topics().nth(n);
        Some(match step {
            Step::Restart(node_id) => register(*node_id),
            Step::Fence(node_id, stale) => {
                Command::FenceBroker { node_id: *node_id, broker_epoch: epoch(*node_id, *stale) }
            }
            Step::Unfence(node_id, stale) => {
                Command::UnfenceBroker { node_id: *node_id, broker_epoch: epoch(*node_id, *stale) }
            }
            Step::Create(replicas) => create(&format!("t{}", self.version), 0, &[replicas]),
            Step::Grow(n, replicas) => {
                let topic = topic(*n)?;
                let (id, present) = (topic.id, topic.partitions.len());
                Command::CreatePartitions { id, present, assignment: vec![replicas.clone()] }
            }
            Step::Delete(n) => Command::DeleteTopic { id: topic(*n)?.id },
            Step::Alter { topic: n, in_sync, stale } => {
                let topic = topic(*n)?;
                let partition = &topic.partitions[0];
                let node_id = partition.leader.unwrap_or(in_sync[0]);
                let change = PartitionChange {
                    topic_id: topic.id,
                    leader_epoch: partition.leader_epoch - i32::from(*stale),
                    ..self.change(partition, in_sync)
                };
                let broker_epoch = self.epoch_of(node_id);
                Command::AlterPartitions { node_id, broker_epoch, changes: vec![change] }
            }
            Step::Elect(kind, all) => {
                let first = self.topics().next().map(|topic| vec![(topic.id, 0)]);
                Command::ElectLeaders { kind: *kind, partitions: if *all { None } else { first } }
            }
            Step::Reassign(n, replicas) => {
                let (topic_id, replicas) = (topic(*n)?.id, replicas.clone());
                let partitions = vec![Reassignment { topic_id, partition: 0, replicas }];
                Command::ReassignPartitions { partitions, allow_replication_factor_change: true }
            }
            Step::AllowUnclean(n) => {
                let topic = topic(*n)?;
                let allowed = [("unclean.leader.election.enable".to_owned(), "true".to_owned())];
                Command::AlterConfigs {
                    resource: crate::cluster::ConfigResource::Topic(topic.id),
                    replaces: topic.configs.clone(),
                    configs: BTreeMap::from(allowed),
                }
            }
        })
    }
}

fn check(state: &ClusterState) {
    let unfenced = |node: &i32| state.brokers.get(node).is_some_and(|broker| !broker.fenced);
    for topic in state.topics() {
        for partition in &topic.partitions {
            let Partition { leader, replicas, in_sync_replicas: in_sync, .. } = partition;
            assert!(
                !in_sync.is_empty() && in_sync.iter().all(|node| replicas.contains(node)),
                "{partition:?}"
            );
            let (adding, removing) = (&partition.adding_replicas, &partition.removing_replicas);
            let under_way = || adding.iter().chain(removing);
            assert!(under_way().all(|node| replicas.contains(node)), "{partition:?}");
            assert!(!adding.iter().any(|node| removing.contains(node)), "{partition:?}");
            assert_eq!(replicas.iter().collect::<std::collections::BTreeSet<_>>().len(), replicas.len());
            assert!(in_sync.iter().all(unfenced) || in_sync.len() == 1, "{partition:?}");
            assert!(
                leader.is_none_or(|leader| in_sync.contains(&leader) && unfenced(&leader)),
                "{partition:?}"
            );
            assert!(leader.is_some() || !in_sync.iter().any(unfenced), "somebody could lead: {partition:?}");
        }
    }
}

/// Each change has its epoch: one that is not seen by its epoch is not seen at all.
fn check_epochs(before: &Partition, after: &Partition) {
    let sorted = |replicas: &[i32]| replicas.iter().copied().collect::<std::collections::BTreeSet<_>>();
    let replaced = sorted(&before.replicas) != sorted(&after.replicas);
    let led_anew = i32::from(after.leader != before.leader || replaced);
    let changed =
        i32::from(led_anew == 1 || sorted(&after.in_sync_replicas) != sorted(&before.in_sync_replicas));
    let grown = |before: i32, after: i32| after - before;
    assert_eq!(grown(before.leader_epoch, after.leader_epoch), led_anew, "{before:?} {after:?}");
    let by = grown(before.partition_epoch, after.partition_epoch);
    assert!(by == 1 || by == changed, "{before:?} {after:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_is_asked_for_leaders_are_in_sync_and_every_change_has_its_epoch(
        steps in prop::collection::vec(step(), 1..60)
    ) {
        let mut state = ClusterState::with_brokers(&[1, 2]);
        // In which leader epoch of a partition, and in which life, a node led.
        let mut led = BTreeMap::new();
        for step in steps {
            let Some(command) = state.command(&step) else { continue };
            let before = state.clone();
            if state.apply(&command).is_err() {
                prop_assert_eq!(&state, &before);
                continue;
            }
            prop_assert_eq!(state.version, before.version + 1);
            check(&state);
            for topic in state.topics() {
                let known = before.topic_by_id(&topic.id);
                for (index, after) in topic.indexed() {
                    if let Some(before) = known.and_then(|topic| topic.partition(index)) {
                        check_epochs(before, after);
                    }
                    if let Some(leader) = after.leader {
                        let by = (leader, state.epoch_of(leader));
                        let known = led.insert((topic.id, index, after.leader_epoch), by);
                        prop_assert!(known.is_none_or(|known| known == by), "{:?} and {:?} in one epoch", known, by);
                    }
                }
            }
            prop_assert_eq!(&ClusterState::read(&state.to_bytes()).unwrap(), &state);
            let command: Command = serde_json::from_str(&serde_json::to_string(&command).unwrap()).unwrap();
            let mut again = before;
            again.apply(&command).unwrap();
            prop_assert_eq!(&again, &state);
        }
    }
}
