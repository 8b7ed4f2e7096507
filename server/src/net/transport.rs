//! The network seam: a listener accepts streams, a stream is a reading and a writing half.

use std::io;
use std::net::SocketAddr;

use concurrency_models::mailbox::{self, Receiver, Sender};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;

/// The half of a stream that bytes come from.
pub type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;
/// The half of a stream that bytes go to.
pub type WriteHalf = Box<dyn AsyncWrite + Send + Unpin>;

/// An accepted stream.
pub struct Accepted {
    /// Who has connected.
    pub peer: SocketAddr,
    /// What they send.
    pub reader: ReadHalf,
    /// What they get.
    pub writer: WriteHalf,
}

/// Where streams come from.
pub enum Listener {
    /// A TCP port.
    Tcp(TcpListener),
    /// Streams made in this process, for simulations.
    Memory(Receiver<(SocketAddr, DuplexStream)>),
}

/// Connects to a [`Listener::Memory`].
#[derive(Clone)]
pub struct MemoryConnector(Sender<(SocketAddr, DuplexStream)>);

/// Connections that wait to be accepted (the backlog).
const MEMORY_BACKLOG: usize = 128;
/// Bytes on their way in each direction of a stream in memory.
const MEMORY_STREAM_BYTES: usize = 64 << 10;

impl Listener {
    /// A listener in memory, and how to connect to it.
    pub fn memory() -> (Self, MemoryConnector) {
        let (sender, receiver) = mailbox::channel(MEMORY_BACKLOG);
        (Self::Memory(receiver), MemoryConnector(sender))
    }

    /// The next stream.
    ///
    /// # Errors
    /// The operating system's, which may pass (out of file descriptors); `NotConnected` when no stream can come any more.
    pub async fn accept(&mut self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                Ok(Accepted { peer, reader: Box::new(reader), writer: Box::new(writer) })
            }
            Self::Memory(streams) => {
                let (peer, stream) = streams.recv().await.ok_or(io::ErrorKind::NotConnected)?;
                let (reader, writer) = tokio::io::split(stream);
                Ok(Accepted { peer, reader: Box::new(reader), writer: Box::new(writer) })
            }
        }
    }
}

impl MemoryConnector {
    /// A stream to the listener, as if from `peer`.
    ///
    /// # Errors
    /// `ConnectionRefused` when the listener is gone.
    pub async fn connect(&self, peer: SocketAddr) -> io::Result<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(MEMORY_STREAM_BYTES);
        self.0.send((peer, theirs)).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        Ok(ours)
    }
}
