//! Frames off a socket, into memory that the budget has granted.

use std::io;

use bytes::{Bytes, BytesMut};
use chronik_kafka::frame::{self, FrameError, PREFIX_LEN};
use concurrency_models::budget::{Refused, Reservation};
use tokio::io::{AsyncReadExt, BufReader};

use super::patience::{Patience, Stalled};
use crate::limits;
use crate::transport::ReadHalf;

/// A request as it came, and the memory that it holds.
pub struct Frame {
    /// Header and body, without the length prefix.
    pub bytes: Bytes,
    /// Given back when the request has been answered.
    pub memory: Reservation,
}

/// Why a connection's input ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer has broken the connection, or the operating system has.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The peer has gone before the end of a frame.
    #[error("the client has gone in the middle of a frame")]
    Cut,
    /// The peer holds memory and sends nothing.
    #[error("{0}")]
    Stalled(#[from] Stalled),
    /// A length that no frame has: what follows cannot be understood.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The frame is larger than all the memory for requests.
    #[error("a frame of {asked} bytes, but all requests together may use {total} (queued.max.bytes)")]
    TooLarge {
        /// Bytes of the frame.
        asked: usize,
        /// Bytes of the budget.
        total: usize,
    },
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Closed,
}

/// Reads frames from one connection.
pub struct FrameReader {
    input: BufReader<ReadHalf>,
    patience: Patience,
    /// `socket.request.max.bytes`
    max_bytes: usize,
}

impl FrameReader {
    /// Reads frames of at most `max_bytes` from `reader`, into memory of the first budget of `patience`.
    pub fn new(reader: ReadHalf, patience: Patience, max_bytes: usize) -> Self {
        Self { input: BufReader::with_capacity(limits::READ_BUFFER_BYTES, reader), patience, max_bytes }
    }

    /// Waits for a length prefix; `None` at the end of the stream between two frames.
    ///
    /// # Errors
    /// The stream breaks, or the length is not one.
    pub async fn length(&mut self) -> Result<Option<usize>, ReadError> {
        let mut prefix = [0; PREFIX_LEN];
        if self.input.read(&mut prefix[..1]).await? == 0 {
            return Ok(None);
        }
        self.input.read_exact(&mut prefix[1..]).await.map_err(cut)?;
        Ok(Some(frame::length(prefix, self.max_bytes)?))
    }

    /// Reads the `length` bytes of a frame, once there is memory for them.
    ///
    /// # Errors
    /// The stream breaks or ends, there never will be that much memory, or shutting down.
    pub async fn body(&mut self, length: usize) -> Result<Frame, ReadError> {
        // Room for what the frame decodes to; the broker gives back what it did not need.
        let memory = (length + limits::decoding_headroom(length)).min(self.patience.budgets[0].total());
        let memory =
            self.patience.budgets[0].reserve(memory.max(length)).await.map_err(|refused| match refused {
                Refused::TooLarge { asked, total } => ReadError::TooLarge { asked, total },
                Refused::Closed => ReadError::Closed,
            })?;
        let mut bytes = BytesMut::with_capacity(length);
        while bytes.len() < length {
            let missing = u64::try_from(length - bytes.len()).unwrap_or(u64::MAX);
            let mut rest = (&mut self.input).take(missing);
            if self.patience.with(rest.read_buf(&mut bytes)).await?? == 0 {
                return Err(ReadError::Cut);
            }
        }
        Ok(Frame { bytes: bytes.freeze(), memory })
    }
}

fn cut(error: io::Error) -> ReadError {
    if error.kind() == io::ErrorKind::UnexpectedEof { ReadError::Cut } else { error.into() }
}
