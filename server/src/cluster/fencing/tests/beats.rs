//! Heartbeats that wait for a majority.

use std::time::Duration;

use concurrency_models::reply;

use crate::cluster::fencing::beats::Beats;
use crate::cluster::fencing::protocol::BrokerHeartbeat;
use crate::cluster::fencing::under_way::Beat;

fn beat(node_id: i32, broker_epoch: i64) -> Beat {
    let beat = BrokerHeartbeat { node_id, broker_epoch, served_version: 1 };
    Beat { beat, heard: Duration::ZERO, reply: reply::channel().0 }
}

fn nodes(beats: impl Iterator<Item = Beat>) -> Vec<i32> {
    beats.map(|beat| beat.beat.node_id).collect()
}

#[test]
fn a_read_confirms_what_came_before_it_and_nothing_later() {
    let mut beats = Beats::default();
    assert!(!beats.is_asked());
    beats.hear(beat(1, 10));
    beats.hear(beat(2, 20));
    assert!(beats.is_asked());
    beats.begin();
    assert!(!beats.is_asked() && beats.is_of(1, 10));
    beats.hear(beat(1, 11));
    assert!(beats.is_of(1, 11) && beats.is_of(1, 10) && !beats.is_of(1, 12) && !beats.is_of(3, 10));
    assert_eq!(nodes(beats.take_confirming()), [1, 2]);
    assert!(beats.is_of(1, 11) && !beats.is_of(1, 10));
    assert_eq!((nodes(beats.take_asked()), nodes(beats.take_confirming())), (vec![1], vec![]));
    assert!(!beats.is_asked());
}
