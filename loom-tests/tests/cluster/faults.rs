//! What happens to the group: first anything, then nothing bad any more.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use concurrency_models::raft_loop::{Event, MemoryStore, Outcome, Proposed};
use loom_tests::run::{block_on, pass, poll_once, yield_now};
use raft::eraftpb::ConfChangeType::{AddLearnerNode, AddNode, RemoveNode};
use raft::eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2, Message};

use crate::group::{self, Alive, MEMBERS, empty_disk, entries};
use crate::history::{Seen, logs_match};
use crate::machine::{Election, Log};
use crate::network::Network;
use crate::seed::Random;

/// Things that happen while there are faults.
const EVENTS: usize = 600;
/// Ticks in which a group without faults must have done its work.
const PATIENCE_TICKS: u32 = 2_000;
/// By which each of them is longer than the one before it, where time is real.
const TICK_GROWTH: Duration = Duration::from_micros(1);
const PARTITIONS: usize = 3;

enum Member {
    Up(Alive),
    /// With what its disk has.
    Down(MemoryStore),
}

/// A proposal of which nothing is known yet.
struct Open {
    data: Vec<u8>,
    waiting: Proposed<bool>,
}

pub(crate) struct Story {
    random: Random,
    network: Network,
    members: Vec<Member>,
    open: Vec<Open>,
    serial: u8,
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let members = (0..MEMBERS).map(|_| Member::Down(empty_disk())).collect();
        let mut story = Self {
            random: Random::new(seed),
            network: Network::default(),
            members,
            open: Vec::new(),
            serial: 0,
        };
        (0..MEMBERS).for_each(|at| story.start(at));
        story
    }

    /// Ticks, messages that come late, twice or never, proposals, changes of membership, power cuts.
    pub(crate) fn faults(&mut self) {
        for _ in 0..EVENTS {
            let at = self.random.below(MEMBERS);
            match self.random.below(32) {
                0..9 => self.tick(at),
                9..23 => self.deliver(),
                23..25 => self.lose(),
                25..29 => self.propose(at),
                29 => self.change_membership(at),
                30 => self.power_cut(at),
                _ => self.start(at),
            }
            self.look_at_answers();
        }
    }

    /// Everybody is up, everything arrives: a leader emerges, all members vote again, and a proposal commits and gets everywhere.
    ///
    /// Each tick is longer than the one before it: however busy the machine is, messages and syncs come to be quicker than an election timeout, which
    /// is what Raft needs to get on (section 5.6).
    pub(crate) fn recovery(&mut self) {
        (0..MEMBERS).for_each(|at| self.start(at));
        let mut change = None;
        let mut last = None;
        for tick in 0..PATIENCE_TICKS {
            for at in 0..MEMBERS {
                self.tick(at);
                while let Some(message) = self.network.take(|_| 0) {
                    self.arrive(message);
                }
                pass(tick * TICK_GROWTH);
            }
            self.look_at_answers();
            if !committed(&mut change) {
                change = self.nodes().find_map(|node| node.propose_conf_change(single(AddNode, 3)).ok());
            } else if !committed(&mut last) {
                let data = self.election().encode();
                last = self.nodes().find_map(|node| node.propose(data.clone()).ok());
            } else if self.all_are_level() {
                return;
            }
        }
        panic!("without faults, the group does not get on");
    }

    /// Shutdown: everybody who waits learns something, and no log contradicts another. Returns what has happened with snapshots.
    pub(crate) fn end(mut self) -> Seen {
        let logs: Vec<_> = self.running().map(|member| member.image.load()).collect();
        for log in logs {
            self.network.history.lock().holds(&log);
        }
        let members = std::mem::take(&mut self.members);
        let disks: Vec<_> = members.into_iter().map(|member| entries(&down(member, Alive::stop))).collect();
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            logs_match(&disks[one], &disks[other]);
        }
        for mut open in self.open {
            assert!(block_on(open.waiting.outcome()).is_ok(), "nobody is left waiting");
        }
        self.network.history.lock().seen
    }

    fn running(&self) -> impl Iterator<Item = &Alive> {
        self.members
            .iter()
            .filter_map(|member| if let Member::Up(running) = member { Some(running) } else { None })
    }

    fn nodes(&self) -> impl Iterator<Item = &concurrency_models::raft_loop::Node<MemoryStore, bool>> {
        self.running().map(|member| &member.node)
    }

    fn on(&self, at: usize, event: Event) {
        if let Member::Up(running) = &self.members[at] {
            running.on(event);
        }
    }

    fn tick(&self, at: usize) {
        self.on(at, Event::Tick);
    }

    fn arrive(&self, message: Message) {
        self.on(place(message.to), Event::Message(Box::new(message)));
    }

    /// Some message arrives; sometimes it will arrive again.
    fn deliver(&mut self) {
        let Some(message) = self.network.take(|count| self.random.below(count)) else { return yield_now() };
        if self.random.below(8) == 0 {
            self.network.put_back(message.clone());
        }
        self.arrive(message);
    }

    /// Some message is lost; sometimes its sender hears that the connection broke.
    fn lose(&mut self) {
        let Some(message) = self.network.take(|count| self.random.below(count)) else { return yield_now() };
        if self.random.below(2) == 0 {
            self.on(place(message.from), Event::Unreachable(message.to));
        }
    }

    /// Some partition gets another leader, if this member leads the group.
    fn propose(&mut self, at: usize) {
        let data = self.election().encode();
        if let Member::Up(running) = &self.members[at]
            && let Ok(waiting) = running.node.propose(data.clone())
        {
            self.open.push(Open { data, waiting });
        }
    }

    fn election(&mut self) -> Election {
        self.serial += 1;
        Election {
            partition: u8::try_from(self.random.below(PARTITIONS)).expect("few"),
            epoch: u8::try_from(self.random.below(4)).expect("few"),
            leader: u8::try_from(self.random.below(MEMBERS)).expect("few"),
            serial: self.serial,
        }
    }

    /// Member 3 goes, learns, votes, or changes places with member 2 in one joint step.
    fn change_membership(&mut self, at: usize) {
        let change = match self.random.below(4) {
            0 => single(RemoveNode, 3),
            1 => single(AddLearnerNode, 3),
            2 => single(AddNode, 3),
            _ => changes(&[(AddLearnerNode, 3), (AddNode, 2)]),
        };
        if let Member::Up(running) = &self.members[at] {
            let _nobody_waits = running.node.propose_conf_change(change);
        }
    }

    fn power_cut(&mut self, at: usize) {
        let member = std::mem::replace(&mut self.members[at], Member::Down(empty_disk()));
        self.members[at] = Member::Down(down(member, Alive::power_cut));
    }

    fn start(&mut self, at: usize) {
        if let Member::Down(disk) = &self.members[at] {
            let seed = self.random.below(usize::MAX) as u64;
            let running = group::start(at as u64 + 1, disk.clone(), &self.network, seed);
            self.members[at] = Member::Up(running);
        }
    }

    /// Keeps what was acknowledged, and forgets what is decided.
    fn look_at_answers(&mut self) {
        let history = &self.network.history;
        self.open.retain_mut(|open| match poll_once(pin!(open.waiting.outcome())) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                if let Outcome::Applied { index, .. } = outcome.expect("a loop that lives answers") {
                    history.lock().acknowledged(index, open.data.clone());
                }
                false
            }
        });
    }

    /// Whether readers of every member see the election that was proposed last.
    fn all_are_level(&self) -> bool {
        let last =
            |log: &Log| log.last().is_some_and(|(_, data)| Election::decode(data).serial == self.serial);
        self.running().all(|member| last(&member.image.load()))
    }
}

