//! The network seam: a listener accepts streams, a connector makes them, a stream is a reading and a writing half.
//!
//! Nobody above knows what a stream is made of, neither clients' connections nor those between nodes: TLS is one more kind of listener, connector and half, and what is sent by the kernel
//! from a file ([`WriteHalf::sends_files`]) is read and written where it does not work.

mod memory;
mod tcp;

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use concurrency_models::mailbox::{self, Receiver, Sender};
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, Interest};
use tokio::net::TcpListener;
use tokio::net::tcp::OwnedWriteHalf;

pub use memory::{MemoryEndpoint, MemoryNetwork, Road};

use crate::config::HostPort;

/// The half of a stream that bytes come from.
pub type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;

/// The half of a stream that bytes go to.
pub enum WriteHalf {
    /// To a TCP socket.
    Tcp(OwnedWriteHalf),
    /// To another task of this process.
    Memory(tokio::io::WriteHalf<DuplexStream>),
}

impl WriteHalf {
    /// Whether [`send_file`](Self::send_file) works.
    pub fn sends_files(&self) -> bool {
        matches!(self, Self::Tcp(_))
    }

    /// Writes some of the bytes; returns how many.
    ///
    /// # Errors
    /// The stream is broken.
    pub async fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write_vectored(slices).await,
            Self::Memory(stream) => stream.write_vectored(slices).await,
        }
    }

    /// Has the kernel send some of `len` bytes of a file, from `position` on; returns how many. Waits for the socket; for the disk it
    /// blocks the thread, so the bytes should be in the page cache.
    ///
    /// # Errors
    /// The stream is broken, the file ends, or this is no socket.
    pub async fn send_file(&mut self, file: BorrowedFd<'_>, position: u64, len: usize) -> io::Result<usize> {
        let Self::Tcp(socket) = self else { return Err(io::ErrorKind::Unsupported.into()) };
        let socket = socket.as_ref();
        let sent = socket.async_io(Interest::WRITABLE, || {
            Ok(rustix::fs::sendfile(socket, file, Some(&mut { position }), len)?)
        });
        match sent.await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than it was")),
            sent => Ok(sent),
        }
    }

    /// Has the operating system break the stream when the other side takes nothing for `limit`: its machine may be gone, and then nobody says so.
    /// In memory there is no such thing.
    ///
    /// # Errors
    /// The operating system does not know how, or the stream is broken.
    pub fn break_after(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => tcp::break_after(socket.as_ref(), limit),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Ends the stream, after everything that was written.
    ///
    /// # Errors
    /// The stream is broken.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.shutdown().await,
            Self::Memory(stream) => stream.shutdown().await,
        }
    }
}

/// An accepted stream.
pub struct Accepted {
    /// Who has connected.
    pub peer: SocketAddr,
    /// What they send.
    pub reader: ReadHalf,
    /// What they get.
    pub writer: WriteHalf,
}

/// A stream to an address.
pub struct Dialed {
    /// What the other side sends.
    pub reader: ReadHalf,
    /// What it gets.
    pub writer: WriteHalf,
}

/// Makes streams to addresses. Cheap to clone.
#[derive(Clone)]
pub enum Connector {
    /// Over TCP.
    Tcp,
    /// To other nodes of this process, for simulations.
    Memory(MemoryEndpoint),
}

impl Connector {
    /// A stream to whoever listens at `address`. A name is looked up each time. It may take as long as the operating system likes: whoever
    /// calls sets a limit.
    ///
    /// *Cancel-safety*: dropped before it is ready, there is no stream.
    ///
    /// # Errors
    /// Nobody listens there, or the network leads nowhere.
    pub async fn connect(&self, address: &HostPort) -> io::Result<Dialed> {
        match self {
            Self::Tcp => tcp::connect(address).await,
            Self::Memory(endpoint) => endpoint.connect(address).await,
        }
    }
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
    /// Listens on TCP; returns the address with the port that was taken, which differs from `address` if that says 0.
    ///
    /// # Errors
    /// The address is taken, or is none of this machine.
    pub async fn bind(address: &HostPort) -> io::Result<(Self, HostPort)> {
        tcp::bind(address).await
    }

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
                Ok(Accepted { peer, reader: Box::new(reader), writer: WriteHalf::Tcp(writer) })
            }
            Self::Memory(streams) => {
                let (peer, stream) = streams.recv().await.ok_or(io::ErrorKind::NotConnected)?;
                let (reader, writer) = tokio::io::split(stream);
                Ok(Accepted { peer, reader: Box::new(reader), writer: WriteHalf::Memory(writer) })
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
