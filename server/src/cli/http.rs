//! Just enough HTTP to read the metrics of a server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::HostPort;

/// The body of `GET path`.
///
/// # Errors
/// No connection, or an answer other than 200.
pub(super) async fn get(address: &HostPort, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect((address.host.as_str(), address.port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let wrong = || std::io::Error::other(format!("http://{address}{path} answered nothing of use"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(wrong)?;
    if head.split(' ').nth(1) == Some("200") { Ok(body.to_owned()) } else { Err(wrong()) }
}

/// The value of a metric without labels.
pub(super) fn metric(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}
