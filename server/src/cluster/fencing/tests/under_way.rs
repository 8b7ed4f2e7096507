//! Those who wait for a broker to be fenced or unfenced.

use std::time::Duration;

use concurrency_models::reply;
use concurrency_models::sync::block_on;
use uuid::Uuid;

use crate::cluster::fencing::ElectAnswer;
use crate::cluster::fencing::protocol::{BrokerHeartbeat, Elect, HeartbeatAnswer};
use crate::cluster::fencing::under_way::{Beat, Suspicion, UnderWay};
use crate::limits;

fn beat(node_id: i32) -> (Beat, reply::Answer<HeartbeatAnswer>) {
    let (reply, answer) = reply::channel();
    let beat = BrokerHeartbeat { node_id, broker_epoch: 1, served_version: 1 };
    (Beat { beat, heard: Duration::ZERO, reply }, answer)
}

fn suspicion() -> (Suspicion, reply::Answer<ElectAnswer>) {
    let (reply, answer) = reply::channel();
    (Suspicion { elect: Elect { topic_id: Uuid::nil(), partition: 0, leader_epoch: 0 }, reply }, answer)
}

#[test]
fn a_heartbeat_waits_only_for_a_command_about_its_broker() {
    let mut under_way = UnderWay::default();
    under_way.begin(1);
    assert!(under_way.hold(beat(2).0).is_some());
    let ((earlier, mut its_answer), (later, _)) = (beat(1), beat(1));
    assert!(under_way.hold(earlier).is_none() && under_way.hold(later).is_none());
    assert!(block_on(its_answer.wait()).is_err(), "a later one has taken its place");
    assert!(under_way.end(1).beat.is_some() && !under_way.concerns(1));
    assert!(under_way.hold(beat(1).0).is_some());
}

#[test]
fn only_so_many_suspicions_wait() {
    let mut under_way = UnderWay::default();
    assert!(under_way.suspect(1, suspicion().0).is_some(), "there is nothing to wait for");
    under_way.begin(1);
    assert!((0..limits::MAX_SUSPICIONS).all(|_| under_way.suspect(1, suspicion().0).is_none()));
    assert!(under_way.suspect(1, suspicion().0).is_some());
    assert_eq!(under_way.end(1).suspicions.len(), limits::MAX_SUSPICIONS);
}
