//! The two tasks of a connection: one writes requests, one reads answers and hands them to whoever waits.

use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};
use chronik_kafka::{EncodeError, Segments, frame};
use concurrency_models::mailbox::{self, Receiver, Sender};
use concurrency_models::reply::Reply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{ClientError, Options};
use crate::config::HostPort;

/// Slices of one vectored write.
const MAX_SLICES: usize = 8;

type FrameReply = Reply<Result<Bytes, ClientError>>;

/// A request on its way out.
pub(super) struct Outgoing {
    /// Writes it, with the correlation id it is given.
    pub(super) encode: Box<dyn FnOnce(i32) -> Result<Segments, EncodeError> + Send>,
    /// Who waits for the answer; nobody if the server does not give one.
    pub(super) reply: Option<FrameReply>,
}

/// An answer that will come, after those before it.
struct Expected {
    correlation_id: i32,
    reply: FrameReply,
}

/// Starts both tasks; they end when the sender is gone and the last answer has come.
pub(super) fn start(socket: TcpStream, address: &HostPort, options: &Options) -> Sender<Outgoing> {
    let (reading, writing) = socket.into_split();
    let (outgoing, requests) = mailbox::channel(options.max_in_flight);
    let (expecting, expected) = mailbox::channel(options.max_in_flight);
    let incoming = Incoming { reading, address: address.clone(), limit: options.max_response_bytes };
    drop(options.spawner.task(write_requests(writing, requests, expecting)));
    drop(options.spawner.task(incoming.hand_out(expected)));
    outgoing
}

async fn write_requests(
    mut writing: OwnedWriteHalf,
    mut requests: Receiver<Outgoing>,
    expecting: Sender<Expected>,
) {
    let mut correlation_id = 0i32;
    while let Some(request) = requests.recv().await {
        correlation_id = correlation_id.wrapping_add(1) & i32::MAX;
        let segments = match (request.encode)(correlation_id) {
            Ok(segments) => segments,
            Err(error) => {
                answer(request.reply, Err(error.into()));
                continue;
            }
        };
        if let Some(reply) = request.reply
            && expecting.send(Expected { correlation_id, reply }).await.is_err()
        {
            return;
        }
        if write_all(&mut writing, segments).await.is_err() {
            return; // the reader finds out why, and tells those who wait
        }
    }
}

/// An answer that nobody waits for any more is dropped.
fn answer(reply: Option<FrameReply>, result: Result<Bytes, ClientError>) {
    if let Some(reply) = reply {
        let _unwanted = reply.send(result);
    }
}

async fn write_all(writing: &mut OwnedWriteHalf, segments: Segments) -> io::Result<()> {
    let mut left: Vec<Bytes> = segments.into_buffers().collect();
    let mut first = 0;
    while first < left.len() {
        let slices: Vec<IoSlice<'_>> =
            left[first..].iter().take(MAX_SLICES).map(|part| IoSlice::new(part)).collect();
        let mut written = writing.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while written > 0 {
            let step = written.min(left[first].len());
            left[first].advance(step);
            written -= step;
            first += usize::from(left[first].is_empty());
        }
    }
    Ok(())
}

struct Incoming {
    reading: OwnedReadHalf,
    address: HostPort,
    limit: usize,
}

impl Incoming {
    async fn hand_out(mut self, mut expected: Receiver<Expected>) {
        while let Some(Expected { correlation_id, reply }) = expected.recv().await {
            match self.answer_to(correlation_id).await {
                Ok(frame) => answer(Some(reply), Ok(frame)),
                Err(reason) => return self.fail(&reason, reply, expected).await,
            }
        }
    }

    /// Tells `first` and everybody behind it why no more answers will come.
    async fn fail(self, reason: &str, first: FrameReply, mut expected: Receiver<Expected>) {
        let closed = || Err(ClientError::Closed { address: self.address.clone(), reason: reason.to_owned() });
        expected.close();
        answer(Some(first), closed());
        while let Some(Expected { reply, .. }) = expected.recv().await {
            answer(Some(reply), closed());
        }
    }

    async fn answer_to(&mut self, correlation_id: i32) -> Result<Bytes, String> {
        let frame = self.frame().await.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
            _ => error.to_string(),
        })?;
        let found = frame.first_chunk().map(|id| i32::from_be_bytes(*id));
        if found == Some(correlation_id) {
            Ok(frame)
        } else {
            Err(format!(
                "expected the answer to request {correlation_id}, got {found:?}; is it a Kafka server?"
            ))
        }
    }

    async fn frame(&mut self) -> io::Result<Bytes> {
        let mut prefix = [0; frame::PREFIX_LEN];
        self.reading.read_exact(&mut prefix).await?;
        let length = frame::length(prefix, self.limit)
            .map_err(|error| io::Error::other(format!("{error}; is it a Kafka server?")))?;
        let mut body = BytesMut::with_capacity(length);
        let mut rest = (&mut self.reading).take(length as u64);
        while body.len() < length {
            if rest.read_buf(&mut body).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(body.freeze())
    }
}
