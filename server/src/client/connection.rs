//! One connection: requests pipelined, answers in order.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use chronik_kafka::message::{self, Request};
use chronik_kafka::{ApiKey, RequestHeader, ResponseHeader, Str, frame};
use concurrency_models::mailbox;
use concurrency_models::reply::{self, Answer};
use tokio::net::TcpStream;

use super::pump::{self, Outgoing};
use super::versions::{self, Versions};
use super::{ClientError, Options};
use crate::config::HostPort;

/// A connection to one node. Clones share it; it closes when the last one is dropped and the last answer has come.
#[derive(Clone)]
pub struct Connection {
    outgoing: mailbox::Sender<Outgoing>,
    address: Arc<HostPort>,
    options: Arc<Options>,
    versions: Arc<Versions>,
}

/// An answer that is on its way.
#[derive(Debug)]
#[must_use = "the answer is lost"]
pub struct Pending<R> {
    frame: Answer<Result<Bytes, ClientError>>,
    connection: Connection,
    api: ApiKey,
    version: i16,
    response: PhantomData<fn() -> R>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects and asks the server which versions it speaks.
    ///
    /// # Errors
    /// No connection, or no Kafka server at its other end.
    pub async fn open(address: &HostPort, options: Options) -> Result<Self, ClientError> {
        let failed = |error| ClientError::Connect { address: address.clone(), error };
        let socket = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(failed)?;
        socket.set_nodelay(true).map_err(failed)?;
        let mut connection = Self {
            outgoing: pump::start(socket, address, &options),
            address: Arc::new(address.clone()),
            options: Arc::new(options),
            versions: Arc::new(Versions::unknown()),
        };
        connection.versions = Arc::new(versions::negotiate(&connection).await?);
        Ok(connection)
    }

    /// Where it leads.
    pub fn address(&self) -> &HostPort {
        &self.address
    }

    /// The version in which requests to `api` are sent.
    ///
    /// # Errors
    /// Client and server have none in common.
    pub fn version(&self, api: ApiKey) -> Result<i16, ClientError> {
        self.versions.choose(api, &self.address)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// See [`ClientError`]; an error code inside the answer is not one.
    pub async fn call<R: Request + Send + 'static>(&self, request: R) -> Result<R::Response, ClientError> {
        let version = self.version(R::API)?;
        self.submit(request, version).await?.wait().await
    }

    /// Sends a request; its answer can be waited for later. Waits while too many are under way.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn submit<R: Request + Send + 'static>(
        &self,
        request: R,
        version: i16,
    ) -> Result<Pending<R::Response>, ClientError> {
        let (reply, frame) = reply::channel();
        self.put(request, version, Some(reply)).await?;
        Ok(Pending { frame, connection: self.clone(), api: R::API, version, response: PhantomData })
    }

    /// Sends a request that the server does not answer (produce with acks=0).
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn tell<R: Request + Send + 'static>(&self, request: R) -> Result<(), ClientError> {
        let version = self.version(R::API)?;
        self.put(request, version, None).await
    }

    async fn put<R: Request + Send + 'static>(
        &self,
        request: R,
        version: i16,
        reply: Option<reply::Reply<Result<Bytes, ClientError>>>,
    ) -> Result<(), ClientError> {
        let client_id = Some(Str::from(self.options.client_id.as_str()));
        let encode = move |correlation_id| {
            frame::request(&RequestHeader { api: R::API, version, correlation_id, client_id }, &request)
        };
        let outgoing = Outgoing { encode: Box::new(encode), reply };
        self.outgoing.send(outgoing).await.map_err(|_| self.ended())
    }

    fn ended(&self) -> ClientError {
        ClientError::Closed { address: HostPort::clone(&self.address), reason: "it is closed".to_owned() }
    }
}

impl<R: message::Response> Pending<R> {
    /// The answer.
    ///
    /// # Errors
    /// See [`ClientError`]; an error code inside the answer is not one.
    pub async fn wait(self) -> Result<R, ClientError> {
        let (connection, api, version) = (self.connection.clone(), self.api, self.version);
        let body = self.body().await?;
        message::decode(&body, version)
            .map_err(|error| ClientError::undecodable(&connection.address, api, &error))
    }

    /// The answer's body, not decoded.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn body(mut self) -> Result<Bytes, ClientError> {
        let (address, options) = (&self.connection.address, &self.connection.options);
        let answered = tokio::select! {
            biased;
            answered = self.frame.wait() => answered,
            () = options.clock.sleep(options.timeout) => return Err(ClientError::Timeout {
                address: HostPort::clone(address),
                api: self.api,
                seconds: options.timeout.as_secs(),
            }),
        };
        let mut frame = answered.unwrap_or_else(|_| Err(self.connection.ended()))?;
        ResponseHeader::decode(&mut frame, self.api, self.version)
            .map_err(|error| ClientError::undecodable(address, self.api, &error))?;
        Ok(frame)
    }
}
