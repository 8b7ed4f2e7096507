//! The task of one peer: dials it, writes what leaves for it, reads its answers, and dials it again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use concurrency_models::outbox::Outgoing as Leaving;

use super::backoff::{Backoff, Complaints};
use super::error::{ConnectionError, RequestError};
use super::frame::Kind;
use super::handshake::{self, Agreed};
use super::message::{Message, Response, Status};
use super::outgoing::{Outgoing, Parcel, Way};
use super::reader::FrameReader;
use super::status::ConnectionStatus;
use super::surroundings::Surroundings;
use super::writer::FrameWriter;
use crate::limits;
use crate::rng::Rng;
use crate::transport::Connector;

/// The only one that ever waits for this peer.
pub(super) struct Link {
    pub(super) peer: Arc<Outgoing>,
    pub(super) way: Way,
    pub(super) connector: Connector,
    pub(super) rng: Rng,
}

/// A connection that both sides have agreed on.
struct Connection {
    reader: FrameReader,
    writer: FrameWriter,
    agreed: Agreed,
}

impl Link {
    /// Until the peer is removed, or this node stops.
    pub(super) async fn run(mut self) {
        let peer = self.peer.clone();
        tokio::select! {
            biased;
            () = peer.stop.requested() => {}
            () = self.keep_connected() => {}
        }
        peer.end();
    }

    /// Never ends by itself.
    async fn keep_connected(&mut self) {
        let (mut backoff, mut complaints) = (Backoff::new(), Complaints::default());
        for number in 0.. {
            match self.dial().await {
                Ok(connection) => {
                    let lasted = self.serve(connection, number).await;
                    complaints = Complaints::after_loss(self.peer.surroundings.now());
                    if lasted >= limits::PEER_STEADY {
                        backoff.reset();
                    }
                }
                Err(error) => self.complain(&error, &mut complaints),
            }
            let wait = backoff.wait(&mut self.rng);
            self.peer.surroundings.clock.sleep(wait).await;
        }
    }

    async fn dial(&self) -> Result<Connection, ConnectionError> {
        let (peer, node) = (&self.peer, &self.peer.surroundings);
        let made = async {
            let dialed = self.connector.connect(&peer.address).await.map_err(ConnectionError::Connect)?;
            let max_silence = node.settings.max_silence;
            dialed.writer.break_after(max_silence)?;
            let (received, sent) = (peer.metrics.received_bytes.clone(), peer.metrics.sent_bytes.clone());
            let mut reader = FrameReader::new(dialed.reader, node.clock.clone(), max_silence, received);
            let mut writer = FrameWriter::new(dialed.writer, node.clock.clone(), max_silence, sent);
            let agreed = handshake::dial(node, (peer.node, peer.purpose), &mut reader, &mut writer).await?;
            Ok(Connection { reader, writer, agreed })
        };
        node.in_time(made).await
    }

    /// Uses a connection until it ends; returns how long that was.
    async fn serve(&mut self, connection: Connection, number: u64) -> Duration {
        let peer = self.peer.clone();
        let node = &peer.surroundings;
        let (from, Agreed { version, peer: theirs }) = (node.now(), connection.agreed);
        let incarnation = theirs.incarnation;
        peer.connected(number, ConnectionStatus { since_ms: node.clock.now_ms(), version, incarnation });
        node.handler.connected(peer.node, peer.purpose);
        let (id, purpose) = (peer.node, peer.purpose.name());
        tracing::info!(node = id, address = %peer.address, purpose, version, incarnation, "connected to a node");
        let Connection { mut reader, mut writer, .. } = connection;
        let ended = tokio::select! {
            biased;
            Err(error) = read(&peer, &mut reader) => error,
            Err(error) = write(&peer, node, &mut self.way, &mut writer, number) => error,
        };
        peer.down(ended.to_string());
        node.handler.lost(peer.node, peer.purpose);
        tracing::warn!(node = id, address = %peer.address, purpose, error = %ended, "the connection to a node is lost; it is dialed again");
        node.now() - from
    }

    fn complain(&self, error: &ConnectionError, complaints: &mut Complaints) {
        let peer = &self.peer;
        peer.down(error.to_string());
        let (node, address, purpose) = (peer.node, &peer.address, peer.purpose.name());
        if complaints.is_due(peer.surroundings.now()) {
            tracing::warn!(node, %address, purpose, %error, "a node cannot be reached; it is dialed again and again");
        } else {
            tracing::debug!(node, %address, purpose, %error, "a node cannot be reached");
        }
    }
}

/// Answers; until the connection ends.
async fn read(peer: &Outgoing, reader: &mut FrameReader) -> Result<Infallible, ConnectionError> {
    loop {
        let frame = reader.frame(|kind| matches!(kind, Kind::Keepalive | Kind::Response)).await?;
        peer.heard();
        if frame.kind == Kind::Response {
            let too_short = frame.too_short();
            answer(peer, Response::decode(frame.payload).ok_or(too_short)?);
        }
    }
}

fn answer(peer: &Outgoing, Response { correlation_id, status, body }: Response) {
    let node = peer.node;
    let outcome = match status {
        Some(Status::Answered) => Ok(body),
        Some(Status::Overloaded) => Err(RequestError::Overloaded(node)),
        Some(Status::Unsupported) => Err(RequestError::Unsupported(node)),
        Some(Status::AnswerTooLarge) | None => Err(RequestError::NoAnswer(node)),
    };
    peer.answered(correlation_id, outcome);
}

/// What leaves, in the order of the outbox; a sign of life when nothing does. Until the connection or the outbox ends.
async fn write(
    peer: &Outgoing,
    node: &Surroundings,
    way: &mut Way,
    writer: &mut FrameWriter,
    number: u64,
) -> Result<Infallible, ConnectionError> {
    loop {
        let leaving = tokio::select! {
            biased;
            leaving = way.recv() => leaving,
            () = node.clock.sleep(node.settings.keepalive) => {
                writer.frame(&Message::keepalive()).await?;
                continue;
            }
        };
        let (Leaving::Heartbeat(parcel) | Leaving::Raft(parcel) | Leaving::Data(parcel)) =
            leaving.ok_or(ConnectionError::Stopped)?;
        let Parcel { message, worth } = parcel;
        if worth.is_left(number, node.now()) {
            writer.frame(&message).await?;
        } else {
            peer.metrics.dropped.inc();
        }
    }
}
