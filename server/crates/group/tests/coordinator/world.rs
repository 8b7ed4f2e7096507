//! What the coordinator runs in: everything happens when the test says so.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use chronik_group::coordinator::{Coordinator, Message, Overview, Ticket, channel};
use chronik_group::replay::Replay;
use chronik_group::state::{AppendError, Request};
use chronik_group::{Ask, Clock, GroupConfig, Groups, Ids, Journal, Record, Reply};
use chronik_kafka::Str;
use concurrency_models::reply::Answer;
use concurrency_models::sync::Mutex;

/// A request that waits.
pub(crate) struct Waits(Answer<Reply>, Option<Reply>);

#[derive(Default)]
struct Outside {
    now_ms: i64,
    members: usize,
    /// What the journal has taken.
    appends: Vec<(i32, Ticket, Vec<Record>)>,
    refuses: Option<AppendError>,
    /// What is durable, by partition.
    logs: BTreeMap<i32, Vec<Record>>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Outside>>);

impl Journal for Shared {
    fn append(&mut self, partition: i32, records: Vec<Record>, ticket: Ticket) -> Result<(), AppendError> {
        assert!(!records.is_empty());
        let mut outside = self.0.lock();
        if let Some(error) = outside.refuses {
            return Err(error);
        }
        outside.appends.push((partition, ticket, records));
        Ok(())
    }
}

impl Clock for Shared {
    fn now_ms(&self) -> i64 {
        self.0.lock().now_ms
    }

    fn sleep_until(&self, at_ms: i64) -> impl Future<Output = ()> + Send {
        let outside = self.0.clone();
        poll_fn(move |_| if outside.lock().now_ms >= at_ms { Poll::Ready(()) } else { Poll::Pending })
    }
}

impl Ids for Shared {
    fn member_id(&mut self, prefix: &str) -> Str {
        let mut outside = self.0.lock();
        outside.members += 1;
        format!("{prefix}-{}", outside.members).into()
    }
}

pub(crate) struct World {
    groups: Groups,
    outside: Shared,
    coordinator: std::cell::RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>,
}

impl World {
    pub(crate) fn new(config: GroupConfig) -> Self {
        let (groups, messages) = channel();
        let outside = Shared::default();
        let coordinator =
            Coordinator::new(messages, outside.clone(), outside.clone(), outside.clone(), config);
        let coordinator = Box::pin(coordinator.run(|_alive| {}));
        Self { groups, outside, coordinator: std::cell::RefCell::new(Some(coordinator)) }
    }

    /// The coordinator works until it waits.
    fn turn(&self) {
        let mut coordinator = self.coordinator.borrow_mut();
        if let Some(running) = coordinator.as_mut()
            && at_once(running.as_mut()).is_some()
        {
            *coordinator = None;
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.coordinator.borrow().is_none()
    }

    pub(crate) fn tell(&self, message: Message) {
        at_once(pin!(self.groups.tell(message))).expect("there is room").expect("it is open");
        self.turn();
    }

    pub(crate) fn ask(&mut self, group: &str, request: Request) -> Waits {
        self.begin(Ask::Group(group.into(), request))
    }

    fn begin(&mut self, ask: Ask) -> Waits {
        let answer = at_once(pin!(self.groups.begin(ask))).expect("there is room").expect("it is open");
        self.turn();
        Waits(answer, None)
    }

    /// The reply, if there is one now.
    pub(crate) fn reply(&mut self, mut waits: Waits) -> Option<Reply> {
        waits.1.take().or_else(|| at_once(pin!(waits.0.wait())).map(|reply| reply.expect("answered")))
    }

    /// Whether there is a reply now.
    pub(crate) fn is_answered(&self, waits: &mut Waits) -> bool {
        if waits.1.is_none() {
            waits.1 = at_once(pin!(waits.0.wait())).map(|reply| reply.expect("answered"));
        }
        waits.1.is_some()
    }

    pub(crate) fn ask_now(&mut self, group: &str, request: Request) -> Option<Reply> {
        let waits = self.ask(group, request);
        self.reply(waits)
    }

    pub(crate) fn ask_any(&mut self, ask: Ask) -> Option<Reply> {
        let waits = self.begin(ask);
        self.reply(waits)
    }

    pub(crate) fn ask_offsets(&mut self, group: &str) -> Option<Reply> {
        self.ask_any(Ask::Offsets(group.into(), None))
    }

    pub(crate) fn overview(&mut self) -> Overview {
        match self.ask_any(Ask::Overview) {
            Some(Reply::Overview(overview)) => overview,
            other => panic!("no overview: {other:?}"),
        }
    }

    /// `__consumer_offsets` has so many partitions, and this node leads all of them from now on.
    pub(crate) fn lead_all(&self, partition_count: i32) {
        self.tell(Message::Opened { partition_count });
        for partition in 0..partition_count {
            self.tell(Message::Leads { partition, leader_epoch: 0 });
            self.load(partition, 0);
        }
    }

    /// What is durable in a partition is loaded.
    pub(crate) fn load(&self, partition: i32, leader_epoch: i32) {
        let (mut replay, now_ms) = (Replay::default(), self.outside.now_ms());
        for Record { key, value } in self.outside.0.lock().logs.entry(partition).or_default() {
            replay.record(key, value.as_ref()).expect("a record of ours");
        }
        self.tell(Message::Loaded { partition, leader_epoch, groups: replay.finish(now_ms) });
    }

    /// Everything that the journal has taken comes to this.
    pub(crate) fn journal(&mut self, outcome: Result<(), AppendError>) {
        while self.journal_one(outcome).is_some() {}
    }

    /// The first that the journal has taken comes to this.
    pub(crate) fn journal_one(&mut self, outcome: Result<(), AppendError>) -> Option<Ticket> {
        let ticket = {
            let mut outside = self.outside.0.lock();
            let (partition, ticket, records) =
                (!outside.appends.is_empty()).then(|| outside.appends.remove(0))?;
            if outcome.is_ok() {
                outside.logs.entry(partition).or_default().extend(records);
            }
            ticket
        };
        self.tell(Message::Appended { ticket: ticket.clone(), outcome });
        Some(ticket)
    }

    pub(crate) fn journaled(&self) -> Vec<(i32, Ticket)> {
        let outside = self.outside.0.lock();
        outside.appends.iter().map(|(partition, ticket, _)| (*partition, ticket.clone())).collect()
    }

    /// From now on the journal takes nothing.
    pub(crate) fn refuse(&self, error: Option<AppendError>) {
        self.outside.0.lock().refuses = error;
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.outside.0.lock().now_ms += ms;
        self.turn();
    }
}

/// The result, if nothing needs to be waited for.
fn at_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
