//! The task that owns all groups: one mailbox, no lock, and no waiting but for the next message.
//!
//! What takes time comes back as a message. Records go to the [`Journal`] and the coordinator goes on with the next message; when they are durable,
//! [`Message::Appended`] says so, and only then does the answer leave. So a disk that is stuck holds up the requests that need it, and no
//! heartbeat of another group. A request is registered, handled and answered in one step of the one owner: nothing can come between.
//!
//! A group is served by the leader of its partition of `__consumer_offsets`: from when that partition is loaded until the leadership ends. What belongs to a
//! leadership has its leader epoch, so that what comes late from an earlier one is known for what it is.

mod handle;
mod leadership;
mod outside;
mod overview;
mod partitions;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use chronik_kafka::message::{DescribeGroupsResponse, ListGroupsResponse};
use chronik_kafka::{ErrorCode, Str};
use concurrency_models::mailbox::Receiver;
use concurrency_models::reply;

pub use handle::{Closed, Groups, channel};
pub use outside::{Clock, Ids, Journal};
pub use overview::{Overview, OverviewGroup};

use crate::config::GroupConfig;
use crate::records::OffsetValue;
use crate::state::{Action, Answer, AppendError, AppendId, Event, Group, Request, Token, TopicPartition};
use partitions::{Partitions, Place};

/// What the coordinator hears.
pub enum Message {
    /// Somebody asks.
    Ask {
        /// What.
        ask: Ask,
        /// Whom to tell.
        reply: reply::Reply<Reply>,
    },
    /// Somebody who asked something of this group does not wait any more.
    Abandoned(Str),
    /// Records of a group are durable, or are not.
    Appended {
        /// Which.
        ticket: Ticket,
        /// Whether.
        outcome: Result<(), AppendError>,
    },
    /// `__consumer_offsets` is there.
    Opened {
        /// How many partitions it has, now and for ever.
        partition_count: i32,
    },
    /// This node leads a partition from now on. [`Message::Loaded`] follows; until then clients of its groups try again.
    Leads {
        /// Its index.
        partition: i32,
        /// In which epoch.
        leader_epoch: i32,
    },
    /// What a partition has in it.
    Loaded {
        /// Its index.
        partition: i32,
        /// The epoch in which it was loaded: if it is not led in that epoch any more, this says nothing.
        leader_epoch: i32,
        /// Its groups.
        groups: Vec<Group>,
    },
    /// This node does not lead a partition any more.
    Resigned {
        /// Its index.
        partition: i32,
        /// The epoch that is over.
        leader_epoch: i32,
    },
    /// Topics are no more.
    TopicsDeleted(BTreeSet<Str>),
    /// The last: who waits is told to look for another coordinator.
    Close,
}

/// Names records that are on their way to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The group that they are of.
    pub group: Str,
    /// The leadership in which they are appended: in another one they must not be.
    pub leader_epoch: i32,
    /// Which of its appends.
    pub append: AppendId,
}

/// What is asked.
#[derive(Debug)]
pub enum Ask {
    /// Something of one group. The new member id in a [`Request::Join`] is filled in here.
    Group(Str, Request),
    /// Committed offsets: of these partitions, or all.
    Offsets(Str, Option<Vec<TopicPartition>>),
    /// DescribeGroups
    Describe(Vec<Str>),
    /// ListGroups: of these states and types, or all.
    List {
        /// Names of states, in any case; empty for all.
        states: Vec<Str>,
        /// Names of types, in any case; empty for all.
        types: Vec<Str>,
    },
    /// For metrics.
    Overview,
}

/// What it comes to.
#[derive(Debug)]
pub enum Reply {
    /// This coordinator has not (yet) what is asked about.
    NotNow(ErrorCode),
    /// What a group says.
    Group(Answer),
    /// Committed offsets; for partitions that were asked for, `None` where there is none.
    Offsets(Vec<(TopicPartition, Option<OffsetValue>)>),
    /// The groups described, in the order asked.
    Described(DescribeGroupsResponse),
    /// The groups there are.
    Listed(ListGroupsResponse),
    /// For metrics.
    Overview(Overview),
}

/// The task. It reaches journal, clock and ids through traits, so that it runs without a server too.
pub struct Coordinator<J, C, I> {
    messages: Receiver<Message>,
    journal: J,
    clock: C,
    ids: I,
    config: GroupConfig,
    partitions: Partitions,
    /// Every group that is not vacant. Only those of partitions that are led and loaded.
    groups: BTreeMap<Str, Entry>,
    /// Whom to answer. An entry is made before its request is handled, and taken out to answer.
    waiting: BTreeMap<Token, Waiter>,
    next_token: Token,
    /// When a group wants to be woken: one entry for each group that does, the same as in its [`Entry`].
    alarms: BTreeSet<(i64, Str)>,
    /// When to look for offsets that have expired.
    look_for_expired_at_ms: i64,
    /// Appends that the journal has taken and that have not come back.
    under_way: usize,
}

