//! Just enough HTTP to read the metrics and the health of a server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::config::HostPort;

/// An answer.
pub(super) struct Answer {
    status: String,
    /// What stands behind the head.
    pub(super) body: String,
}

impl Answer {
    /// Whether it is what was asked for.
    pub(super) fn is_ok(&self) -> bool {
        self.status == "200"
    }
}

/// The answer to `GET path`.
///
/// # Errors
/// No connection, or no HTTP.
pub(super) async fn ask(address: &HostPort, path: &str) -> std::io::Result<Answer> {
    let mut socket = TcpStream::connect((address.host.as_str(), address.port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let read = || {
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some(Answer { status: head.split(' ').nth(1)?.to_owned(), body: body.to_owned() })
    };
    read().ok_or_else(|| nothing_of_use(address, path))
}

/// The body of `GET path`.
///
/// # Errors
/// No connection, or an answer other than 200.
pub(super) async fn get(address: &HostPort, path: &str) -> std::io::Result<String> {
    let answer = ask(address, path).await?;
    if answer.is_ok() { Ok(answer.body) } else { Err(nothing_of_use(address, path)) }
}

fn nothing_of_use(address: &HostPort, path: &str) -> std::io::Error {
    std::io::Error::other(format!("http://{address}{path} answered nothing of use"))
}

/// The value of a metric without labels.
pub(super) fn metric(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}
