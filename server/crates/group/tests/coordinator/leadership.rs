//! Partitions come and go: a group is served by the leader of its partition, and by nobody else.

use std::collections::BTreeMap;

use chronik_group::coordinator::Message;
use chronik_group::partitioner::partition_of;
use chronik_group::state::{Answer, AppendError};
use chronik_group::{Ask, GroupConfig, Reply};
use chronik_kafka::ErrorCode;
use proptest::prelude::*;

use super::world::{Waits, World};
use super::{code, commit, heartbeat, join, joined, stable, sync, world};

/// The partition of "hello", of 50.
const HELLO: i32 = 22;

fn resign(world: &World, leader_epoch: i32) {
    world.tell(Message::Resigned { partition: HELLO, leader_epoch });
}

fn lead(world: &World, leader_epoch: i32) {
    world.tell(Message::Leads { partition: HELLO, leader_epoch });
}

fn offset(world: &mut World, group: &str) -> Option<i64> {
    match world.ask_offsets(group) {
        Some(Reply::Offsets(offsets)) => Some(
            offsets
                .first()
                .map_or(-1, |(_, value)| value.as_ref().expect("only those that there are").offset),
        ),
        Some(Reply::NotNow(_)) => None,
        other => panic!("no answer: {other:?}"),
    }
}

#[test]
fn who_waits_when_a_leadership_ends_is_sent_to_look_for_the_coordinator() {
    let mut world = world();
    let (first, generation) = stable(&mut world, "hello");
    let mut neighbours = (0..).map(|n| format!("group-{n}")).filter(|group| partition_of(group, 50) == HELLO);
    let mut neighbour = || neighbours.next().expect("there are many");
    let [managed, simple] = [neighbour(), neighbour()];
    let (member, its_generation) = joined(world.ask_now(&managed, join("")));
    let syncing = world.ask(&managed, sync(&member, its_generation)); // its assignment is on its way to the log
    let joining = world.ask("hello", join(""));
    let committing = world.ask(&simple, commit(5));
    let mut elsewhere = world.ask("other", commit(5));
    resign(&world, 0);
    for waits in [syncing, joining, committing] {
        assert_eq!(code(world.reply(waits)), ErrorCode::NOT_COORDINATOR);
    }
    assert!(!world.is_answered(&mut elsewhere), "its partition is still led");
    for request in [join(""), commit(6), heartbeat(&first, generation), sync(&first, generation)] {
        assert_eq!(code(world.ask_now("hello", request)), ErrorCode::NOT_COORDINATOR);
    }
    assert_eq!(code(world.ask_offsets("hello")), ErrorCode::NOT_COORDINATOR);
    world.journal(Ok(()));
    assert_eq!(code(world.reply(elsewhere)), ErrorCode::NONE);
}

#[test]
fn nothing_is_left_of_groups_that_are_somebody_elses() {
    let mut world = world();
    stable(&mut world, "hello");
    stable(&mut world, "other");
    resign(&world, 0);
    world.pass(60_000); // no alarm, no session that ends
    let listed = world.ask_any(Ask::List { states: vec![], types: vec![] });
    let Some(Reply::Listed(response)) = listed else { panic!("no answer") };
    let names: Vec<&str> = response.groups.iter().map(|group| group.group_id.as_str()).collect();
    assert_eq!((response.error_code, names), (ErrorCode::NONE, vec!["other"]));
    let described = world.ask_any(Ask::Describe(vec!["hello".into()]));
    let Some(Reply::Described(response)) = described else { panic!("no answer") };
    assert_eq!(response.groups[0].error_code, ErrorCode::NOT_COORDINATOR);
    assert!(world.journaled().iter().all(|(partition, _)| *partition != HELLO), "nothing is written for it");
}

/// Both appends are number 0 of their group: only the epoch tells them apart.
#[test]
fn an_append_of_an_earlier_leadership_completes_nothing() {
    let mut world = world();
    let _gone = world.ask("hello", commit(5));
    resign(&world, 0);
    lead(&world, 2);
    world.load(HELLO, 2);
    let mut waits = world.ask("hello", commit(6));
    assert_eq!(world.journal_one(Ok(())).map(|ticket| ticket.leader_epoch), Some(0));
    assert!(!world.is_answered(&mut waits));
    assert_eq!(offset(&mut world, "hello"), Some(-1), "what is in the log was not there when it was loaded");
    assert_eq!(world.journal_one(Err(AppendError::Unwritable)).map(|ticket| ticket.leader_epoch), Some(2));
    assert_eq!(code(world.reply(waits)), ErrorCode::NOT_COORDINATOR);
}

