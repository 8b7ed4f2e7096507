//! One connection: a reader that begins requests in the order they come, and a writer that answers them in the same order.
//!
//! Beginning a request fixes its place in the log, so that pipelined produces keep their order; everything that takes time is left to the writer. When
//! the mailbox between the two is full, the reader stops reading, and the client feels it.

use std::io::{self, IoSlice};
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use chronik_kafka::{Segment, Segments};
use chronik_log::Region;
use concurrency_models::mailbox::{self, Receiver, Sender};

use super::frame_reader::{Frame, FrameReader, ReadError};
use super::patience::Patience;
use crate::broker::{Begun, Broker, Delivery, FetchSessions, Pipeline, Reply};
use crate::clock::Clock;
use crate::limits;
use crate::shutdown::Shutdown;
use crate::transport::{Accepted, WriteHalf};

/// What all connections share.
#[derive(Clone)]
pub struct Shared {
    /// Carries the requests out.
    pub broker: Broker,
    /// What time it is.
    pub clock: Clock,
    /// Ends the reading.
    pub shutdown: Shutdown,
    /// `connections.max.idle.ms`; `None` for ever.
    pub max_idle: Option<Duration>,
    /// `socket.request.max.bytes`
    pub max_request_bytes: usize,
    /// Requests of one connection under way.
    pub max_in_flight: usize,
}

/// Serves one connection until it ends, by whichever side.
pub async fn serve(shared: Shared, accepted: Accepted) {
    let Accepted { peer, reader, writer } = accepted;
    let (begun, to_answer) = mailbox::channel(shared.max_in_flight);
    let frames = FrameReader::new(reader, patience(&shared), shared.max_request_bytes);
    let mut reading = pin!(read(&shared, frames, begun, peer.ip()));
    let gone = Shutdown::new();
    let mut writing = pin!(write(&shared, writer, to_answer, &gone));
    // The reader ends first and closes the mailbox; or the writer does, and then there is nothing left to read for.
    let (read, written) = tokio::select! {
        biased;
        read = &mut reading => {
            gone.request(); // what waits for others is not waited for any more
            (read, writing.await)
        }
        written = &mut writing => (Ok(()), written),
    };
    let metrics = &shared.broker.metrics;
    if let Err(error) = read {
        metrics.frame_rejected(reason(&error));
        tracing::info!(%peer, %error, "connection closed");
    } else if let Err(error) = written {
        metrics.frame_rejected("write");
        tracing::info!(%peer, %error, "connection closed");
    }
}

fn patience(shared: &Shared) -> Patience {
    let budgets = [shared.broker.request_memory.clone(), shared.broker.response_memory.clone()];
    Patience { clock: shared.clock.clone(), budgets }
}

/// A short name for metrics.
fn reason(error: &EndOfConnection) -> &'static str {
    match error {
        EndOfConnection::Read(ReadError::Io(_) | ReadError::Cut | ReadError::Stalled(_)) => "read",
        EndOfConnection::Read(ReadError::Frame(_) | ReadError::TooLarge { .. }) => "frame",
        EndOfConnection::Read(ReadError::Closed) => "shutdown",
        EndOfConnection::Request(_) => "request",
        EndOfConnection::Idle(_) => "idle",
    }
}

/// Why a connection was closed by this side, or broken.
#[derive(Debug, thiserror::Error)]
enum EndOfConnection {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}")]
    Request(String),
    #[error("no request for {0:?} (connections.max.idle.ms)")]
    Idle(Duration),
}

async fn read(
    shared: &Shared,
    mut frames: FrameReader,
    begun: Sender<Begun>,
    peer: std::net::IpAddr,
) -> Result<(), EndOfConnection> {
    let mut pipeline = Pipeline::default();
    while let Some(Frame { bytes, memory }) = next_frame(shared, &mut frames).await? {
        let request = shared
            .broker
            .begin(&mut pipeline, bytes, memory, peer)
            .map_err(|error| EndOfConnection::Request(error.to_string()))?;
        if begun.send(request).await.is_err() {
            break; // the writer has ended and says why
        }
    }
    Ok(())
}

/// The next frame; `None` at the end of the stream and at shutdown.
async fn next_frame(shared: &Shared, frames: &mut FrameReader) -> Result<Option<Frame>, EndOfConnection> {
    let length = tokio::select! {
        biased;
        length = frames.length() => length?,
        () = shared.shutdown.requested() => None,
        idle = idle(shared) => return Err(EndOfConnection::Idle(idle)),
    };
    let Some(length) = length else { return Ok(None) };
    tokio::select! {
        biased;
        frame = frames.body(length) => Ok(Some(frame?)),
        idle = idle(shared) => Err(EndOfConnection::Idle(idle)),
    }
}

async fn idle(shared: &Shared) -> Duration {
    match shared.max_idle {
        Some(max_idle) => {
            shared.clock.sleep(max_idle).await;
            max_idle
        }
        None => std::future::pending().await,
    }
}

async fn write(
    shared: &Shared,
    mut socket: WriteHalf,
    mut begun: Receiver<Begun>,
    gone: &Shutdown,
) -> io::Result<()> {
    let (mut sessions, patience) = (FetchSessions::default(), patience(shared));
    let delivery = if socket.sends_files() { Delivery::Files } else { Delivery::Memory };
    while let Some(request) = begun.recv().await {
        match shared.broker.finish(request, &mut sessions, delivery, gone).await {
            Reply::None => {}
            Reply::Bytes { segments, regions, memory: _held_until_written } => {
                write_segments(&mut socket, segments, &regions, &patience).await?;
            }
            Reply::Close(error) => return Err(io::Error::other(error)),
        }
    }
    socket.shutdown().await
}

