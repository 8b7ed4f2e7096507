//! What the coordinator reaches the world through.

use std::future::Future;

use chronik_kafka::Str;

use super::Ticket;
use crate::records::Record;
use crate::state::AppendError;

/// Where records are made durable.
pub trait Journal {
    /// Takes records of one group for one partition of `__consumer_offsets`, without waiting. They may be appended only while this node leads in the
    /// ticket's epoch. Whether they have become durable must come back as [`super::Message::Appended`], for the appends of a group in the order in which they
    /// were taken.
    ///
    /// # Errors
    /// They are not taken, and nothing comes back.
    fn append(&mut self, partition: i32, records: Vec<Record>, ticket: Ticket) -> Result<(), AppendError>;
}

/// What time it is.
pub trait Clock {
    /// Milliseconds since the epoch; it never goes back.
    fn now_ms(&self) -> i64;

    /// Waits until `at_ms`; for ever if that is `i64::MAX`.
    fn sleep_until(&self, at_ms: i64) -> impl Future<Output = ()> + Send;
}

/// Makes ids.
pub trait Ids {
    /// An id for a member of this client, or of this instance, that nobody else has.
    fn member_id(&mut self, prefix: &str) -> Str;
}