#[test]
fn what_was_loaded_for_an_earlier_leadership_is_not_served() {
    let mut world = world();
    world.ask("hello", commit(5));
    world.journal(Ok(()));
    resign(&world, 0);
    lead(&world, 2);
    resign(&world, 2);
    world.load(HELLO, 2);
    assert_eq!(code(world.ask_offsets("hello")), ErrorCode::NOT_COORDINATOR);
    lead(&world, 4);
    world.load(HELLO, 2);
    assert_eq!(code(world.ask_offsets("hello")), ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    world.load(HELLO, 4);
    resign(&world, 3); // late
    assert_eq!(offset(&mut world, "hello"), Some(5));
}

#[test]
fn a_leadership_that_follows_upon_another_loads_anew() {
    let mut world = world();
    world.ask("hello", commit(5));
    world.journal(Ok(()));
    let waits = world.ask("hello", commit(6));
    lead(&world, 1);
    assert_eq!(code(world.reply(waits)), ErrorCode::NOT_COORDINATOR);
    assert_eq!(code(world.ask_offsets("hello")), ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
    world.load(HELLO, 1);
    assert_eq!(offset(&mut world, "hello"), Some(5));
    lead(&world, 1);
    assert_eq!(offset(&mut world, "hello"), Some(5), "it leads already");
}

/// Members move with their group: nobody joins again, and a whole session is theirs.
#[test]
fn a_group_goes_on_under_its_next_coordinator() {
    let mut world = world();
    let (member, generation) = stable(&mut world, "hello");
    resign(&world, 0);
    world.pass(9_000); // of a session of 10 000
    lead(&world, 1);
    world.load(HELLO, 1);
    world.pass(9_000);
    assert_eq!(code(world.ask_now("hello", heartbeat(&member, generation))), ErrorCode::NONE);
    world.pass(10_001);
    assert_eq!(code(world.ask_now("hello", heartbeat(&member, generation))), ErrorCode::UNKNOWN_MEMBER_ID);
}

/// What happens to one partition of three and to groups in all of them.
#[derive(Clone, Debug)]
enum Step {
    Lead(i32),
    Load(i32),
    Resign(i32),
    Commit(usize),
    Join(usize),
    Appended(bool),
    Pass,
}

const PARTITIONS: i32 = 3;
const GROUPS: [&str; 5] = ["a", "b", "c", "d", "hello"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..PARTITIONS).prop_map(Step::Lead),
        2 => (0..PARTITIONS).prop_map(Step::Load),
        1 => (0..PARTITIONS).prop_map(Step::Resign),
        4 => (0..GROUPS.len()).prop_map(Step::Commit),
        2 => (0..GROUPS.len()).prop_map(Step::Join),
        3 => proptest::bool::weighted(0.8).prop_map(Step::Appended),
        1 => Just(Step::Pass),
    ]
}

/// What is known outside of the coordinator.
struct Model {
    world: World,
    /// The epoch of each leadership, and whether it is loaded.
    led: BTreeMap<i32, (i32, bool)>,
    next_epoch: i32,
    next_offset: i64,
    /// Commits that wait: the group's number, the offset, and the answer.
    commits: Vec<(usize, i64, Waits)>,
    joins: Vec<(usize, Waits)>,
    acknowledged: BTreeMap<usize, i64>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Lead(partition) => {
                self.led.insert(partition, (self.next_epoch, false));
                self.world.tell(Message::Leads { partition, leader_epoch: self.next_epoch });
                self.next_epoch += 1;
            }
            Step::Load(partition) => {
                // Whatever an earlier leadership had under way is in the log or never will be.
                while self.world.journaled().iter().any(|(of, _)| *of == partition) {
                    self.world.journal_one(Ok(()));
                }
                if let Some((epoch, loaded)) = self.led.get_mut(&partition) {
                    *loaded = true;
                    self.world.load(partition, *epoch);
                }
            }
            Step::Resign(partition) => {
                if let Some((leader_epoch, _)) = self.led.remove(&partition) {
                    self.world.tell(Message::Resigned { partition, leader_epoch });
                }
            }
            Step::Commit(group) => {
                let waits = self.world.ask(GROUPS[group], commit(self.next_offset));
                self.commits.push((group, self.next_offset, waits));
                self.next_offset += 1;
            }
            Step::Join(group) => {
                let waits = self.world.ask(GROUPS[group], join(""));
                self.joins.push((group, waits));
            }
            Step::Appended(well) => {
                self.world.journal_one(if well { Ok(()) } else { Err(AppendError::Unwritable) });
            }
            Step::Pass => self.world.pass(1_000),
        }
        self.settle();
        self.check();
    }

    fn is_served(&self, group: usize) -> bool {
        matches!(self.led.get(&partition_of(GROUPS[group], PARTITIONS)), Some((_, true)))
    }

    /// Takes the answers that have come. Nobody waits for a group that is not served here.
    fn settle(&mut self) {
        for (group, offset, mut waits) in std::mem::take(&mut self.commits) {
            if !self.world.is_answered(&mut waits) {
                assert!(self.is_served(group), "a commit waits for nothing");
                self.commits.push((group, offset, waits));
            } else if let Some(Reply::Group(Answer::Each(codes))) = self.world.reply(waits)
                && codes == [ErrorCode::NONE]
            {
                self.acknowledged.insert(group, offset);
            }
        }
        for (group, mut waits) in std::mem::take(&mut self.joins) {
            if !self.world.is_answered(&mut waits) {
                assert!(self.is_served(group), "a join waits for nothing");
                self.joins.push((group, waits));
            }
        }
    }

    fn check(&mut self) {
        for (group, name) in GROUPS.iter().enumerate() {
            let found = offset(&mut self.world, name);
            assert_eq!(found.is_some(), self.is_served(group), "{name}");
            let acknowledged = self.acknowledged.get(&group).copied().unwrap_or(-1);
            assert!(found.is_none_or(|found| found >= acknowledged), "{name}: {found:?} < {acknowledged}");
        }
        for group in self.world.overview().groups {
            assert!(
                matches!(self.led.get(&partition_of(&group.id, PARTITIONS)), Some((_, true))),
                "{}",
                group.id
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// However leaderships come and go: everyone is answered who cannot be served any more, nothing is served that is not led and loaded, and no
    /// offset that was acknowledged goes back.
    #[test]
    fn leaderships_come_and_go(steps in proptest::collection::vec(step(), 1..80)) {
        let world = World::new(GroupConfig { initial_rebalance_delay_ms: 0, ..GroupConfig::default() });
        world.tell(Message::Opened { partition_count: PARTITIONS });
        let mut model = Model {
            world,
            led: BTreeMap::new(),
            next_epoch: 0,
            next_offset: 0,
            commits: Vec::new(),
            joins: Vec::new(),
            acknowledged: BTreeMap::new(),
        };
        for step in &steps {
            model.take(step);
        }
    }
}
