//! What a leader remembers of its stream to one follower since that began: how much is under way, and whose turn it is.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chronik_log::PartitionId;
use concurrency_models::epoch::Leadership;
use concurrency_models::registry::Lease;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::feed::{Feed, Turn};
use super::message::{Position, Records, cost};
use super::quota::{Limit, Quota};
use crate::limits;
use crate::spawn::Spawner;
use crate::storage::{Partition, Storage};

/// What was agreed on with the follower since it began.
pub(super) struct Session {
    pub(super) number: u64,
    /// The follower's.
    pub(super) broker_epoch: i64,
    window: u64,
    /// Cost of all that was sent.
    pub(super) sent: u64,
    /// Cost of what the follower has dealt with.
    pub(super) consumed: u64,
    pub(super) feeds: BTreeMap<PartitionId, Feed>,
    /// Feeds that may have something to send, in the order in which it is their turn.
    ready: VecDeque<Turn>,
    /// Feeds whose logs could not be read: they are read again at the next look.
    unreadable: Vec<Turn>,
    held: Held,
    /// Partitions that were asked for before this node leads them: the last ask, and its number.
    early: BTreeMap<PartitionId, (u64, Position)>,
    /// These, and the other feeds, waiting for news.
    idle: FuturesUnordered<BoxFuture<'static, News>>,
}

/// What was waited for.
pub(super) enum News {
    /// A feed may have something to send.
    More(Turn),
    /// A partition that was asked for early has another leader than before: maybe this node.
    Led(PartitionId),
}

/// Feeds of replicas that are not in sync, and must not be sent to now. The others overtake them.
#[derive(Default)]
struct Held {
    turns: Vec<Turn>,
    /// Since when there is one; `None` if there is none.
    since: Option<Duration>,
    /// When the first of them may be sent to.
    until: Duration,
}

/// What the pieces of a session are made from.
pub(super) struct Means<'a> {
    pub(super) storage: &'a Storage,
    pub(super) spawner: &'a Spawner,
    pub(super) quota: &'a mut Quota,
    pub(super) now: Duration,
}

/// A piece to be sent.
pub(super) struct Piece {
    pub(super) records: Records,
    /// Whether there is a rate for it.
    pub(super) is_throttled: bool,
}

impl Held {
    fn hold(&mut self, turn: Turn, until: Duration, now: Duration) {
        self.until = if self.since.is_none() { until } else { self.until.min(until) };
        self.since.get_or_insert(now);
        self.turns.push(turn);
    }
}

impl Session {
    pub(super) fn new(number: u64, broker_epoch: i64, window: u64) -> Self {
        Self {
            number,
            broker_epoch,
            window,
            sent: 0,
            consumed: 0,
            feeds: BTreeMap::new(),
            ready: VecDeque::new(),
            unreadable: Vec::new(),
            held: Held::default(),
            early: BTreeMap::new(),
            idle: FuturesUnordered::new(),
        }
    }

    /// Whether something more may be sent. One piece may always be under way, however large it is.
    fn has_room(&self) -> bool {
        self.sent == self.consumed || self.sent - self.consumed < self.window
    }

    /// A follower has heard before this node that this node leads: its ask waits for that. `now` is who leads so far.
    pub(super) fn wait_to_lead(
        &mut self,
        ask: u64,
        position: Position,
        partition: Lease<Partition>,
        now: Leadership,
    ) {
        let id = position.id;
        if self.early.insert(id, (ask, position)).is_none() {
            self.idle.push(Box::pin(async move {
                let _who = partition.isr().leadership_after(now).await; // or the partition is closed
                News::Led(id)
            }));
        }
    }

    /// The ask that has waited, if no other one has come in its place.
    pub(super) fn take_early(&mut self, id: &PartitionId) -> Option<(u64, Position)> {
        self.early.remove(id)
    }

    pub(super) fn begin(&mut self, ask: u64, position: &Position) {
        self.early.remove(&position.id);
        self.feeds.insert(position.id, Feed::new(position, ask));
        self.ready.push_back(Turn { id: position.id, ask });
    }

    /// A feed knows all; it waits for news.
    fn rest(&mut self, id: PartitionId, storage: &Storage) {
        match self.feeds.get(&id).and_then(|feed| feed.news(id, storage)) {
            Some(news) => self.idle.push(Box::pin(news.map(News::More))),
            None => drop(self.feeds.remove(&id)),
        }
    }

    pub(super) fn wake(&mut self, turn: Turn) {
        self.ready.push_back(turn);
    }

    /// Those that could not be read are tried again, and those that are held are looked at again: the metadata may say something else.
    pub(super) fn look(&mut self) {
        self.ready.extend(self.unreadable.drain(..));
        self.held.until = Duration::ZERO;
    }

    /// When those that are held are to be released: when the first of them may be sent to.
    pub(super) fn held_until(&self) -> Option<Duration> {
        self.held.since.map(|_| self.held.until)
    }

    /// Those that were held have their turn. Returns for how long there were some.
    pub(super) fn release(&mut self, now: Duration) -> Duration {
        let Held { turns, since, .. } = std::mem::take(&mut self.held);
        self.ready.extend(turns);
        since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// The next piece to send, if there is one and there is room for it.
    ///
    /// What is held is the traffic of who has not got all that is committed. Nobody's acknowledgement waits for it: whoever is in sync, or is about to be, has got
    /// that, and as long as he has not said so about more, no more is committed. So what is held need not be looked at when somebody comes in sync.
    pub(super) async fn next_piece(&mut self, means: Means<'_>) -> Option<Piece> {
        let Means { storage, spawner, quota, now } = means;
        while self.has_room()
            && let Some(turn) = self.ready.pop_front()
        {
            let Turn { id, ask } = turn;
            let Some(feed) = self.feeds.get_mut(&id).filter(|feed| feed.ask == ask) else { continue };
            let led = storage
                .partition(&id)
                .filter(|partition| partition.isr().leadership() == Leadership::leader(feed.leader_epoch));
            let Some(partition) = led else {
                self.feeds.remove(&id);
                continue;
            };
            let is_behind = feed.is_behind(partition.high_watermark());
            let limit = is_behind.then(|| quota.limit(&id, now)).flatten();
            if let Some(Limit { wait, .. }) = limit
                && !wait.is_zero()
            {
                self.held.hold(turn, now.saturating_add(wait), now);
                let Some(records) = feed.greeting(self.number, id, &partition) else { continue };
                self.sent += cost(&records);
                return Some(Piece { records, is_throttled: false });
            }
            let max_bytes = limit.map_or(limits::STREAM_RECORDS_BYTES, |limit| limit.piece_bytes);
            match feed.next_piece(self.number, id, &partition, (spawner, max_bytes)).await {
                Ok(Some(records)) => {
                    if limit.is_some() {
                        quota.spend(&id, records.batches.len(), now);
                    }
                    self.ready.push_back(turn);
                    self.sent += cost(&records);
                    return Some(Piece { records, is_throttled: limit.is_some() });
                }
                Ok(None) => {
                    drop(partition);
                    self.rest(id, storage);
                }
                Err(error) => {
                    tracing::warn!(partition = %id, %error, "a log cannot be sent to a follower from where it is; it is tried again");
                    self.unreadable.push(turn);
                }
            }
        }
        None
    }

    /// What comes next of what was waited for.
    pub(super) async fn next_news(&mut self) -> Option<News> {
        self.idle.next().await
    }
}
