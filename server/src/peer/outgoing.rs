//! The way to one node, as those who send see it.

use std::time::Duration;

use bytes::Bytes;
use concurrency_models::image::Image;
use concurrency_models::outbox::{self, Closed, Drain, Outbox};
use concurrency_models::pending::Pending;

use super::NodeId;
use super::error::{RequestError, SendError};
use super::frame::{self, Kind};
use super::hello::Purpose;
use super::message::{Message, REQUEST_PREFIX_BYTES};
use super::status::{ConnectionStatus, PeerStatus};
use super::surroundings::Surroundings;
use crate::config::HostPort;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::telemetry::PeerMetrics;

/// What leaves, if its time has not passed.
pub(super) struct Parcel {
    pub(super) message: Message,
    pub(super) worth: Worth,
}

/// How long something is worth sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// On the connection of this number only, and until this uptime if there is one.
    On { connection: u64, until: Option<Duration> },
    /// On the connection of this number, if there was one, and until this uptime on a later one too.
    First { connection: Option<u64>, until: Duration },
}

impl Worth {
    /// Whether it is still, on this connection and at this uptime.
    pub(super) fn is_left(self, connection: u64, now: Duration) -> bool {
        match self {
            Self::On { connection: given_on, until } => {
                given_on == connection && until.is_none_or(|until| now < until)
            }
            Self::First { connection: given_on, until } => given_on == Some(connection) || now < until,
        }
    }
}

type Entrance = Outbox<Parcel, Parcel, Parcel>;
pub(super) type Way = Drain<Parcel, Parcel, Parcel>;
type Outcome = Result<Bytes, RequestError>;

/// How the connection is.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// It stands; each has a number of its own.
    Connected { number: u64, status: ConnectionStatus },
    /// It does not, and why, once one was lost or did not come about.
    Down { trouble: Option<String> },
}

/// What those who send and the task that has the connection share.
pub(super) struct Outgoing {
    pub(super) node: NodeId,
    pub(super) address: HostPort,
    pub(super) purpose: Purpose,
    outbox: Entrance,
    /// Requests that have no answer yet. A request is put in before the condition is looked at, and all are taken out after it has become
    /// [`Condition::Down`]: so none waits for a connection that is gone.
    requests: Pending<u64, Outcome>,
    /// Written by the task alone.
    condition: Image<Condition>,
    /// The node is no peer any more.
    pub(super) stop: Shutdown,
    pub(super) metrics: PeerMetrics,
    pub(super) surroundings: Surroundings,
}

impl Outgoing {
    pub(super) fn new(
        surroundings: &Surroundings,
        node: NodeId,
        address: HostPort,
        purpose: Purpose,
    ) -> (Self, Way) {
        let limits =
            outbox::Limits { raft: limits::MAX_PEER_RAFT_MESSAGES, data: limits::MAX_PEER_DATA_MESSAGES };
        let (outbox, way) = outbox::channel(limits);
        let outgoing = Self {
            node,
            address,
            purpose,
            outbox,
            requests: Pending::new(),
            condition: Image::new(Condition::Down { trouble: None }),
            stop: Shutdown::new(),
            metrics: PeerMetrics::of(&surroundings.metrics, node, purpose.name()),
            surroundings: surroundings.clone(),
        };
        (outgoing, way)
    }

    pub(super) fn heartbeat(&self, body: Bytes) -> Result<(), SendError> {
        let parcel = self.for_this_connection(Message::new(Kind::Heartbeat, body), None)?;
        let displaced = self.outbox.heartbeat(parcel).map_err(|_| self.unknown())?;
        if displaced.is_some() {
            self.metrics.dropped.inc();
        }
        Ok(())
    }

    pub(super) fn raft(&self, body: Bytes) -> Result<(), SendError> {
        let message = Message::new(Kind::Raft, body);
        fits(&message)?;
        let until = self.surroundings.now() + self.surroundings.settings.max_silence;
        let connection = self.connection();
        let parcel = Parcel { message, worth: Worth::First { connection, until } };
        let displaced = self.outbox.raft(parcel).map_err(|_| self.unknown())?;
        if displaced.is_some() {
            self.metrics.dropped.inc();
        }
        match (connection, displaced) {
            (None, _) => Err(SendError::NotConnected(self.node)),
            (Some(_), Some(_)) => Err(SendError::Displaced(self.node)),
            (Some(_), None) => Ok(()),
        }
    }

    pub(super) async fn data(&self, body: Bytes) -> Result<(), SendError> {
        let parcel = self.for_this_connection(Message::new(Kind::Data, body), None)?;
        let Worth::On { connection, .. } = parcel.worth else { return Ok(()) };
        tokio::select! {
            biased;
            sent = self.outbox.data(parcel) => sent.map_err(|Closed(_)| self.unknown()),
            () = self.ended(connection) => Err(SendError::NotConnected(self.node)),
        }
    }

