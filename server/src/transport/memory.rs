//! A network of several nodes in one process, for simulations: roads between them that can be slow, silent or broken, each direction by itself.
//!
//! ```text
//! node 2 ── stream ──► relay: waits while the road is silent, then for its delay ── stream ──► node 1
//!        ◄─ stream ──  relay of the way back, by the road of that direction      ◄─ stream ──
//! ```
//!
//! Like TCP, a road loses no byte of a stream: what is sent into silence arrives when the silence ends, unless the stream has been given up by then.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use concurrency_models::image::Image;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};

use super::{Dialed, Listener, MEMORY_STREAM_BYTES, MemoryConnector};
use crate::clock::Clock;
use crate::config::HostPort;
use crate::spawn::Spawner;

/// What becomes of bytes on their way from one node to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Road {
    /// They arrive at once.
    #[default]
    Open,
    /// They arrive after this time; what is sent in the meantime comes behind them, and takes as long again.
    Slow(Duration),
    /// They wait until the road is another one, and nobody is told.
    Silent,
    /// Streams break, and new ones are refused.
    Broken,
}

/// Bytes that a relay takes at once.
const RELAY_BYTES: usize = 16 << 10;

type Roads = BTreeMap<(HostPort, HostPort), Road>;

/// The network. Clones are the same one.
#[derive(Clone)]
pub struct MemoryNetwork {
    clock: Clock,
    spawner: Spawner,
    listeners: Arc<Image<BTreeMap<HostPort, MemoryConnector>>>,
    /// By (from, to); what is not here is open.
    roads: Arc<Image<Roads>>,
}

/// A node's place in the network: where its streams come from.
#[derive(Clone)]
pub struct MemoryEndpoint {
    network: MemoryNetwork,
    own: HostPort,
}

impl MemoryNetwork {
    /// A network without nodes, whose relays are tasks of `spawner`.
    pub fn new(clock: Clock, spawner: Spawner) -> Self {
        let listeners = Arc::new(Image::new(BTreeMap::new()));
        Self { clock, spawner, listeners, roads: Arc::new(Image::new(Roads::new())) }
    }

    /// Listens at `address`. A listener that was there before gets no streams any more.
    pub fn listen(&self, address: &HostPort) -> Listener {
        let (listener, connector) = Listener::memory();
        self.listeners.update(|listeners| {
            let mut listeners = listeners.clone();
            listeners.insert(address.clone(), connector.clone());
            listeners
        });
        listener
    }

    /// The place of the node that is called `own`: by the address that it listens at, if it does.
    pub fn endpoint(&self, own: &HostPort) -> MemoryEndpoint {
        MemoryEndpoint { network: self.clone(), own: own.clone() }
    }

    /// Changes the road from one node to another; the way back is a road of its own.
    pub fn set_road(&self, from: &HostPort, to: &HostPort, road: Road) {
        self.roads.update(|roads| {
            let mut roads = roads.clone();
            roads.insert((from.clone(), to.clone()), road);
            roads
        });
    }

    /// Changes both directions.
    pub fn set_roads_between(&self, one: &HostPort, other: &HostPort, road: Road) {
        self.set_road(one, other, road);
        self.set_road(other, one, road);
    }

    /// Waits until `look` sees something in the roads.
    async fn wait_for<T>(&self, look: impl Fn(&Roads) -> Option<T>) -> T {
        loop {
            let version = self.roads.version(); // before the look: a change between the two is not slept through
            if let Some(seen) = look(&self.roads.load()) {
                return seen;
            }
            let _never_closed = self.roads.at_least(version + 1).await;
        }
    }

    /// Waits until bytes may leave, and then as long as they take.
    async fn travel(&self, way: &(HostPort, HostPort)) {
        let delay = self.wait_for(|roads| match roads.get(way).copied().unwrap_or_default() {
            Road::Open => Some(Duration::ZERO),
            Road::Slow(delay) => Some(delay),
            Road::Silent | Road::Broken => None,
        });
        let delay = delay.await;
        if delay > Duration::ZERO {
            self.clock.sleep(delay).await;
        }
    }

    async fn broken(&self, one: &(HostPort, HostPort), other: &(HostPort, HostPort)) {
        self.wait_for(|roads| {
            let is_broken = |way| roads.get(way) == Some(&Road::Broken);
            (is_broken(one) || is_broken(other)).then_some(())
        })
        .await;
    }