struct Entry {
    group: Group,
    /// Where it is kept, in the present leadership.
    place: Place,
    /// Its entry in `alarms`; `i64::MAX` for none.
    alarm_ms: i64,
}

/// Who waits for a group.
struct Waiter {
    /// The group's partition.
    partition: i32,
    reply: reply::Reply<Reply>,
}

/// What the loop goes on with.
#[expect(clippy::large_enum_variant, reason = "there is one of them, on the stack, for one turn of the loop")]
enum Next {
    Message(Message),
    Time,
    Closed,
}

impl<J: Journal, C: Clock, I: Ids> Coordinator<J, C, I> {
    /// A coordinator without partitions. It must be run.
    pub fn new(messages: Receiver<Message>, journal: J, clock: C, ids: I, config: GroupConfig) -> Self {
        let look_for_expired_at_ms = clock.now_ms() + config.retention_check_interval_ms;
        Self {
            messages,
            journal,
            clock,
            ids,
            config,
            partitions: Partitions::default(),
            groups: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next_token: 0,
            alarms: BTreeSet::new(),
            look_for_expired_at_ms,
            under_way: 0,
        }
    }

    /// Works until it is closed. `alive` is told when the loop begins to wait (`false`) and when it goes on (`true`).
    pub async fn run(mut self, alive: impl Fn(bool)) {
        loop {
            alive(false);
            let next = self.next().await;
            alive(true);
            match next {
                Next::Message(Message::Close) | Next::Closed => break,
                Next::Message(message) => self.handle(message),
                Next::Time => {}
            }
            self.run_alarms();
        }
        self.close();
    }

    /// The next message, or the time of the next alarm.
    async fn next(&mut self) -> Next {
        let first_alarm_ms = self.alarms.first().map_or(i64::MAX, |(at_ms, _)| *at_ms);
        let at_ms = first_alarm_ms.min(self.look_for_expired_at_ms);
        let mut time = pin!(self.clock.sleep_until(at_ms));
        let mut message = pin!(self.messages.recv());
        poll_fn(|context| {
            if let Poll::Ready(message) = message.as_mut().poll(context) {
                return Poll::Ready(message.map_or(Next::Closed, Next::Message));
            }
            time.as_mut().poll(context).map(|()| Next::Time)
        })
        .await
    }

    /// Takes one message in, wholly: when this returns, nothing of it is left to be done.
    fn handle(&mut self, message: Message) {
        match message {
            Message::Ask { ask, reply } => self.ask(ask, reply),
            Message::Abandoned(group) => self.abandoned(&group),
            Message::Appended { ticket, outcome } => self.appended(ticket, outcome),
            Message::Opened { partition_count } => self.partitions.open(partition_count),
            Message::Leads { partition, leader_epoch } => self.lead(Place { partition, leader_epoch }),
            Message::Loaded { partition, leader_epoch, groups } => {
                self.loaded(Place { partition, leader_epoch }, groups);
            }
            Message::Resigned { partition, leader_epoch } => self.resign(Place { partition, leader_epoch }),
            Message::TopicsDeleted(topics) => {
                self.for_each_group(|| Event::TopicsDeleted(topics.clone()));
            }
            Message::Close => {}
        }
    }

    fn ask(&mut self, ask: Ask, reply: reply::Reply<Reply>) {
        let answer = match ask {
            Ask::Group(group, request) => return self.ask_group(&group, request, reply),
            Ask::Offsets(group, asked) => self.offsets(&group, asked),
            Ask::Describe(groups) => Reply::Described(self.describe(groups)),
            Ask::List { states, types } => Reply::Listed(self.list(&states, &types)),
            Ask::Overview => Reply::Overview(self.overview()),
        };
        let _nobody_waits = reply.send(answer);
    }

    fn ask_group(&mut self, group: &Str, mut request: Request, reply: reply::Reply<Reply>) {
        let place = match self.partitions.serving(group) {
            Ok(place) => place,
            Err(code) => {
                let _nobody_waits = reply.send(Reply::NotNow(code));
                return;
            }
        };
        if let Request::Join(join) = &mut request {
            join.new_member_id =
                self.ids.member_id(join.group_instance_id.as_ref().unwrap_or(&join.client_id));
        }
        let token = self.next_token;
        self.next_token += 1;
        self.waiting.insert(token, Waiter { partition: place.partition, reply });
        self.event(group, Event::Request(token, request));
    }

