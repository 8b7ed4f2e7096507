//! Frames: four bytes of length, then a header and a body.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::encoder::Encoder;
use crate::error::EncodeError;
use crate::header::{RequestHeader, ResponseHeader};
use crate::message::{self, Request, Response};
use crate::segments::Segments;

/// Bytes of the length prefix.
pub const PREFIX_LEN: usize = 4;
/// First buffer of an outgoing message; it grows if need be.
const INITIAL_CAPACITY: usize = 256;

/// Why a frame is refused; the connection cannot go on after either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length prefix is negative.
    #[error("frame length is {length}")]
    Negative {
        /// The value found.
        length: i32,
    },
    /// The frame is longer than the receiver allows (`socket.request.max.bytes`).
    #[error("frame of {length} bytes is over the limit of {limit}")]
    OverLimit {
        /// Bytes claimed, prefix not counted.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Bytes that follow a length prefix. Lets a reader reserve memory before it reads.
pub fn length(prefix: [u8; PREFIX_LEN], limit: usize) -> Result<usize, FrameError> {
    let claimed = i32::from_be_bytes(prefix);
    let length = usize::try_from(claimed).map_err(|_| FrameError::Negative { length: claimed })?;
    if length > limit { Err(FrameError::OverLimit { length, limit }) } else { Ok(length) }
}

/// Takes one whole frame, without its prefix, off the front of `input`; `None` if more bytes are needed.
pub fn split(input: &mut BytesMut, limit: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(&prefix) = input.first_chunk() else { return Ok(None) };
    let length = length(prefix, limit)?;
    if input.len() - PREFIX_LEN < length {
        return Ok(None);
    }
    input.advance(PREFIX_LEN);
    Ok(Some(input.split_to(length).freeze()))
}

/// A request as it goes on the socket, prefix included.
pub fn request<R: Request>(header: &RequestHeader, body: &R) -> Result<Segments, EncodeError> {
    message::check_version::<R>(header.version)?;
    frame(|out| {
        header.encode(out);
        body.encode(out, message::format::<R>(header.version));
    })
}

/// A response as it goes on the socket, prefix included. Large records are not copied.
pub fn response<R: Response>(correlation_id: i32, version: i16, body: &R) -> Result<Segments, EncodeError> {
    message::check_version::<R>(version)?;
    frame(|out| {
        ResponseHeader { correlation_id }.encode(out, R::API, version);
        body.encode(out, message::format::<R>(version));
    })
}

fn frame(write: impl FnOnce(&mut Encoder)) -> Result<Segments, EncodeError> {
    let mut out = BytesMut::with_capacity(INITIAL_CAPACITY);
    out.put_bytes(0, PREFIX_LEN);
    let mut out = Encoder::sharing(out);
    write(&mut out);
    out.patch_frame_length();
    out.finish()
}

#[cfg(test)]
mod tests;