/// Writes buffers as they are, and holes from their regions.
async fn write_segments(
    socket: &mut WriteHalf,
    segments: Segments,
    regions: &[Region],
    patience: &Patience,
) -> io::Result<()> {
    let mut buffers: Vec<Bytes> = Vec::new();
    for segment in segments {
        match segment {
            Segment::Bytes(bytes) => buffers.push(bytes),
            Segment::Hole(hole) => {
                write_buffers(socket, std::mem::take(&mut buffers), patience).await?;
                let region = regions.get(hole.id).ok_or(io::ErrorKind::NotFound)?;
                send_region(socket, region, patience).await?;
            }
        }
    }
    write_buffers(socket, buffers, patience).await
}

async fn write_buffers(socket: &mut WriteHalf, mut left: Vec<Bytes>, patience: &Patience) -> io::Result<()> {
    left.reverse(); // the next one last, so that it can be popped
    while !left.is_empty() {
        let slices: smallvec::SmallVec<[IoSlice<'_>; 8]> =
            left.iter().rev().take(limits::MAX_WRITE_SLICES).map(|bytes| IoSlice::new(bytes)).collect();
        let written = patience.with(socket.write_vectored(&slices)).await.map_err(io::Error::other)??;
        drop(slices);
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        advance(&mut left, written);
    }
    Ok(())
}

async fn send_region(socket: &mut WriteHalf, region: &Region, patience: &Patience) -> io::Result<()> {
    let file = region.file.descriptor().ok_or(io::ErrorKind::Unsupported)?;
    let mut sent = 0;
    while sent < region.len {
        let sending = socket.send_file(file, region.position + sent as u64, region.len - sent);
        sent += patience.with(sending).await.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Takes `written` bytes off the front, which is the end of `left`.
fn advance(left: &mut Vec<Bytes>, mut written: usize) {
    while let Some(front) = left.last_mut() {
        if written < front.len() {
            front.advance(written);
            return;
        }
        written -= front.len();
        left.pop();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use chronik_kafka::Records;
    use chronik_kafka::message::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
    use chronik_kafka::{Hole, frame};
    use chronik_log::disk::{Disk as _, OpenMode, RealDisk};
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use concurrency_models::budget::Budget;

    use super::*;

    /// A frame with one hole of this length.
    fn holed(len: usize) -> Segments {
        let records = Some(Records::Elsewhere(Hole { id: 0, len }));
        let topic = FetchableTopicResponse {
            partitions: vec![PartitionData { records, ..Default::default() }],
            ..Default::default()
        };
        let response = FetchResponse { responses: vec![topic], ..Default::default() };
        frame::response(1, 12, &response).expect("encodes")
    }

    /// Writes to one end of a TCP connection and returns what comes out of the other, and how the writing ended.
    async fn through_tcp(segments: Segments, region: Region) -> (Vec<u8>, io::Result<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("a listener");
        let (_reader, writer) = listener.accept().await.expect("a client").0.into_split();
        let writing = async move {
            let mut socket = WriteHalf::Tcp(writer);
            let patience =
                Patience { clock: Clock::starting_at(0), budgets: [Budget::new(1), Budget::new(1)] };
            write_segments(&mut socket, segments, &[region], &patience).await
        };
        let mut came = Vec::new();
        let (written, read) = tokio::join!(writing, client.read_to_end(&mut came));
        read.expect("the connection ends with its writer");
        (came, written)
    }

    /// A region of `len` bytes from the third on, in a file of `file_len`.
    fn region(folder: &tempfile::TempDir, file_len: usize, len: usize) -> (Region, Vec<u8>) {
        let bytes: Vec<u8> = (0..=250).cycle().take(file_len).collect();
        let file =
            RealDisk::open(folder.path()).and_then(|disk| disk.open("file".as_ref(), OpenMode::Create));
        let file = file.expect("a file");
        file.write_all_at(&mut [IoSlice::new(&bytes)], 0).expect("written");
        (Region { file, position: 3, len }, bytes)
    }

    #[tokio::test]
    async fn a_region_goes_out_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (region, bytes) = region(&folder, 5_000_000, 4_900_000); // more than a socket takes at once
        let (came, written) = through_tcp(holed(region.len), region).await;
        written.expect("written");
        let mut expected = Vec::new();
        for segment in holed(4_900_000) {
            match segment {
                Segment::Bytes(buffer) => expected.extend_from_slice(&buffer),
                Segment::Hole(_) => expected.extend_from_slice(&bytes[3..4_900_003]),
            }
        }
        assert!(came == expected, "{} bytes came, {} were expected", came.len(), expected.len());
    }

    #[tokio::test]
    async fn a_file_that_lost_its_end_ends_the_connection() {
        let folder = tempfile::tempdir().expect("a folder");
        let (region, _) = region(&folder, 50_000, 60_000);
        let (came, written) = through_tcp(holed(region.len), region).await;
        assert_eq!(written.expect_err("the file is too short").kind(), io::ErrorKind::UnexpectedEof);
        assert!((49_997..60_000).contains(&came.len()), "{} bytes came", came.len());
    }

    #[test]
    fn a_partial_write_goes_on_where_it_stopped() {
        let mut left = vec![Bytes::from_static(b"cd"), Bytes::from_static(b"ab")];
        advance(&mut left, 1);
        assert_eq!(left, ["cd", "b"]);
        advance(&mut left, 2);
        assert_eq!(left, ["d"]);
        advance(&mut left, 1);
        assert!(left.is_empty());
    }
}
