//! A connection on which anything can be sent, one byte or one request at a time.

use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use chronik_kafka::message::{self, Request, Response};
use chronik_kafka::{RequestHeader, ResponseHeader, frame};

use super::{PATIENCE, Server};

/// One connection.
pub struct Raw {
    socket: TcpStream,
    last_correlation_id: i32,
}

/// A request that was sent and wants an answer.
#[must_use = "its answer comes before those of later requests"]
pub struct Sent<R> {
    correlation_id: i32,
    version: i16,
    response: PhantomData<R>,
}

impl Raw {
    /// Connects.
    pub fn connect(server: &Server) -> Self {
        Self::to(server.kafka)
    }

    /// Connects to whoever listens there.
    pub fn to(kafka: SocketAddr) -> Self {
        let socket = TcpStream::connect(kafka).expect("connected");
        socket.set_nodelay(true).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        socket.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Self { socket, last_correlation_id: 0 }
    }

    /// As the server names us in its log.
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("connected")
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        self.try_write(bytes).expect("written");
    }

    /// Sends bytes as they are, unless the server has hung up.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Says that nothing more will be sent.
    pub fn finish_writing(&mut self) {
        self.socket.shutdown(std::net::Shutdown::Write).expect("connected");
    }

    /// The bytes of a request.
    pub fn encode<R: Request>(&mut self, version: i16, request: &R) -> (Sent<R::Response>, Bytes) {
        self.last_correlation_id += 1;
        let correlation_id = self.last_correlation_id;
        let header = RequestHeader { api: R::API, version, correlation_id, client_id: Some("raw".into()) };
        let bytes = frame::request(&header, request).expect("the version can express it").into_bytes();
        (Sent { correlation_id, version, response: PhantomData }, bytes)
    }

    /// Sends a request; its answer can be taken later.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> Sent<R::Response> {
        let (sent, bytes) = self.encode(version, request);
        self.write(&bytes);
        sent
    }

    /// Sends a request that has no answer.
    pub fn tell<R: Request>(&mut self, version: i16, request: &R) {
        let _no_answer = self.send(version, request);
    }

    /// Takes the next answer, which must be that to `sent`.
    #[expect(clippy::needless_pass_by_value, reason = "an answer comes once")]
    pub fn receive<R: Response>(&mut self, sent: Sent<R>) -> R {
        let Sent { correlation_id, version, .. } = sent;
        let mut frame = self.frame().unwrap_or_else(|| panic!("hung up instead of answering {:?}", R::API));
        let header = ResponseHeader::decode(&mut frame, R::API, version).expect("a header");
        assert_eq!(header.correlation_id, correlation_id, "answers come in the order of the requests");
        message::decode(&frame, version).expect("an answer")
    }

    /// Sends a request and takes its answer.
    pub fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let sent = self.send(version, request);
        self.receive(sent)
    }

    /// The next frame; `None` if the server hangs up.
    pub fn frame(&mut self) -> Option<Bytes> {
        let mut prefix = [0; frame::PREFIX_LEN];
        self.read(&mut prefix)?;
        let mut body = vec![0; frame::length(prefix, usize::MAX).expect("a length")];
        self.read(&mut body)?;
        Some(body.into())
    }

    /// Asserts that the server hangs up and sends nothing before.
    pub fn expect_hung_up(&mut self) {
        let more = self.frame();
        assert!(more.is_none(), "the server should hang up, but sent {more:?}");
    }

    fn read(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.socket.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) if hung_up(&error) => None,
            Err(error) => panic!("reading: {error}"),
        }
    }
}

/// Whether an error means that the other side has closed, be it while we were sending.
pub fn hung_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}
