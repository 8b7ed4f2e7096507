//! Connections break, nodes restart, fall silent, are removed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::world::{Event, NEVER, World, numbered, place, settings};
use crate::limits;
use crate::peer::{RequestError, SendError};
use crate::transport::Road;

#[tokio::test(start_paused = true)]
async fn a_node_that_restarts_is_found_again_by_itself() {
    let world = World::new();
    let (one, mut two) = world.two().await;
    let first = two.peers.status()[0].connection.expect("connected");
    one.inbound.close().await;
    assert_eq!(one.inbound.tasks(), 0);
    drop(one);
    assert_eq!(two.event().await, Event::Lost(1));
    two.hears_nothing_for(Duration::from_secs(30)).await;
    assert!(two.peers.status()[0].trouble.is_some());

    let mut one = world.node(1);
    let from = world.clock.uptime();
    assert_eq!(two.event().await, Event::Connected(1));
    assert!(world.clock.uptime() - from <= limits::PEER_BACKOFF_MAX);
    two.send_raft(1, 1..2);
    assert_eq!(one.event().await, Event::Raft(2, numbered(1)));
    let status = &two.peers.status()[0];
    assert_eq!((status.connections, two.peers.tasks()), (2, 1));
    assert!(status.connection.expect("connected").since_ms > first.since_ms);
}

/// H6: one task more with each reconnect.
#[tokio::test(start_paused = true)]
async fn tasks_stay_as_many_as_there_are_peers() {
    let world = World::new();
    let (one, mut two) = world.two().await;
    for round in 2..=30 {
        world.network.set_roads_between(&place(1), &place(2), Road::Broken);
        assert_eq!(two.event().await, Event::Lost(1));
        world.network.set_roads_between(&place(1), &place(2), Road::Open);
        assert_eq!(two.event().await, Event::Connected(1));
        assert_eq!((two.peers.tasks(), two.peers.status()[0].connections), (1, round));
        let _asked = futures_util::poll!(std::pin::pin!(two.peers.request(
            1,
            NEVER,
            numbered(0),
            settings().keepalive
        )));
    }
    world.clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(one.inbound.connected().len(), 1);
    assert!(one.inbound.tasks() <= 2, "{} tasks", one.inbound.tasks());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_falls_silent_is_noticed_by_both_sides() {
    let world = World::new();
    let (one, mut two) = world.two().await;
    world.clock.sleep(Duration::from_secs(60)).await;
    assert_eq!(two.peers.status()[0].connections, 1, "who has nothing to say is not silent");
    let heard = two.peers.status()[0].heard_ms_ago.expect("heard");
    assert!(heard <= 500, "{heard}");

    let from = world.clock.uptime();
    world.network.set_roads_between(&place(1), &place(2), Road::Silent);
    assert_eq!(two.event().await, Event::Lost(1));
    let noticed = world.clock.uptime() - from;
    assert!(noticed <= settings().max_silence, "{noticed:?}");
    assert_eq!(two.trouble(1).await, "nothing was heard for 3000 ms (inter.node.max.silence.ms)");
    world.clock.sleep(settings().max_silence).await;
    assert!(one.inbound.connected().is_empty());
    assert_eq!(one.inbound.tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_road_that_is_silent_one_way_is_noticed_too() {
    let world = World::new();
    let (_one, mut two) = world.two().await;
    world.network.set_road(&place(2), &place(1), Road::Silent);
    let from = world.clock.uptime();
    assert_eq!(two.event().await, Event::Lost(1), "node 1 hears nothing and closes");
    assert!(world.clock.uptime() - from <= settings().max_silence + settings().keepalive);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_removed_has_no_task_and_no_metrics_left() {
    let world = World::new();
    let (one, mut two) = world.two().await;
    let peers = two.peers.clone();
    let removal = async {
        world.clock.sleep(Duration::from_millis(100)).await;
        assert!(
            two.metrics
                .encode_with(&Default::default())
                .contains("chronik_peer_connected{node=\"1\",purpose=\"control\"} 1")
        );
        assert!(peers.remove(1));
    };
    let asked = peers.request(1, NEVER, numbered(0), Duration::from_secs(60));
    assert_eq!(tokio::join!(asked, removal).0, Err(RequestError::Lost(1)));
    world.clock.sleep(Duration::from_millis(1)).await;
    assert_eq!((two.peers.tasks(), two.peers.status().len()), (0, 0));
    assert_eq!(one.inbound.tasks(), 0, "the other side has noticed");
    assert_eq!(two.peers.raft(1, numbered(0)), Err(SendError::Unknown(1)));
    assert!(!two.metrics.encode_with(&Default::default()).contains("node=\"1\""));
    assert!(!two.peers.remove(1));
    two.hears_nothing_for(Duration::from_secs(10)).await;

    two.peers.add(1, &place(1));
    assert_eq!(two.event().await, Event::Connected(1));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_moves_is_dialed_at_its_new_address() {
    let world = World::new();
    let mut two = world.node(2);
    two.peers.add(1, &place(9));
    world.clock.sleep(Duration::from_secs(1)).await;
    let _one = world.node(1);
    two.peers.set(&BTreeMap::from([(1, place(1)), (3, place(3))]));
    assert_eq!(two.event().await, Event::Connected(1));
    assert_eq!(two.peers.tasks(), 2);
    two.peers.set(&BTreeMap::from([(1, place(1))]));
    two.peers.add(1, &place(1));
    world.clock.sleep(Duration::from_secs(10)).await;
    let status = two.peers.status();
    assert_eq!((status.len(), status[0].connections, two.peers.tasks()), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_newer_connection_of_the_same_node_replaces_the_older_one() {
    let world = World::new();
    let (one, mut two) = (world.node(1), world.node(2));
    let mut older = world.raw(2, 1).await;
    older.greet(2, 1).await;
    assert_eq!(one.inbound.connected().len(), 1);
    let from = world.clock.uptime();
    two.peers.add(1, &place(1));
    assert_eq!(two.event().await, Event::Connected(1));
    assert_eq!(older.end().await, "the other node has closed the connection");
    assert_eq!(world.clock.uptime(), from, "at once");
    world.clock.sleep(Duration::from_secs(10)).await;
    assert_eq!((one.inbound.connected().len(), one.inbound.tasks()), (1, 1));
    assert_eq!(two.peers.status()[0].connections, 1);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_everything_and_nothing_begins_any_more() {
    let world = World::new();
    let (one, two) = world.two().await;
    two.peers.add(3, &place(3));
    two.peers.close().await;
    assert_eq!(two.peers.tasks(), 0);
    two.peers.add(1, &place(1));
    assert_eq!((two.peers.tasks(), two.peers.status().len()), (0, 0));
    let _silent = world.raw(4, 1).await;
    one.inbound.close().await;
    assert_eq!(one.inbound.tasks(), 0);
}
