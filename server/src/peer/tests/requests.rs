//! Requests and their answers.

use std::time::Duration;

use bytes::Bytes;

use super::world::{AFTER_TWO_SECONDS, ECHO, ENORMOUS, Event, NEVER, World, numbered, place};
use crate::limits;
use crate::peer::message::Message;
use crate::peer::{RequestError, SendError};
use crate::transport::Road;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn each_request_has_its_answer() {
    let world = World::new();
    let (_one, two) = world.two().await;
    let slow = two.peers.request(1, AFTER_TWO_SECONDS, numbered(1), 5 * SECOND);
    let quick = async {
        let answer = two.peers.request(1, ECHO, numbered(2), SECOND).await;
        (answer, world.clock.uptime())
    };
    let (slow, (quick, answered_at)) = tokio::join!(slow, quick);
    assert_eq!((slow, quick), (Ok(numbered(1)), Ok(numbered(2))));
    assert!(answered_at < SECOND, "a slow request is not in the way: {answered_at:?}");
}

#[tokio::test(start_paused = true)]
async fn why_a_request_has_no_answer() {
    let world = World::new();
    let (one, two) = world.two().await;
    let ask = |node, kind| two.peers.request(node, kind, numbered(0), SECOND);
    assert_eq!(ask(9, ECHO).await, Err(SendError::Unknown(9).into()));
    assert_eq!(ask(1, 77).await, Err(RequestError::Unsupported(1)));
    assert_eq!(ask(1, ENORMOUS).await, Err(RequestError::NoAnswer(1)));
    let from = world.clock.uptime();
    assert_eq!(ask(1, NEVER).await, Err(RequestError::TimedOut { node: 1, after: SECOND }));
    assert_eq!(world.clock.uptime() - from, SECOND);
    let too_large = Bytes::from(vec![0; limits::MAX_PEER_REQUEST_BYTES]);
    let refused = two.peers.request(1, ECHO, too_large, SECOND).await.expect_err("too large");
    assert!(matches!(refused, RequestError::Unsent(SendError::TooLarge(_))), "{refused}");
    two.peers.add(3, &place(3));
    assert_eq!(ask(3, ECHO).await, Err(SendError::NotConnected(3).into()));
    assert_eq!(one.inbound.tasks(), 2, "the connection, and the request that is never answered");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_nobodys() {
    let world = World::new();
    let (_one, two) = world.two().await;
    let timed_out = two.peers.request(1, AFTER_TWO_SECONDS, numbered(1), SECOND).await;
    assert!(matches!(timed_out, Err(RequestError::TimedOut { .. })));
    let next = two.peers.request(1, AFTER_TWO_SECONDS, numbered(2), 3 * SECOND).await;
    assert_eq!(next, Ok(numbered(2)));
    assert_eq!(two.peers.status()[0].connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_fails_at_once_when_its_node_dies_and_its_task_ends() {
    let world = World::new();
    let (one, mut two) = world.two().await;
    let from = world.clock.uptime();
    let dies = async {
        world.clock.sleep(SECOND).await;
        assert_eq!(one.inbound.tasks(), 2);
        world.network.set_roads_between(&place(1), &place(2), Road::Broken);
    };
    let (outcome, ()) = tokio::join!(two.peers.request(1, NEVER, numbered(1), 60 * SECOND), dies);
    assert_eq!(outcome, Err(RequestError::Lost(1)));
    assert_eq!(world.clock.uptime() - from, SECOND);
    assert_eq!(two.event().await, Event::Lost(1));
    world.clock.sleep(SECOND).await;
    assert_eq!(one.inbound.tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_could_not_leave_in_time_is_not_carried_out_later() {
    let world = World::new();
    let (one, two) = world.two().await;
    world.network.set_road(&place(2), &place(1), Road::Silent);
    two.peers.raft(1, vec![0; 1 << 20].into()).expect("room"); // its writing is stuck
    world.clock.sleep(Duration::from_millis(1)).await;
    let timed_out = two.peers.request(1, NEVER, numbered(1), SECOND).await;
    assert!(matches!(timed_out, Err(RequestError::TimedOut { .. })));
    world.network.set_road(&place(2), &place(1), Road::Open);
    assert_eq!(two.peers.request(1, ECHO, numbered(2), SECOND).await, Ok(numbered(2)));
    assert_eq!(one.inbound.tasks(), 1, "the connection alone: nothing is carried out");
    assert_eq!(two.peers.status()[0].dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_refused_and_raft_messages_pass_them() {
    let world = World::new();
    let (mut one, two) = world.two().await;
    let peers = two.peers.clone();
    let under_way = async {
        let asked = (0..limits::MAX_PEER_REQUESTS).map(|_| peers.request(1, NEVER, numbered(0), 20 * SECOND));
        futures_util::future::join_all(asked).await
    };
    let meanwhile = async {
        world.clock.sleep(SECOND).await;
        let refused = peers.request(1, ECHO, numbered(0), SECOND).await;
        assert_eq!(refused, Err(RequestError::Overloaded(1)));
        two.send_raft(1, 0..3);
        for number in 0..3 {
            assert_eq!(one.event().await, Event::Raft(2, numbered(number)));
        }
        assert!(world.clock.uptime() < 2 * SECOND);
    };
    let (outcomes, ()) = tokio::join!(under_way, meanwhile);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(RequestError::TimedOut { .. }))));
}

#[tokio::test(start_paused = true)]
async fn requests_whose_bytes_together_are_too_many_are_refused() {
    let world = World::new();
    let (_one, two) = world.two().await;
    let half = Bytes::from(vec![0; limits::MAX_PEER_REQUEST_BYTES / 2]);
    let fit = limits::MAX_PEER_REQUESTS_BYTES / half.len();
    let asked = (0..=fit).map(|_| two.peers.request(1, NEVER, half.clone(), 20 * SECOND));
    let outcomes = futures_util::future::join_all(asked).await;
    let refused = outcomes.iter().filter(|outcome| **outcome == Err(RequestError::Overloaded(1))).count();
    assert_eq!(refused, 1, "{outcomes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_sends_requests_and_reads_no_answers_loses_the_connection() {
    let world = World::new();
    let one = world.node(1);
    let mut stream = world.raw(2, 1).await;
    stream.greet(2, 1).await;
    let mut sent = 0;
    let writing = async {
        while stream.writer.frame(&Message::request(sent, NEVER, Bytes::new())).await.is_ok() {
            sent += 1;
        }
    };
    tokio::time::timeout(2 * SECOND, writing).await.expect("the connection ends before anybody is silent");
    assert!(sent > 1_000, "{sent}");
    world.clock.sleep(SECOND).await;
    assert_eq!(one.inbound.tasks(), 0);
}
