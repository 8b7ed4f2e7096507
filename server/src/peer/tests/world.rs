//! Some nodes that are connections and nothing else, on a virtual clock and a network in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concurrency_models::mailbox::{self, Receiver, Sender};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::{Config, HostPort};
use crate::peer::frame::Kind;
use crate::peer::hello::{Refusal, VERSIONS};
use crate::peer::message::Message;
use crate::peer::reader::FrameReader;
use crate::peer::writer::FrameWriter;
use crate::peer::{
    Answering, Handler, Hello, Identity, Inbound, NodeId, Peers, Purpose, Settings, Surroundings,
};
use crate::rng::Rng;
use crate::spawn::Spawner;
use crate::telemetry::{Metrics, Watchdog};
use crate::transport::{Connector, Dialed, Listener, MemoryNetwork};

pub(super) const CLUSTER: Uuid = Uuid::from_u128(7);

/// Kinds of requests.
pub(super) const ECHO: u16 = 1;
pub(super) const NEVER: u16 = 2;
pub(super) const AFTER_TWO_SECONDS: u16 = 3;
pub(super) const ENORMOUS: u16 = 4;

/// Pieces of data of this length and above are not recorded.
pub(super) const FLOOD_BYTES: usize = 20_000;

/// What a node hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    Heartbeat(NodeId, Bytes),
    Raft(NodeId, Bytes),
    Data(NodeId, Bytes),
    Connected(NodeId),
    Lost(NodeId),
}

struct Recorder {
    events: Sender<Event>,
    clock: Clock,
    welcomes: fn(&Hello) -> bool,
}

impl Recorder {
    fn record(&self, event: Event) {
        self.events.try_send(event).expect("room for what a test hears");
    }
}

impl Handler for Recorder {
    fn refuses(&self, peer: &Hello) -> Option<Refusal> {
        (!(self.welcomes)(peer)).then_some(Refusal::Unwelcome { id: peer.node_id })
    }
    fn heartbeat(&self, from: NodeId, bytes: Bytes) {
        self.record(Event::Heartbeat(from, bytes));
    }
    fn raft(&self, from: NodeId, bytes: Bytes) {
        self.record(Event::Raft(from, bytes));
    }
    fn data(&self, from: NodeId, bytes: Bytes) {
        if bytes.len() < FLOOD_BYTES {
            return self.record(Event::Data(from, bytes));
        }
        let work = (0..100).fold(0, |sum, _| crc32c::crc32c_append(sum, &bytes)); // slower than the sender
        std::hint::black_box(work);
    }
    fn request(&self, _from: NodeId, kind: u16, bytes: Bytes) -> Answering {
        let clock = self.clock.clone();
        Box::pin(async move {
            match kind {
                ECHO => Some(bytes),
                NEVER => std::future::pending().await,
                AFTER_TWO_SECONDS => {
                    clock.sleep(Duration::from_secs(2)).await;
                    Some(bytes)
                }
                ENORMOUS => Some(vec![0; crate::limits::MAX_PEER_REQUEST_BYTES].into()),
                _ => None,
            }
        })
    }
    fn connected(&self, node: NodeId, _purpose: Purpose) {
        self.record(Event::Connected(node));
    }
    fn lost(&self, node: NodeId, _purpose: Purpose) {
        self.record(Event::Lost(node));
    }
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) network: MemoryNetwork,
    pub(super) spawner: Spawner,
}

pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) identity: Identity,
    pub(super) peers: Peers,
    pub(super) inbound: Inbound,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
    events: Receiver<Event>,
}

pub(super) fn place(id: NodeId) -> HostPort {
    HostPort::new(&format!("10.0.0.{id}"), 9192)
}

pub(super) fn settings() -> Settings {
    Settings::new(&Config::default())
}

impl World {
    pub(super) fn new() -> Self {
        let (clock, spawner) = (Clock::starting_at(0), Spawner::simulated());
        let network = MemoryNetwork::new(clock.clone(), spawner.clone());
        Self { clock, network, spawner }
    }

    /// A node of the cluster that welcomes everybody and listens.
    pub(super) fn node(&self, id: NodeId) -> Node {
        self.node_of(id, Some(CLUSTER), |_| true)
    }

    pub(super) fn node_of(&self, id: NodeId, cluster: Option<Uuid>, welcomes: fn(&Hello) -> bool) -> Node {
        let connector = Connector::Memory(self.network.endpoint(&place(id)));
        let node = Node::new(id, cluster, welcomes, (&self.clock, &self.spawner), connector);
        node.listen(&self.spawner, self.network.listen(&place(id)));
        node
    }

    /// Nodes 1 and 2, and 2 is connected to 1.
    pub(super) async fn two(&self) -> (Node, Node) {
        let (one, mut two) = (self.node(1), self.node(2));
        two.peers.add(1, &place(1));
        assert_eq!(two.event().await, Event::Connected(1));
        (one, two)
    }

