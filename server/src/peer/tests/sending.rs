//! What is sent arrives, in order, and the important first.

use std::time::Duration;

use bytes::Bytes;

use super::world::{ECHO, Event, World, numbered, place, settings};
use crate::limits;
use crate::peer::SendError;
use crate::peer::frame::Kind;
use crate::transport::Road;

#[tokio::test(start_paused = true)]
async fn raft_messages_arrive_in_the_order_in_which_they_were_sent() {
    let world = World::new();
    let (mut one, two) = world.two().await;
    for round in 0..20 {
        let numbers = round * 100..(round + 1) * 100;
        two.send_raft(1, numbers.clone());
        for number in numbers {
            assert_eq!(one.event().await, Event::Raft(2, numbered(number)));
        }
    }
    let status = &two.peers.status()[0];
    assert_eq!((status.dropped, status.connections), (0, 1));
    assert!(status.sent_bytes > 2_000 * 13 && status.connection.is_some() && status.trouble.is_none());
}

/// H8 of the known bugs: data that is stuck keeps heartbeats from a follower.
#[tokio::test(start_paused = true)]
async fn heartbeats_and_raft_overtake_data_and_requests_that_are_stuck() {
    let world = World::new();
    let (mut one, two) = world.two().await;
    world.network.set_road(&place(2), &place(1), Road::Silent);
    let large = Bytes::from(vec![1; 1 << 20]);
    two.peers.raft(1, large.clone()).expect("room"); // more than the stream takes: its writing is stuck
    world.clock.sleep(Duration::from_millis(1)).await;
    for _ in 0..limits::MAX_PEER_DATA_MESSAGES {
        two.peers.data(1, numbered(0)).await.expect("room");
    }
    let mut no_room = std::pin::pin!(two.peers.data(1, numbered(1)));
    assert!(futures_util::poll!(&mut no_room).is_pending());
    two.send_raft(1, 7..9);
    two.peers.heartbeat(1, numbered(1)).expect("a connection");
    two.peers.heartbeat(1, numbered(2)).expect("a connection");

    world.network.set_road(&place(2), &place(1), Road::Open);
    assert_eq!(one.event().await, Event::Raft(2, large));
    assert_eq!(one.event().await, Event::Heartbeat(2, numbered(2)), "the newer one alone");
    for number in 7..9 {
        assert_eq!(one.event().await, Event::Raft(2, numbered(number)));
    }
    for _ in 0..limits::MAX_PEER_DATA_MESSAGES {
        assert_eq!(one.event().await, Event::Data(2, numbered(0)));
    }
    no_room.await.expect("there is room again");
    assert_eq!(one.event().await, Event::Data(2, numbered(1)));
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_learns_that_it_does_not_arrive() {
    let world = World::new();
    let (_one, two) = world.two().await;
    assert_eq!(two.peers.raft(9, numbered(1)), Err(SendError::Unknown(9)));
    assert_eq!(two.peers.heartbeat(9, numbered(1)), Err(SendError::Unknown(9)));
    assert_eq!(two.peers.data(9, numbered(1)).await, Err(SendError::Unknown(9)));

    let too_large = Bytes::from(vec![0; limits::MAX_PEER_HEARTBEAT_BYTES + 1]);
    let refused = two.peers.heartbeat(1, too_large).expect_err("too large").to_string();
    assert_eq!(refused, "a heartbeat frame of 1025 bytes; the largest has 1024");

    two.peers.add(3, &place(3)); // nobody is there
    assert_eq!(two.peers.raft(3, numbered(1)), Err(SendError::NotConnected(3)));
    assert_eq!(two.peers.heartbeat(3, numbered(1)), Err(SendError::NotConnected(3)));
    assert_eq!(two.peers.data(3, numbered(1)).await, Err(SendError::NotConnected(3)));

    world.network.set_road(&place(2), &place(1), Road::Silent);
    two.peers.raft(1, vec![0; 1 << 20].into()).expect("room");
    world.clock.sleep(Duration::from_millis(1)).await;
    two.send_raft(1, 0..u32::try_from(limits::MAX_PEER_RAFT_MESSAGES).expect("few"));
    assert_eq!(two.peers.raft(1, numbered(0)), Err(SendError::Displaced(1)));
    assert_eq!(two.peers.status()[0].dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn data_that_waits_for_room_learns_that_the_connection_is_gone() {
    let world = World::new();
    let (_one, two) = world.two().await;
    world.network.set_road(&place(2), &place(1), Road::Silent);
    two.peers.raft(1, vec![0; 1 << 20].into()).expect("room");
    world.clock.sleep(Duration::from_millis(1)).await;
    for _ in 0..limits::MAX_PEER_DATA_MESSAGES {
        two.peers.data(1, numbered(0)).await.expect("room");
    }
    let mut no_room = std::pin::pin!(two.peers.data(1, numbered(1)));
    assert!(futures_util::poll!(&mut no_room).is_pending());
    world.network.set_road(&place(2), &place(1), Road::Broken);
    assert_eq!(no_room.await, Err(SendError::NotConnected(1)));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_and_data_of_an_earlier_connection_do_not_arrive_on_a_later_one_and_old_raft_messages_neither()
 {
    let world = World::new();
    let (mut one, mut two) = world.two().await;
    world.network.set_roads_between(&place(1), &place(2), Road::Silent);
    two.peers.raft(1, vec![0; 1 << 20].into()).expect("room"); // its writing is stuck, and everything else behind it
    world.clock.sleep(Duration::from_millis(1)).await;
    two.peers.heartbeat(1, numbered(1)).expect("a connection");
    two.peers.data(1, numbered(1)).await.expect("room");
    two.send_raft(1, 1..2);
    assert_eq!(two.event().await, Event::Lost(1));
    world.clock.sleep(settings().max_silence).await;
    assert_eq!(two.peers.raft(1, numbered(2)), Err(SendError::NotConnected(1)));
    world.network.set_roads_between(&place(1), &place(2), Road::Open);
    assert_eq!(two.event().await, Event::Connected(1));
    assert_eq!(
        one.event().await,
        Event::Raft(2, numbered(2)),
        "what was sent while there was no connection, but not long ago"
    );
    one.hears_nothing_for(Duration::from_secs(10)).await;
    assert_eq!(two.peers.status()[0].dropped, 3);
}

/// N1: a peer that stops reading freezes everybody else.
#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_holds_up_nobody_else_and_is_given_up() {
    let world = World::new();
    let (mut one, mut two) = world.two().await;
    let mut listener = world.network.listen(&place(3));
    two.peers.add(3, &place(3));
    let accepted = listener.accept().await.expect("node 2");
    let dialed = crate::transport::Dialed { reader: accepted.reader, writer: accepted.writer };
    let mut three = super::world::Raw::new(&world.clock, dialed);
    three.be_dialed(3, 2).await;
    assert_eq!(two.event().await, Event::Connected(3));

    let from = world.clock.uptime();
    let large = Bytes::from(vec![0; 100_000]);
    let displaced = (0..1_000).filter(|_| two.peers.raft(3, large.clone()).is_err()).count();
    assert!(displaced > 0);
    two.send_raft(1, 0..100);
    for number in 0..100 {
        assert_eq!(one.event().await, Event::Raft(2, numbered(number)));
    }
    assert_eq!(world.clock.uptime(), from, "and at once");
    let lost = loop {
        three
            .writer
            .frame(&crate::peer::message::Message::new(Kind::Keepalive, Bytes::new()))
            .await
            .expect("it lives");
        tokio::select! {
            biased;
            event = two.event() => break event,
            () = world.clock.sleep(settings().keepalive) => {}
        }
    };
    assert_eq!(lost, Event::Lost(3));
    assert_eq!(two.trouble(3).await, "nothing was taken for 3000 ms (inter.node.max.silence.ms)");
}

/// N4: a node that cannot be reached holds up those who send to others.
#[tokio::test(start_paused = true)]
async fn a_dial_that_leads_nowhere_holds_up_nobody() {
    let world = World::new();
    let (mut one, two) = world.two().await;
    world.network.set_road(&place(2), &place(3), Road::Silent);
    let from = world.clock.uptime();
    two.peers.add(3, &place(3));
    assert_eq!(two.peers.raft(3, numbered(0)), Err(SendError::NotConnected(3)));
    two.send_raft(1, 0..10);
    for number in 0..10 {
        assert_eq!(one.event().await, Event::Raft(2, numbered(number)));
    }
    let answer = two.peers.request(1, ECHO, numbered(1), settings().keepalive).await;
    assert_eq!(answer, Ok(numbered(1)), "node 1 is asked while node 3 is dialed");
    assert_eq!(world.clock.uptime(), from, "node 1 has answered at once");
    let trouble = two.trouble(3).await;
    assert_eq!(trouble, "no connection within 1000 ms (inter.node.connection.timeout.ms)");
}
