//! What goes in and out of each topic. It is counted by the topic's id, a key that takes no memory of its own; an id is forgotten when its topic
//! is deleted, so that there are as many as there are topics.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use uuid::Uuid;

/// The counters of one topic.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Bytes of record batches appended.
    pub bytes_in: Counter,
    /// Bytes of record batches sent to consumers.
    pub bytes_out: Counter,
    /// Records appended.
    pub records_in: Counter,
    /// Partitions in produce requests.
    pub produces: Counter,
    /// Of these, refused.
    pub failed_produces: Counter,
    /// Partitions in fetch requests.
    pub fetches: Counter,
    /// Of these, refused.
    pub failed_fetches: Counter,
}

impl Traffic {
    fn produced(&self, appended: Option<(u64, u64)>) {
        self.produces.inc();
        if let Some((records, bytes)) = appended {
            self.records_in.inc_by(records);
            self.bytes_in.inc_by(bytes);
        } else {
            self.failed_produces.inc();
        }
    }

    fn fetched(&self, bytes: Option<u64>) {
        self.fetches.inc();
        if let Some(bytes) = bytes {
            self.bytes_out.inc_by(bytes);
        } else {
            self.failed_fetches.inc();
        }
    }
}

/// The counters of all topics. Clones are the same counters.
#[derive(Clone, Debug, Default)]
pub struct TopicTraffic {
    by_topic: Family<Uuid, Traffic>,
    /// Of all together, those that have been deleted too.
    all: Traffic,
}

impl TopicTraffic {
    /// The counters of a topic.
    pub fn of(&self, topic_id: Uuid) -> Traffic {
        self.by_topic.get_or_create_owned(&topic_id)
    }

    /// The counters of all topics together.
    pub fn all(&self) -> Traffic {
        self.all.clone()
    }

    /// Counts a partition of a produce: its records and bytes, unless it was refused. There may be no such topic.
    pub fn produced(&self, topic_id: Option<Uuid>, appended: Option<(u64, u64)>) {
        self.all.produced(appended);
        if let Some(topic_id) = topic_id {
            self.by_topic.get_or_create(&topic_id).produced(appended);
        }
    }

    /// Counts a partition of a fetch: its bytes, unless it was refused. There may be no such topic.
    pub fn fetched(&self, topic_id: Option<Uuid>, bytes: Option<u64>) {
        self.all.fetched(bytes);
        if let Some(topic_id) = topic_id {
            self.by_topic.get_or_create(&topic_id).fetched(bytes);
        }
    }

    /// A topic has been deleted.
    pub fn forget(&self, topic_id: Uuid) {
        self.by_topic.remove(&topic_id);
    }
}
