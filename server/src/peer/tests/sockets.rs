//! The same over TCP, on the clock of the machine.

use std::time::Duration;

use super::world::{CLUSTER, ECHO, Event, FLOOD_BYTES, Node, numbered};
use crate::clock::Clock;
use crate::config::HostPort;
use crate::spawn::Spawner;
use crate::transport::{Connector, Listener};

struct Sockets {
    clock: Clock,
    spawner: Spawner,
}

impl Sockets {
    fn new() -> Self {
        Self { clock: Clock::system(), spawner: Spawner::threads() }
    }

    /// A node that listens at `address`, and where that is.
    async fn node(&self, id: u64, address: &HostPort) -> (Node, HostPort) {
        let (listener, bound) = Listener::bind(address).await.expect("a free port");
        let node = Node::new(id, Some(CLUSTER), |_| true, (&self.clock, &self.spawner), Connector::Tcp);
        node.listen(&self.spawner, listener);
        (node, bound)
    }
}

fn any_port() -> HostPort {
    HostPort::new("127.0.0.1", 0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_talk_over_tcp_and_find_each_other_after_a_restart() {
    let sockets = Sockets::new();
    let ((mut one, at), (mut two, _)) =
        (sockets.node(1, &any_port()).await, sockets.node(2, &any_port()).await);
    two.peers.add(1, &at);
    assert_eq!(two.event().await, Event::Connected(1));
    let large = vec![7; 10 << 20];
    two.peers.raft(1, large.clone().into()).expect("room");
    two.send_raft(1, 0..100);
    assert_eq!(one.event().await, Event::Raft(2, large.into()));
    for number in 0..100 {
        assert_eq!(one.event().await, Event::Raft(2, numbered(number)));
    }
    let answer = two.peers.request(1, ECHO, numbered(1), Duration::from_secs(60)).await;
    assert_eq!(answer, Ok(numbered(1)));

    one.inbound.close().await;
    assert_eq!(two.event().await, Event::Lost(1));
    drop(one);
    let (mut one, _) = sockets.node(1, &at).await;
    assert_eq!(two.event().await, Event::Connected(1));
    two.send_raft(1, 5..6);
    assert_eq!(one.event().await, Event::Raft(2, numbered(5)));
    two.peers.close().await;
    one.inbound.close().await;
    assert_eq!((two.peers.tasks(), one.inbound.tasks()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_free_again_when_closing_is_done() {
    let sockets = Sockets::new();
    let (mut node, at) = sockets.node(1, &any_port()).await;
    for _ in 0..50 {
        node.inbound.close().await;
        node = sockets.node(1, &at).await.0; // listens there, or says that it is taken
    }
    node.inbound.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_arrives_over_tcp_and_another_protocol_is_cut_off() {
    let sockets = Sockets::new();
    let ((one, at), (two, _)) = (sockets.node(1, &any_port()).await, sockets.node(2, &any_port()).await);
    two.peers.add(3, &at);
    let trouble = two.trouble(3).await;
    assert!(trouble.contains("the other node refuses: this is node 1, not node 3"), "{trouble}");
    two.peers.close().await;

    let stream = Connector::Tcp.connect(&at).await.expect("a listener");
    let mut stream = super::world::Raw::new(&sockets.clock, stream);
    stream.writer.pieces(&[&[0x16; 4_000]]).await.expect("a stream");
    let end = stream.end().await;
    assert!(end.contains("closed") || end.contains("broke"), "{end}");
    one.inbound.close().await;
}

/// Both directions of a connection are one task's: neither may keep the other from its turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_signs_of_life_come_through_a_flood() {
    let sockets = Sockets::new();
    let ((one, at), (mut two, _)) = (sockets.node(1, &any_port()).await, sockets.node(2, &any_port()).await);
    two.peers.add(1, &at);
    assert_eq!(two.event().await, Event::Connected(1));
    let piece = bytes::Bytes::from(vec![7; FLOOD_BYTES]);
    let stop = crate::shutdown::Shutdown::new();
    for _ in 0..4 {
        let (peers, piece, stop) = (two.peers.clone(), piece.clone(), stop.clone());
        let _ended = sockets
            .spawner
            .task(async move { while !stop.is_requested() && peers.data(1, piece.clone()).await.is_ok() {} });
    }
    for number in 0..50 {
        let answer = two.peers.request(1, ECHO, numbered(number), Duration::from_secs(60)).await;
        assert_eq!(answer, Ok(numbered(number)));
        sockets.clock.sleep(Duration::from_millis(20)).await;
    }
    stop.request();
    let status = &two.peers.status()[0];
    assert_eq!(status.connections, 1);
    assert!(status.sent_bytes > 10 << 20, "{} bytes are no flood", status.sent_bytes);
    two.peers.close().await;
    one.inbound.close().await;
}
