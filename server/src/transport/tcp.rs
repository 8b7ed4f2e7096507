//! Streams over TCP.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::{Dialed, Listener, WriteHalf};
use crate::config::HostPort;

/// Probes of an idle stream within the time in which the other side's death is to be noticed.
const PROBES: u32 = 3;

pub(super) async fn bind(address: &HostPort) -> io::Result<(Listener, HostPort)> {
    let listener = TcpListener::bind((address.host.as_str(), address.port)).await?;
    let port = listener.local_addr()?.port();
    Ok((Listener::Tcp(listener), HostPort { port, ..address.clone() }))
}

pub(super) async fn connect(address: &HostPort) -> io::Result<Dialed> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    Ok(Dialed { reader: Box::new(reader), writer: WriteHalf::Tcp(writer) })
}

/// Bytes that nobody acknowledges break the stream by the user timeout (RFC 5482), an idle one is probed.
pub(super) fn break_after(stream: &TcpStream, limit: Duration) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(limit))?;
    let every = (limit / PROBES).max(Duration::from_secs(1)); // the option counts in seconds
    let keepalive = TcpKeepalive::new().with_time(every).with_interval(every).with_retries(PROBES);
    socket.set_tcp_keepalive(&keepalive)
}