    /// Carries bytes one way until their sender ends.
    ///
    /// # Errors
    /// Nobody takes them any more: the stream is broken, in both directions.
    async fn relay(
        &self,
        way: &(HostPort, HostPort),
        mut from: ReadHalf<DuplexStream>,
        mut to: WriteHalf<DuplexStream>,
    ) -> io::Result<()> {
        let mut bytes = vec![0; RELAY_BYTES];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            self.travel(way).await;
            to.write_all(&bytes[..count]).await?;
        }
        self.travel(way).await;
        to.shutdown().await
    }

    async fn relay_both(self, out: (HostPort, HostPort), near: DuplexStream, far: DuplexStream) {
        let back = (out.1.clone(), out.0.clone());
        let (near_reader, near_writer) = tokio::io::split(near);
        let (far_reader, far_writer) = tokio::io::split(far);
        tokio::select! {
            biased;
            () = self.broken(&out, &back) => {}
            _ = async {
                tokio::try_join!(self.relay(&out, near_reader, far_writer), self.relay(&back, far_reader, near_writer))
            } => {}
        }
    }
}

impl MemoryEndpoint {
    pub(super) async fn connect(&self, address: &HostPort) -> io::Result<Dialed> {
        let (out, back) = ((self.own.clone(), address.clone()), (address.clone(), self.own.clone()));
        tokio::select! {
            biased;
            () = self.network.broken(&out, &back) => return Err(io::ErrorKind::ConnectionRefused.into()),
            () = async { self.network.travel(&out).await; self.network.travel(&back).await } => {}
        }
        let listener = self.network.listeners.load().get(address).cloned();
        let listener = listener.ok_or(io::ErrorKind::ConnectionRefused)?;
        let far = listener.connect(self.socket_address()).await?;
        let (ours, near) = tokio::io::duplex(MEMORY_STREAM_BYTES);
        let _ends_with_the_stream =
            self.network.spawner.task(self.network.clone().relay_both(out, near, far));
        let (reader, writer) = tokio::io::split(ours);
        Ok(Dialed { reader: Box::new(reader), writer: super::WriteHalf::Memory(writer) })
    }

    /// What the other side sees; a name that is no IP address stands for this machine.
    fn socket_address(&self) -> SocketAddr {
        let ip = self.own.host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        SocketAddr::new(ip, self.own.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u8) -> HostPort {
        HostPort::new(&format!("10.0.0.{number}"), 9192)
    }

    fn network() -> MemoryNetwork {
        MemoryNetwork::new(Clock::starting_at(0), Spawner::simulated())
    }

    /// A stream from node 2 to node 1: (what node 2 has, what node 1 has).
    async fn stream(network: &MemoryNetwork) -> (Dialed, super::super::Accepted) {
        let mut listener = network.listen(&place(1));
        let dialed = network.endpoint(&place(2)).connect(&place(1)).await.expect("a listener");
        (dialed, listener.accept().await.expect("a stream"))
    }

    async fn send(writer: &mut super::super::WriteHalf, bytes: &[u8]) {
        let written = writer.write_vectored(&[io::IoSlice::new(bytes)]).await;
        assert_eq!(written.expect("room for a few bytes"), bytes.len());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_listens() {
        let refused = network().endpoint(&place(2)).connect(&place(1)).await.err().expect("nobody is there");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_road_delays_one_direction_and_a_silent_one_keeps_what_is_sent() {
        let network = network();
        let (mut dialed, mut accepted) = stream(&network).await;
        assert_eq!(accepted.peer.ip(), place(2).host.parse::<IpAddr>().expect("an address"));
        network.set_road(&place(2), &place(1), Road::Slow(Duration::from_secs(3)));
        let from = network.clock.uptime();
        let mut two = [0; 2];
        send(&mut accepted.writer, b"no").await;
        dialed.reader.read_exact(&mut two).await.expect("the way back is open");
        assert_eq!(network.clock.uptime(), from);
        send(&mut dialed.writer, b"ab").await;
        accepted.reader.read_exact(&mut two).await.expect("it arrives");
        assert_eq!((&two, network.clock.uptime() - from), (b"ab", Duration::from_secs(3)));

        network.set_road(&place(2), &place(1), Road::Silent);
        send(&mut dialed.writer, b"cd").await;
        let mut reading = std::pin::pin!(accepted.reader.read_exact(&mut two));
        tokio::select! {
            biased;
            _ = &mut reading => panic!("nothing comes along a silent road"),
            () = network.clock.sleep(Duration::from_secs(60)) => {}
        }
        network.set_road(&place(2), &place(1), Road::Open);
        reading.await.expect("it arrives");
        assert_eq!(&two, b"cd");
    }

    #[tokio::test(start_paused = true)]
    async fn a_broken_road_ends_streams_and_refuses_new_ones() {
        let network = network();
        let (mut dialed, mut accepted) = stream(&network).await;
        network.set_road(&place(1), &place(2), Road::Broken);
        assert_eq!(dialed.reader.read(&mut [0; 2]).await.expect("an end"), 0);
        assert_eq!(accepted.reader.read(&mut [0; 2]).await.expect("an end"), 0);
        let refused = network.endpoint(&place(2)).connect(&place(1)).await.err().expect("it is broken");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
