//! Who may connect, and what they are told if they may not.

use bytes::Bytes;
use uuid::Uuid;

use super::world::{CLUSTER, ECHO, Event, Raw, World, numbered, place};
use crate::peer::frame::Kind;
use crate::peer::hello::{Refusal, Versions};
use crate::peer::message::Message;
use crate::peer::{Identity, Purpose};
use crate::transport::Dialed;

#[tokio::test(start_paused = true)]
async fn a_node_of_another_cluster_is_told_both_ids_until_it_joins() {
    let world = World::new();
    let other = Uuid::from_u128(8);
    let (one, mut two) = (world.node(1), world.node_of(2, Some(other), |_| true));
    two.peers.add(1, &place(1));
    let trouble = two.trouble(1).await;
    assert!(trouble.starts_with("the other node refuses: this node belongs to cluster"), "{trouble}");
    assert!(trouble.contains(&CLUSTER.to_string()) && trouble.contains(&other.to_string()), "{trouble}");
    assert!(one.inbound.connected().is_empty());
    let mut text = one.metrics.encode_with(&Default::default());
    text.retain(|c| c != '"');
    assert!(text.contains("chronik_peer_refused_total{reason=cluster}"), "{text}");
    two.identity.join(CLUSTER);
    assert_eq!(two.event().await, Event::Connected(1));
}

#[tokio::test(start_paused = true)]
async fn a_node_without_a_cluster_may_connect_and_be_connected_to() {
    let world = World::new();
    let (mut one, mut two) = (world.node(1), world.node_of(2, None, |_| true));
    two.peers.add(1, &place(1));
    one.peers.add(2, &place(2));
    assert_eq!(two.event().await, Event::Connected(1));
    assert_eq!(one.event().await, Event::Connected(2));
    assert!(one.inbound.connected()[0].cluster_id.is_nil());
}

#[tokio::test(start_paused = true)]
async fn the_owner_says_who_is_welcome() {
    let world = World::new();
    let (_one, mut two) = (world.node_of(1, Some(CLUSTER), |peer| peer.node_id != 3), world.node(2));
    let three = world.node(3);
    two.peers.add(1, &place(1));
    three.peers.add(1, &place(1));
    assert_eq!(two.event().await, Event::Connected(1));
    let trouble = three.trouble(1).await;
    assert_eq!(
        trouble,
        "the other node refuses: node 3 is no member of the cluster of this node; let it join ('start --join')"
    );
}

#[tokio::test(start_paused = true)]
async fn an_address_that_leads_to_another_node_or_back_is_noticed() {
    let world = World::new();
    let (_one, two) = world.two().await;
    two.peers.add(3, &place(1));
    assert!(two.trouble(3).await.contains("this is node 1, not node 3"));
    two.peers.add(4, &place(2));
    assert!(two.trouble(4).await.contains("this node is node 2, too"));
    assert!(two.peers.status()[0].connection.is_some(), "the good connection is not disturbed");
}

#[tokio::test(start_paused = true)]
async fn versions_that_do_not_fit_are_named() {
    let world = World::new();
    let _one = world.node(1);
    let later = Versions { lowest: 7, highest: 9 };
    let mut stream = world.raw(2, 1).await;
    let hello = Identity::new(2, 1, Some(CLUSTER)).hello(1, Purpose::Control).encode();
    stream.writer.pieces(&[&later.preamble()]).await.expect("a stream");
    stream.writer.frame(&Message::new(Kind::Hello, hello)).await.expect("a stream");
    let _preamble: [u8; 12] = stream.reader.exactly().await.expect("a preamble");
    let refusal = stream.reader.frame(|_| true).await.expect("a refusal");
    assert_eq!(refusal.kind, Kind::Refusal);
    let text = Refusal::text(&refusal.payload);
    assert!(text.contains("versions 1 to 1") && text.contains("the other one 7 to 9"), "{text}");
    assert_eq!(stream.end().await, "the other node has closed the connection");
}

#[tokio::test(start_paused = true)]
async fn a_dialed_node_of_a_later_version_is_not_taken_for_one_of_ours() {
    let world = World::new();
    let two = world.node(2);
    let mut listener = world.network.listen(&place(1));
    two.peers.add(1, &place(1));
    let accepted = listener.accept().await.expect("node 2");
    let mut one = Raw::new(&world.clock, Dialed { reader: accepted.reader, writer: accepted.writer });
    let later = Versions { lowest: 7, highest: 9 };
    one.writer.pieces(&[&later.preamble()]).await.expect("a stream");
    let hello = Identity::new(1, 1, Some(CLUSTER)).hello(2, Purpose::Control).encode();
    one.writer.frame(&Message::new(Kind::Hello, hello)).await.expect("a stream");
    let trouble = two.trouble(1).await;
    assert!(trouble.contains("versions 1 to 1") && trouble.contains("7 to 9"), "{trouble}");
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_its_own_connection_and_no_other() {
    let world = World::new();
    let (one, two) = world.two().await;
    let mut other_protocol = world.raw(3, 1).await;
    other_protocol.writer.pieces(&[b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n"]).await.expect("a stream");
    assert_eq!(other_protocol.end().await, "the other node has closed the connection");

    let four_gib = [255, 255, 255, 255, Kind::Raft.code(), 0, 0, 0, 0];
    let damaged = [0, 0, 0, 1, Kind::Raft.code(), 1, 2, 3, 4, 99];
    let unknown = [0, 0, 0, 0, 200, 0, 0, 0, 0];
    let short_request =
        [&Message::new(Kind::Request, numbered(1)).header().expect("small").encode()[..], &numbered(1)]
            .concat();
    let out_of_place =
        [&Message::new(Kind::Hello, Bytes::new()).header().expect("small").encode()[..], b""].concat();
    for bytes in [&four_gib[..], &damaged, &unknown, &short_request, &out_of_place] {
        let mut stream = world.raw(3, 1).await;
        stream.greet(3, 1).await;
        stream.writer.pieces(&[bytes]).await.expect("a stream");
        assert_eq!(stream.end().await, "the other node has closed the connection", "{bytes:?}");
    }
    assert_eq!(one.inbound.connected().len(), 1);
    let answer = two.peers.request(1, ECHO, numbered(1), std::time::Duration::from_secs(1)).await;
    assert_eq!(answer, Ok(numbered(1)));
    assert_eq!(two.peers.status()[0].connections, 1);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    let world = World::new();
    let one = world.node(1);
    let mut stream = world.raw(2, 1).await;
    let from = world.clock.uptime();
    assert_eq!(stream.end().await, "the other node has closed the connection");
    assert_eq!(world.clock.uptime() - from, super::world::settings().connection_timeout);
    assert_eq!(one.inbound.tasks(), 0);
}
