//! Frames off a stream. A length is not believed: memory is taken as bytes come.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncReadExt, BufReader};

use super::error::ConnectionError;
use super::frame::{FrameError, HEADER_BYTES, Header, Kind};
use super::turns::Turns;
use crate::clock::Clock;
use crate::limits;
use crate::transport::ReadHalf;

/// Reads one side of a connection.
pub(super) struct FrameReader {
    input: BufReader<ReadHalf>,
    clock: Clock,
    max_silence: Duration,
    /// Bytes read.
    received: Counter,
    position: u64,
    turns: Turns,
}

/// A frame that came whole.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) payload: Bytes,
    /// Where it began.
    at: u64,
}

impl Frame {
    /// What it is an error to be.
    pub(super) fn too_short(&self) -> ConnectionError {
        let error = FrameError::TooShort { kind: self.kind, length: self.payload.len() };
        ConnectionError::Frame { at: self.at, error }
    }
}

impl FrameReader {
    pub(super) fn new(reader: ReadHalf, clock: Clock, max_silence: Duration, received: Counter) -> Self {
        let input = BufReader::with_capacity(limits::READ_BUFFER_BYTES, reader);
        Self { input, clock, max_silence, received, position: 0, turns: Turns::default() }
    }

    /// The next frame. One of a kind that is not `expected` is not read: it may be large.
    pub(super) async fn frame(&mut self, expected: fn(Kind) -> bool) -> Result<Frame, ConnectionError> {
        let at = self.position;
        let wrong = |error| ConnectionError::Frame { at, error };
        let header = Header::decode(self.exactly::<HEADER_BYTES>().await?).map_err(wrong)?;
        if !expected(header.kind) {
            return Err(ConnectionError::Unexpected(header.kind));
        }
        let payload = self.payload(header.length).await?;
        header.check(&payload).map_err(wrong)?;
        Ok(Frame { kind: header.kind, payload, at })
    }

    /// The next `N` bytes.
    pub(super) async fn exactly<const N: usize>(&mut self) -> Result<[u8; N], ConnectionError> {
        let mut bytes = [0; N];
        let mut filled = 0;
        while filled < N {
            let come = in_time(&self.clock, self.max_silence, self.input.read(&mut bytes[filled..])).await?;
            if come == 0 {
                return Err(if filled == 0 { ConnectionError::Closed } else { ConnectionError::Cut });
            }
            filled += self.count(come).await;
        }
        Ok(bytes)
    }

    async fn payload(&mut self, length: usize) -> Result<Bytes, ConnectionError> {
        let mut bytes = BytesMut::new();
        while bytes.len() < length {
            let missing = length - bytes.len();
            bytes.reserve(growth(bytes.len(), missing));
            let mut rest = (&mut self.input).take(missing as u64);
            let come = in_time(&self.clock, self.max_silence, rest.read_buf(&mut bytes)).await?;
            if come == 0 {
                return Err(ConnectionError::Cut);
            }
            self.count(come).await;
        }
        Ok(bytes.freeze())
    }

    async fn count(&mut self, come: usize) -> usize {
        self.position += come as u64;
        self.received.inc_by(come as u64);
        self.turns.next().await;
        come
    }
}

/// Memory for bytes of a payload that are still to come, after `have` have.
fn growth(have: usize, missing: usize) -> usize {
    missing.min(have.max(limits::PEER_READ_BYTES))
}

/// Waits for bytes, not for ever.
async fn in_time(
    clock: &Clock,
    max_silence: Duration,
    reading: impl Future<Output = std::io::Result<usize>>,
) -> Result<usize, ConnectionError> {
    tokio::select! {
        biased;
        come = reading => Ok(come?),
        () = clock.sleep(max_silence) => Err(ConnectionError::Silent(max_silence)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    const SILENCE: Duration = Duration::from_secs(3);

    /// What a reader makes of these bytes, which end or do not.
    async fn read(bytes: &[u8], ends: bool) -> Result<Frame, ConnectionError> {
        let (mut theirs, ours) = tokio::io::duplex(1 << 20);
        theirs.write_all(bytes).await.expect("room");
        let kept = (!ends).then_some(theirs);
        let mut reader = FrameReader::new(Box::new(ours), Clock::starting_at(0), SILENCE, Counter::default());
        let frame = reader.frame(|kind| kind == Kind::Raft).await;
        drop(kept);
        frame
    }

    fn encoded(kind: Kind, payload: &[u8]) -> Vec<u8> {
        [&Header::of(kind, &[payload]).expect("small").encode(), payload].concat()
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_and_what_is_wrong_with_it() {
        let whole = encoded(Kind::Raft, &[7; 100_000]);
        let frame = read(&whole, false).await.expect("a frame");
        assert_eq!((frame.kind, frame.payload.len()), (Kind::Raft, 100_000));
        let mut damaged = whole.clone();
        damaged[5_000] ^= 1;
        let garbage = b"GET / HTTP/1.1\r\n\r\n";
        for (bytes, ends, told) in [
            (&[][..], true, "has closed"),
            (&whole[..4], true, "in the middle of a frame"),
            (&whole[..50_000], true, "in the middle of a frame"),
            (&whole[..50_000], false, "nothing was heard for 3000 ms"),
            (&damaged, false, "not those that were sent"),
            (&encoded(Kind::Data, &[7; 9])[..9], false, "a data frame came, which does not belong here"),
            (garbage, false, "byte 0 of what came: there is no frame of kind 47"),
        ] {
            let error = read(bytes, ends).await.expect_err("not a frame").to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_length_takes_no_memory_before_its_bytes_come() {
        let mut header = Header::of(Kind::Raft, &[]).expect("small").encode();
        header[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        let error = read(&header, false).await.expect_err("4 GiB").to_string();
        assert!(error.contains("a raft frame of 4294967295 bytes; the largest has"), "{error}");

        let most = limits::MAX_PEER_RAFT_BYTES;
        for (have, missing, taken) in [
            (0, most, limits::PEER_READ_BYTES),
            (0, 10, 10),
            (1_000, most, limits::PEER_READ_BYTES),
            (1 << 20, most, 1 << 20),
            (most - 5, 5, 5),
        ] {
            assert_eq!(growth(have, missing), taken, "{have} have come, {missing} are missing");
        }
    }
}