    /// A stream as if from node `from`, without any hello.
    pub(super) async fn raw(&self, from: NodeId, to: NodeId) -> Raw {
        let connector = Connector::Memory(self.network.endpoint(&place(from)));
        let dialed = connector.connect(&place(to)).await.expect("a listener");
        Raw::new(&self.clock, dialed)
    }
}

impl Node {
    pub(super) fn new(
        id: NodeId,
        cluster: Option<Uuid>,
        welcomes: fn(&Hello) -> bool,
        (clock, spawner): (&Clock, &Spawner),
        connector: Connector,
    ) -> Self {
        let (sender, events) = mailbox::channel(100_000);
        let identity = Identity::new(id, 1, cluster);
        let metrics = Metrics::new();
        let surroundings = Surroundings {
            identity: identity.clone(),
            handler: Arc::new(Recorder { events: sender, clock: clock.clone(), welcomes }),
            settings: settings(),
            clock: clock.clone(),
            spawner: spawner.clone(),
            metrics: metrics.clone(),
        };
        let peers = Peers::new(surroundings.clone(), connector, Purpose::Control, &mut Rng::seeded(id));
        let inbound = Inbound::new(surroundings);
        Self { id, identity, peers, inbound, metrics, clock: clock.clone(), events }
    }

    pub(super) fn listen(&self, spawner: &Spawner, listener: Listener) {
        let watchdog = Watchdog::new(self.clock.clone(), self.metrics.clone(), Duration::from_secs(10));
        let pulse = watchdog.register("inter-node-listener", Duration::from_secs(5));
        let _ends_when_closed = spawner.task(self.inbound.clone().run(listener, pulse));
    }

    /// The next thing that it hears; within a minute.
    pub(super) async fn event(&mut self) -> Event {
        tokio::select! {
            biased;
            event = self.events.recv() => event.expect("the node lives"),
            () = self.clock.sleep(Duration::from_secs(60)) => panic!("node {} hears nothing: {:?}", self.id, self.peers.status()),
        }
    }

    /// The next thing that it has heard, if there is one.
    pub(super) fn event_now(&mut self) -> Option<Event> {
        self.events.try_recv()
    }

    /// Nothing is heard for this long.
    pub(super) async fn hears_nothing_for(&mut self, time: Duration) {
        tokio::select! {
            biased;
            event = self.events.recv() => panic!("node {} hears {event:?}", self.id),
            () = self.clock.sleep(time) => {}
        }
    }

    /// Why there is no connection to `peer`, once that is known.
    pub(super) async fn trouble(&self, peer: NodeId) -> String {
        for _ in 0..1_000 {
            let status = self.peers.status().into_iter().find(|status| status.node == peer);
            if let Some(trouble) = status.expect("a peer").trouble {
                return trouble;
            }
            self.clock.sleep(Duration::from_millis(10)).await;
        }
        panic!("node {} has no trouble with node {peer}", self.id);
    }

    pub(super) fn send_raft(&self, to: NodeId, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.peers.raft(to, numbered(number)).expect("room");
        }
    }
}

pub(super) fn numbered(number: u32) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// A stream whose bytes a test writes and reads itself.
pub(super) struct Raw {
    pub(super) reader: FrameReader,
    pub(super) writer: FrameWriter,
}

impl Raw {
    pub(super) fn new(clock: &Clock, Dialed { reader, writer }: Dialed) -> Self {
        let patience = Duration::from_secs(60);
        let reader = FrameReader::new(reader, clock.clone(), patience, Default::default());
        Self { reader, writer: FrameWriter::new(writer, clock.clone(), patience, Default::default()) }
    }

    /// Says who it is, and hears whom it has reached.
    pub(super) async fn greet(&mut self, own: NodeId, to: NodeId) {
        let hello = Identity::new(own, 1, Some(CLUSTER)).hello(to, Purpose::Control);
        let message = Message::new(Kind::Hello, hello.encode());
        self.writer.pieces(&[&VERSIONS.preamble()]).await.expect("a stream");
        self.writer.frame(&message).await.expect("a stream");
        let _preamble: [u8; 12] = self.reader.exactly().await.expect("a preamble");
        assert_eq!(self.reader.frame(|_| true).await.expect("an answer").kind, Kind::Hello);
    }

    /// Hears who has dialed, and says that it is node `own`.
    pub(super) async fn be_dialed(&mut self, own: NodeId, by: NodeId) {
        let _preamble: [u8; 12] = self.reader.exactly().await.expect("a preamble");
        assert_eq!(self.reader.frame(|_| true).await.expect("a hello").kind, Kind::Hello);
        let hello = Identity::new(own, 1, Some(CLUSTER)).hello(by, Purpose::Control);
        self.writer.pieces(&[&VERSIONS.preamble()]).await.expect("a stream");
        self.writer.frame(&Message::new(Kind::Hello, hello.encode())).await.expect("a stream");
    }

    /// Why the other side has ended the stream, as far as it can be seen from here; keepalives are passed over.
    pub(super) async fn end(&mut self) -> String {
        loop {
            match self.reader.frame(|_| true).await {
                Ok(frame) => assert_eq!(frame.kind, Kind::Keepalive),
                Err(error) => return error.to_string(),
            }
        }
    }
}
