//! A partition as everyone but the flusher sees it.

use std::sync::Arc;

use chronik_log::LogView;
use concurrency_models::epoch::Fenced;
use concurrency_models::image::Image;
use concurrency_models::isr::Isr;
use concurrency_models::publication::{Publication, Readable};
use concurrency_models::watermark::Closed;

/// The log of a partition on this node, and what this node is in its partition.
///
/// Two positions: the *log end*, up to which the log is durable here, and the *high watermark*, up to which it is on every in-sync replica and
/// may be read. Only the flusher moves the log end, and it shows the picture first; the high watermark follows from what all replicas say.
#[derive(Debug)]
pub struct Partition {
    /// The picture, and the log end. Another one when the log was cut: a log end goes forward only.
    log: Image<Publication<LogView>>,
    isr: Isr,
}

/// The log as far as it is durable on this node, committed or not.
pub struct Durable {
    /// A picture of it, which goes at least as far.
    pub view: Arc<LogView>,
    /// Offset after the last durable one.
    pub log_end_offset: i64,
}

impl Partition {
    /// On node `me`, as recovery found it or as it was created.
    pub(super) fn new(me: i32, view: Arc<LogView>, log_end_offset: i64, high_watermark: i64) -> Self {
        Self { log: Image::new(Publication::new(view, log_end_offset)), isr: Isr::new(me, high_watermark) }
    }

    /// Who leads, who is in sync, how far the partition is committed.
    pub fn isr(&self) -> &Isr {
        &self.isr
    }

    /// What consumers may read now.
    pub fn read(&self) -> Readable<LogView> {
        let high_watermark = self.isr.high_watermark(); // before the picture, which goes at least as far
        Readable { view: self.log.load().read().view, high_watermark }
    }

    /// The high watermark now.
    pub fn high_watermark(&self) -> i64 {
        self.isr.high_watermark()
    }

    /// Waits until the high watermark is at least `offset`.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// Another leadership holds than when this was called.
    pub async fn readable_to(&self, offset: i64) -> Result<i64, Fenced> {
        self.isr.readable_to(self.isr.leadership(), offset).await
    }

    /// What is durable here: what a follower may be sent.
    pub fn durable(&self) -> Durable {
        let Readable { view, high_watermark: log_end_offset } = self.log.load().read();
        Durable { view, log_end_offset }
    }

    /// Offset after the last durable one.
    pub fn log_end_offset(&self) -> i64 {
        self.log.load().high_watermark()
    }

    /// Waits until the log is durable up to `offset`.
    ///
    /// *Cancel-safety*: as [`readable_to`](Self::readable_to).
    ///
    /// # Errors
    /// The log was cut, or is gone.
    pub async fn durable_to(&self, offset: i64) -> Result<(), Closed> {
        let log = self.log.load();
        log.readable_to(offset).await.map(drop)
    }

    /// Ends it: nobody waits any more, nothing is appended.
    pub fn close(&self) {
        self.isr.close();
        self.log.load().close();
    }

    /// The log ends at `log_end_offset` now, and looks like `view` if that has changed: first the picture, then the end, then what follows for the high
    /// watermark, which is returned.
    pub(super) fn publish(&self, view: Option<Arc<LogView>>, log_end_offset: i64, now_ms: i64) -> i64 {
        let log = self.log.load();
        match view {
            Some(view) if log_end_offset < log.high_watermark() => {
                self.log.replace(Publication::new(view, log_end_offset));
                log.close();
            }
            Some(view) => log.publish(view, log_end_offset),
            None => log.advance(log_end_offset),
        }
        self.isr.synced(log_end_offset, now_ms)
    }
}
