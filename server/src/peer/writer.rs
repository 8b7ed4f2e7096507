//! Frames onto a stream.

use std::io::{self, IoSlice};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use smallvec::SmallVec;

use super::error::ConnectionError;
use super::message::Message;
use super::turns::Turns;
use crate::clock::Clock;
use crate::transport::WriteHalf;

/// Writes one side of a connection.
pub(super) struct FrameWriter {
    socket: WriteHalf,
    clock: Clock,
    /// How long the other side may take nothing.
    max_silence: Duration,
    /// Bytes written.
    sent: Counter,
    turns: Turns,
}

impl FrameWriter {
    pub(super) fn new(socket: WriteHalf, clock: Clock, max_silence: Duration, sent: Counter) -> Self {
        Self { socket, clock, max_silence, sent, turns: Turns::default() }
    }

    /// Writes a frame. What is too large for its kind has not got here: whoever gave it was told.
    pub(super) async fn frame(&mut self, message: &Message) -> Result<(), ConnectionError> {
        let header = message.header().map_err(|error| ConnectionError::Io(io::Error::other(error)))?;
        self.pieces(&[&header.encode(), &message.prefix, &message.body]).await
    }

    /// Writes bytes that are no frame.
    pub(super) async fn pieces(&mut self, pieces: &[&[u8]]) -> Result<(), ConnectionError> {
        let mut left: SmallVec<[IoSlice<'_>; 4]> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut left: &mut [IoSlice<'_>] = &mut left;
        IoSlice::advance_slices(&mut left, 0); // pieces without bytes at the front
        while !left.is_empty() {
            let written = tokio::select! {
                biased;
                written = self.socket.write_vectored(left) => written?,
                () = self.clock.sleep(self.max_silence) => return Err(ConnectionError::Stuck(self.max_silence)),
            };
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            self.sent.inc_by(written as u64);
            IoSlice::advance_slices(&mut left, written);
            self.turns.next().await;
        }
        Ok(())
    }

    /// Ends the stream, behind everything that was written.
    pub(super) async fn end(&mut self) {
        let _gone_already = self.socket.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::peer::frame::Kind;

    #[tokio::test(start_paused = true)]
    async fn a_frame_goes_out_in_pieces_as_there_is_room_and_not_for_ever() {
        let (ours, mut theirs) = tokio::io::duplex(10);
        let (_reader, ours) = tokio::io::split(ours);
        let silence = Duration::from_secs(3);
        let sent = Counter::default();
        let mut writer =
            FrameWriter::new(WriteHalf::Memory(ours), Clock::starting_at(0), silence, sent.clone());
        let message = Message::new(Kind::Raft, vec![7; 50].into());
        let mut came = [0; 59];
        let (written, read) = tokio::join!(writer.frame(&message), theirs.read_exact(&mut came));
        written.expect("somebody reads");
        read.expect("59 bytes");
        assert_eq!(sent.get(), 59);
        assert_eq!(came[..9], message.header().expect("small").encode());
        let stuck = writer.frame(&message).await.expect_err("nobody reads");
        assert!(matches!(stuck, ConnectionError::Stuck(_)), "{stuck}");
    }
}
