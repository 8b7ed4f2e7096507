//! One connection that another node has dialed: a reader that hands on what comes, and a writer of answers.

use std::convert::Infallible;

use bytes::Bytes;
use concurrency_models::budget::{Budget, Reservation};
use concurrency_models::gate::{Gate, Pass};
use concurrency_models::mailbox::{self, Receiver, Sender, TrySendError};
use prometheus_client::metrics::counter::Counter;

use super::NodeId;
use super::error::ConnectionError;
use super::frame::{Kind, within_limit};
use super::hello::Hello;
use super::message::{Message, RESPONSE_PREFIX_BYTES, Request, Status};
use super::reader::FrameReader;
use super::surroundings::Surroundings;
use super::writer::FrameWriter;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::transport::{ReadHalf, WriteHalf};

/// A connection that stands.
pub(super) struct Incoming {
    /// Who has dialed.
    pub(super) peer: Hello,
    /// The same node has dialed again.
    pub(super) replaced: Shutdown,
}

/// What a connection's requests are carried out with.
struct Requests<'a> {
    node: &'a Surroundings,
    from: NodeId,
    /// One is inside for each request under way.
    under_way: Gate,
    /// The same of all connections.
    of_all: &'a Gate,
    memory: Budget,
    answers: Sender<Message>,
    /// Ends requests with the connection.
    gone: Gone,
}

/// Says so when it is dropped, however the connection ends.
struct Gone(Shutdown);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// Both ends of a stream, as frames.
pub(super) fn ends(node: &Surroundings, reader: ReadHalf, writer: WriteHalf) -> (FrameReader, FrameWriter) {
    let max_silence = node.settings.max_silence;
    if let Err(error) = writer.break_after(max_silence) {
        tracing::debug!(%error, "the time limit of a connection could not be set"); // silence is noticed all the same
    }
    let received = node.metrics.peer_incoming_bytes.clone();
    let reader = FrameReader::new(reader, node.clock.clone(), max_silence, received);
    (reader, FrameWriter::new(writer, node.clock.clone(), max_silence, Counter::default()))
}

/// Serves a connection of node `from`; returns why it ended.
pub(super) async fn serve(
    node: &Surroundings,
    of_all: &Gate,
    from: NodeId,
    mut reader: FrameReader,
    mut writer: FrameWriter,
) -> ConnectionError {
    let (answers, to_write) = mailbox::channel(limits::MAX_PEER_RESPONSES);
    let memory = Budget::new(limits::MAX_PEER_REQUESTS_BYTES);
    let (under_way, gone) = (Gate::new(), Gone(Shutdown::new()));
    let requests = Requests { node, from, under_way, of_all, memory, answers, gone };
    let ended = tokio::select! {
        biased;
        Err(error) = read(&requests, &mut reader) => error,
        Err(error) = write(node, &mut writer, to_write) => error,
    };
    writer.end().await;
    ended
}

async fn read(requests: &Requests<'_>, reader: &mut FrameReader) -> Result<Infallible, ConnectionError> {
    let Requests { node, from, .. } = requests;
    loop {
        let frame = reader.frame(comes_in).await?;
        match frame.kind {
            Kind::Heartbeat => node.handler.heartbeat(*from, frame.payload),
            Kind::Raft => node.handler.raft(*from, frame.payload),
            Kind::Data => node.handler.data(*from, frame.payload),
            Kind::Request => {
                let too_short = frame.too_short();
                requests.begin(Request::decode(frame.payload).ok_or(too_short)?)?;
            }
            Kind::Keepalive | Kind::Hello | Kind::Refusal | Kind::Response => {}
        }
    }
}

/// What the node that has dialed may send.
fn comes_in(kind: Kind) -> bool {
    !matches!(kind, Kind::Hello | Kind::Refusal | Kind::Response)
}

/// Answers, and a sign of life when there is none.
async fn write(
    node: &Surroundings,
    writer: &mut FrameWriter,
    mut answers: Receiver<Message>,
) -> Result<Infallible, ConnectionError> {
    loop {
        let answer = tokio::select! {
            biased;
            answer = answers.recv() => answer.ok_or(ConnectionError::Stopped)?,
            () = node.clock.sleep(node.settings.keepalive) => Message::keepalive(),
        };
        writer.frame(&answer).await?;
    }
}

impl Requests<'_> {
    /// Has a task carry the request out, or says that there are too many. It never waits: Raft messages may be behind it.
    fn begin(&self, request: Request) -> Result<(), ConnectionError> {
        let Some(room) = self.room(request.body.len()) else {
            return self.overloaded(request.correlation_id);
        };
        let answering = self.node.handler.request(self.from, request.kind, request.body);
        let (answers, gone) = (self.answers.clone(), self.gone.0.clone());
        let _ended = self.node.spawner.task(async move {
            let _held_until_answered = room;
            let answered = async {
                let answer = response(request.correlation_id, answering.await);
                let _the_connection_is_gone = answers.send(answer).await;
            };
            tokio::select! {
                biased;
                () = gone.requested() => {}
                () = answered => {}
            }
        });
        Ok(())
    }

    /// The right to carry a request of `bytes` out.
    fn room(&self, bytes: usize) -> Option<(Pass, Pass, Reservation)> {
        if self.under_way.inside() >= limits::MAX_PEER_REQUESTS {
            return None;
        }
        Some((self.under_way.enter()?, self.of_all.enter()?, self.memory.try_reserve(bytes)?))
    }

    fn overloaded(&self, correlation_id: u64) -> Result<(), ConnectionError> {
        let answer = Message::response(correlation_id, Status::Overloaded, Bytes::new());
        match self.answers.try_send(answer) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(ConnectionError::ReadsNoAnswers),
            Err(TrySendError::Closed(_)) => Err(ConnectionError::Stopped),
        }
    }
}

fn response(correlation_id: u64, answer: Option<Bytes>) -> Message {
    let Some(body) = answer else {
        return Message::response(correlation_id, Status::Unsupported, Bytes::new());
    };
    match within_limit(Kind::Response, RESPONSE_PREFIX_BYTES + body.len()) {
        Ok(()) => Message::response(correlation_id, Status::Answered, body),
        Err(_) => Message::response(correlation_id, Status::AnswerTooLarge, Bytes::new()),
    }
}