    pub(super) async fn request(&self, kind: u16, body: Bytes, timeout: Duration) -> Outcome {
        let until = self.surroundings.now() + timeout;
        let length = REQUEST_PREFIX_BYTES + body.len();
        frame::within_limit(Kind::Request, length).map_err(SendError::TooLarge)?;
        let mut waiting = self.requests.open().map_err(|_closed| self.unknown())?;
        let message = Message::request(waiting.key(), kind, body);
        let parcel = self.for_this_connection(message, Some(until))?;
        let sent_and_answered = async {
            if self.outbox.data(parcel).await.is_err() {
                return Err(self.unknown().into());
            }
            std::future::pending().await // the answer ends the wait, or the time does
        };
        tokio::select! {
            biased;
            outcome = waiting.outcome() => outcome.unwrap_or(Err(RequestError::Lost(self.node))),
            unsent = sent_and_answered => unsent,
            () = self.surroundings.clock.sleep(timeout) => Err(RequestError::TimedOut { node: self.node, after: timeout }),
        }
    }

    /// An answer came; if nobody waits for it any more, nothing happens.
    pub(super) fn answered(&self, correlation_id: u64, outcome: Outcome) {
        self.requests.complete(correlation_id, outcome);
    }

    /// Something that means nothing on another connection.
    fn for_this_connection(&self, message: Message, until: Option<Duration>) -> Result<Parcel, SendError> {
        fits(&message)?;
        let connection = self.connection().ok_or(SendError::NotConnected(self.node))?;
        Ok(Parcel { message, worth: Worth::On { connection, until } })
    }

    /// The number of the connection that stands now.
    fn connection(&self) -> Option<u64> {
        match *self.condition.load() {
            Condition::Connected { number, .. } => Some(number),
            Condition::Down { .. } => None,
        }
    }

    /// Waits until that connection is gone.
    async fn ended(&self, connection: u64) {
        loop {
            let version = self.condition.version(); // before the look: a change between the two is not slept through
            if self.connection() != Some(connection) {
                return;
            }
            let _never_closed = self.condition.at_least(version + 1).await;
        }
    }

    fn unknown(&self) -> SendError {
        SendError::Unknown(self.node)
    }

    pub(super) fn connected(&self, number: u64, status: ConnectionStatus) {
        self.metrics.connections.inc();
        self.metrics.connected.set(1);
        self.heard();
        self.condition.replace(Condition::Connected { number, status });
    }

    /// The connection is gone, or did not come about: nobody waits for it any more.
    pub(super) fn down(&self, trouble: String) {
        self.metrics.connected.set(0);
        self.condition.replace(Condition::Down { trouble: Some(trouble) });
        self.requests.complete_through(u64::MAX, |_| Err(RequestError::Lost(self.node)));
    }

    /// There will be no connection any more.
    pub(super) fn end(&self) {
        self.metrics.connected.set(0);
        self.condition.replace(Condition::Down { trouble: None });
        self.requests.close(|_| Err(RequestError::Lost(self.node)));
        self.outbox.close();
    }

    /// Something came.
    pub(super) fn heard(&self) {
        let now_ms = i64::try_from(self.surroundings.now().as_millis()).unwrap_or(i64::MAX);
        self.metrics.last_heard.set(now_ms);
    }

    pub(super) fn status(&self) -> PeerStatus {
        let (connection, trouble) = match &*self.condition.load() {
            Condition::Connected { status, .. } => (Some(*status), None),
            Condition::Down { trouble } => (None, trouble.clone()),
        };
        let now_ms = i64::try_from(self.surroundings.now().as_millis()).unwrap_or(i64::MAX);
        let heard_at_ms = Some(self.metrics.last_heard.get()).filter(|at| *at >= 0);
        PeerStatus {
            node: self.node,
            address: self.address.clone(),
            purpose: self.purpose,
            connection,
            trouble,
            heard_ms_ago: heard_at_ms.map(|at| now_ms - at),
            connections: self.metrics.connections.get(),
            dropped: self.metrics.dropped.get(),
            sent_bytes: self.metrics.sent_bytes.get(),
            received_bytes: self.metrics.received_bytes.get(),
        }
    }
}

fn fits(message: &Message) -> Result<(), SendError> {
    frame::within_limit(message.kind, message.payload_bytes()).map_err(SendError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_sending() {
        let second = Duration::from_secs;
        for (worth, connection, now, is_left) in [
            (Worth::First { connection: None, until: second(5) }, 1, second(4), true),
            (Worth::First { connection: None, until: second(5) }, 1, second(5), false),
            (Worth::First { connection: Some(1), until: second(5) }, 1, second(9), true),
            (Worth::First { connection: Some(1), until: second(5) }, 2, second(4), true),
            (Worth::First { connection: Some(1), until: second(5) }, 2, second(5), false),
            (Worth::On { connection: 1, until: None }, 1, second(9), true),
            (Worth::On { connection: 1, until: None }, 2, second(0), false),
            (Worth::On { connection: 1, until: Some(second(5)) }, 1, second(4), true),
            (Worth::On { connection: 1, until: Some(second(5)) }, 1, second(5), false),
        ] {
            assert_eq!(worth.is_left(connection, now), is_left, "{worth:?} on {connection} at {now:?}");
        }
    }
}