    /// Records of an earlier leadership say nothing of the group as it is now: it was loaded from the log since, or is not here.
    fn appended(&mut self, ticket: Ticket, outcome: Result<(), AppendError>) {
        self.under_way = self.under_way.saturating_sub(1);
        let Ticket { group, leader_epoch, append } = ticket;
        if self.groups.get(&group).is_some_and(|entry| entry.place.leader_epoch == leader_epoch) {
            self.event(&group, Event::Appended { append, outcome });
        }
    }

    /// Has a group handle an event, and carries out what comes of it. A group that is not served here hears nothing.
    fn event(&mut self, id: &str, event: Event) {
        let now_ms = self.clock.now_ms();
        let mut entry = match (self.groups.remove_entry(id), self.partitions.serving(id)) {
            (Some((_, entry)), _) => entry,
            (None, Ok(place)) => {
                Entry { group: Group::new(Str::from(id), now_ms), place, alarm_ms: i64::MAX }
            }
            (None, Err(_)) => return,
        };
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in entry.group.handle(event, now_ms, &self.config) {
                events.extend(self.carry_out(&entry, action));
            }
        }
        self.keep(entry);
    }

    /// Returns what is known of an append at once: that it cannot be.
    fn carry_out(&mut self, entry: &Entry, action: Action) -> Option<Event> {
        match action {
            Action::Answer(token, answer) => {
                if let Some(waiter) = self.waiting.remove(&token) {
                    let _nobody_waits = waiter.reply.send(Reply::Group(answer));
                }
                None
            }
            Action::Append { append, records } => {
                let Place { partition, leader_epoch } = entry.place;
                let ticket = Ticket { group: entry.group.id().clone(), leader_epoch, append };
                match self.journal.append(partition, records, ticket) {
                    Ok(()) => {
                        self.under_way += 1;
                        None
                    }
                    Err(error) => Some(Event::Appended { append, outcome: Err(error) }),
                }
            }
        }
    }

    /// Puts a group back, unless it is vacant, and sets its alarm.
    fn keep(&mut self, mut entry: Entry) {
        let id = entry.group.id().clone();
        let vacant = entry.group.is_vacant();
        let alarm_ms = if vacant { i64::MAX } else { entry.group.wake_at_ms() };
        if alarm_ms != entry.alarm_ms {
            self.alarms.remove(&(entry.alarm_ms, id.clone()));
            if alarm_ms != i64::MAX {
                self.alarms.insert((alarm_ms, id.clone()));
            }
            entry.alarm_ms = alarm_ms;
        }
        if !vacant {
            self.groups.insert(id, entry);
        }
    }

    fn run_alarms(&mut self) {
        let now_ms = self.clock.now_ms();
        let due = self.alarms.iter().take_while(|(at_ms, _)| *at_ms <= now_ms).map(|(_, id)| id.clone());
        for id in due.collect::<Vec<_>>() {
            self.event(&id, Event::Tick);
        }
        if self.look_for_expired_at_ms <= now_ms {
            self.look_for_expired_at_ms = now_ms + self.config.retention_check_interval_ms;
            self.for_each_group(|| Event::ExpireOffsets);
        }
    }

    fn for_each_group(&mut self, event: impl Fn() -> Event) {
        for id in self.groups.keys().cloned().collect::<Vec<_>>() {
            self.event(&id, event());
        }
    }

    /// Looks who of the group's waiters is gone.
    fn abandoned(&mut self, id: &str) {
        let Some(entry) = self.groups.get(id) else { return };
        let unwanted =
            |token: &Token| self.waiting.get(token).is_some_and(|waiter| !waiter.reply.is_wanted());
        for token in entry.group.waiting().into_iter().filter(unwanted).collect::<Vec<_>>() {
            self.waiting.remove(&token);
            self.event(id, Event::Abandoned(token));
        }
    }

    /// Whoever waits is told that the coordinator is elsewhere, or will be.
    fn close(&mut self) {
        self.messages.close();
        while let Some(message) = self.messages.try_recv() {
            if let Message::Ask { reply, .. } = message {
                let _nobody_waits = reply.send(Reply::NotNow(ErrorCode::NOT_COORDINATOR));
            }
        }
        for waiter in std::mem::take(&mut self.waiting).into_values() {
            let _nobody_waits = waiter.reply.send(Reply::NotNow(ErrorCode::NOT_COORDINATOR));
        }
    }
}
