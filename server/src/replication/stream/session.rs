//! What a leader remembers of its stream to one follower since that began: how much is under way, and whose turn it is.

use std::collections::{BTreeMap, VecDeque};

use chronik_log::PartitionId;
use concurrency_models::epoch::Leadership;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::feed::{Feed, News};
use super::message::{Position, Records, cost};
use crate::spawn::Spawner;
use crate::storage::Storage;

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
    pub(super) ready: VecDeque<PartitionId>,
    /// Feeds whose logs could not be read: they are read again at the next look.
    pub(super) unreadable: Vec<PartitionId>,
    /// The other feeds, waiting for news.
    idle: FuturesUnordered<BoxFuture<'static, News>>,
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
            idle: FuturesUnordered::new(),
        }
    }

    /// Whether something more may be sent. One piece may always be under way, however large it is.
    fn has_room(&self) -> bool {
        self.sent == self.consumed || self.sent - self.consumed < self.window
    }

    pub(super) fn begin(&mut self, ask: u64, position: &Position) {
        self.feeds.insert(position.id, Feed::new(position, ask));
        self.ready.push_back(position.id);
    }

    /// A feed knows all; it waits for news.
    fn rest(&mut self, id: PartitionId, storage: &Storage) {
        match self.feeds.get(&id).and_then(|feed| feed.news(id, storage)) {
            Some(news) => self.idle.push(news),
            None => drop(self.feeds.remove(&id)),
        }
    }

    pub(super) fn wake(&mut self, News { id, ask }: News) {
        if self.feeds.get(&id).is_some_and(|feed| feed.ask == ask) {
            self.ready.push_back(id);
        }
    }

    /// The next piece to send, if there is one and there is room for it.
    pub(super) async fn next_piece(&mut self, storage: &Storage, spawner: &Spawner) -> Option<Records> {
        while self.has_room()
            && let Some(id) = self.ready.pop_front()
        {
            let Some(feed) = self.feeds.get_mut(&id) else { continue };
            let led = storage
                .partition(&id)
                .filter(|partition| partition.isr().leadership() == Leadership::leader(feed.leader_epoch));
            let Some(partition) = led else {
                self.feeds.remove(&id);
                continue;
            };
            match feed.next_piece(self.number, id, &partition, spawner).await {
                Ok(Some(records)) => {
                    self.ready.push_back(id);
                    self.sent += cost(&records);
                    return Some(records);
                }
                Ok(None) => {
                    drop(partition);
                    self.rest(id, storage);
                }
                Err(error) => {
                    tracing::warn!(partition = %id, %error, "a log cannot be sent to a follower from where it is; it is tried again");
                    self.unreadable.push(id);
                }
            }
        }
        None
    }

    /// What a feed that knew all has to hear of next.
    pub(super) async fn next_news(&mut self) -> Option<News> {
        self.idle.next().await
    }
}