/// Whether it was proposed and is committed; forgets it if it never will be.
fn committed(proposed: &mut Option<Proposed<bool>>) -> bool {
    let Some(waiting) = proposed else { return false };
    let outcome = poll_once(pin!(waiting.outcome()));
    match outcome {
        Poll::Pending => false,
        Poll::Ready(Ok(Outcome::Applied { .. }) | Err(_)) => true, // an error: it has been taken before
        Poll::Ready(Ok(_)) => {
            *proposed = None;
            false
        }
    }
}

fn down(member: Member, stop: impl FnOnce(Alive) -> MemoryStore) -> MemoryStore {
    match member {
        Member::Up(running) => stop(running),
        Member::Down(disk) => disk,
    }
}

fn place(id: u64) -> usize {
    usize::try_from(id - 1).expect("few members")
}

fn single(kind: ConfChangeType, node_id: u64) -> ConfChangeV2 {
    changes(&[(kind, node_id)])
}

fn changes(changes: &[(ConfChangeType, u64)]) -> ConfChangeV2 {
    let singles = changes.iter().map(|&(kind, node_id)| {
        let mut single = ConfChangeSingle::default();
        single.set_change_type(kind);
        single.node_id = node_id;
        single
    });
    let mut change = ConfChangeV2::default();
    change.set_changes(singles.collect::<Vec<_>>().into());
    change
}
