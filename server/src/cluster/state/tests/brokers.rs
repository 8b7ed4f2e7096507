//! Brokers come, are fenced and unfenced.

use super::*;
use crate::cluster::command::Moved;

#[test]
fn a_broker_that_has_just_started_is_fenced() {
    let mut state = ClusterState::default();
    state.restart(1);
    assert!(state.brokers[&1].fenced);
    assert_eq!(state.unfence_now(1), Applied::Unfenced { moved: Moved::default() });
    assert!(!state.brokers[&1].fenced);
    state.restart(1);
    assert!(state.brokers[&1].fenced && state.brokers[&1].broker_epoch == 3);
}

#[test]
fn a_restart_leaves_every_in_sync_set_that_has_another_member() {
    let mut state = ClusterState::with_partition(&[1, 2, 3]);
    assert_eq!(state.look(), (Some(1), 0, 0, &[1, 2, 3][..]));
    state.restart(3);
    assert_eq!(state.look(), (Some(1), 0, 1, &[1, 2][..]), "not the leader: only the partition epoch");
    state.restart(1);
    assert_eq!(state.look(), (Some(2), 1, 2, &[2][..]));
    state.restart(2);
    assert_eq!(state.look(), (None, 2, 3, &[2][..]), "the only member stays one, and leads no more");
    state.restart(2);
    assert_eq!(state.look(), (None, 2, 3, &[2][..]));
    state.unfence_now(1);
    state.unfence_now(3);
    assert_eq!(state.look(), (None, 2, 3, &[2][..]), "who is not in sync does not lead");
    assert_eq!(state.unfence_now(2), Applied::Unfenced { moved: Moved { elected: 1, ..Moved::default() } });
    assert_eq!(state.look(), (Some(2), 3, 4, &[2][..]));
}

#[test]
fn a_broker_is_unregistered_when_it_is_stopped_and_has_nothing() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    let unregister = |state: &mut ClusterState, node_id| state.apply(&Command::UnregisterBroker { node_id });
    assert_eq!(unregister(&mut state, 9), Err(Refusal::UnknownBroker(9)));
    let refused = unregister(&mut state, 3).unwrap_err().to_string();
    assert!(refused.contains("stop it first"), "{refused}");
    state.fence_now(2);
    let refused = unregister(&mut state, 2).unwrap_err().to_string();
    assert!(refused.contains("1 partitions") && refused.contains("cluster drain 2"), "{refused}");
    state.fence_now(3);
    assert_eq!(unregister(&mut state, 3), Ok(Applied::Unregistered));
    assert!(!state.brokers.contains_key(&3));
    state.restart(3);
    assert!(state.brokers[&3].fenced, "it may come back");
}

#[test]
fn a_fenced_broker_leads_nothing() {
    let mut state = ClusterState::with_partition(&[2, 1]);
    let elected = Moved { elected: 1, ..Moved::default() };
    assert_eq!(state.fence_now(2), Applied::Fenced { moved: elected });
    assert_eq!(state.look(), (Some(1), 1, 1, &[1][..]));
    let before = state.clone();
    assert_eq!(state.fence_now(2), Applied::Fenced { moved: Moved::default() }, "it is fenced already");
    assert_eq!(state, ClusterState { version: before.version + 1, ..before });
    let leaderless = Moved { leaderless: 1, ..Moved::default() };
    assert_eq!(state.fence_now(1), Applied::Fenced { moved: leaderless });
    assert_eq!(state.look(), (None, 2, 2, &[1][..]));
}

#[test]
fn what_is_meant_for_an_earlier_life_is_refused() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    let broker_epoch = state.epoch_of(1);
    state.restart(1);
    let before = state.clone();
    let stale = Err(Refusal::StaleBrokerEpoch { node_id: 1, broker_epoch });
    assert_eq!(state.apply(&Command::UnfenceBroker { node_id: 1, broker_epoch }), stale);
    assert_eq!(state.apply(&Command::FenceBroker { node_id: 1, broker_epoch }), stale);
    assert!(state.apply(&Command::FenceBroker { node_id: 9, broker_epoch: 1 }).is_err());
    assert_eq!(state, before);
}

#[test]
fn registering_twice_in_one_life_is_registering_once() {
    let mut state = ClusterState::with_partition(&[1]);
    let in_life = |n| {
        let mut registration = register(1);
        if let Command::RegisterBroker { incarnation, .. } = &mut registration {
            *incarnation = uuid(n);
        }
        registration
    };
    state.apply(&in_life(7)).unwrap();
    state.unfence_now(1);
    let before = state.clone();
    let again = state.apply(&in_life(7)).unwrap();
    let broker_epoch = before.epoch_of(1);
    assert_eq!(again, Applied::Registered { broker_epoch, moved: Moved::default() });
    assert_eq!(state, ClusterState { version: before.version + 1, ..before });
    state.apply(&in_life(8)).unwrap();
    assert!(state.epoch_of(1) > broker_epoch && state.brokers[&1].fenced);
}

#[test]
fn it_is_known_by_which_version_a_broker_was_fenced() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.restart(1);
    assert_eq!(state.brokers[&1].fenced_since, state.version);
    state.fence_now(1);
    assert_eq!(state.brokers[&1].fenced_since, state.version - 1, "it was fenced already");
    state.unfence_now(1);
    state.fence_now(1);
    assert_eq!(state.brokers[&1].fenced_since, state.version);
}

#[test]
fn replicas_lead_in_their_order() {
    let mut state = ClusterState::with_partition(&[3, 1, 2]);
    state.fence_now(3);
    assert_eq!(state.only().leader, Some(1));
    state.unfence_now(3);
    assert_eq!((state.only().leader, state.only().partition_epoch), (Some(1), 1), "nobody is deposed");
    assert!(state.propose_in_sync(&[1, 2, 3]));
    assert_eq!(state.only().in_sync_replicas, [3, 1, 2]);
    state.fence_now(1);
    assert_eq!(state.only().leader, Some(3));
}

#[test]
fn the_next_leader_is_in_sync_and_alive_and_not_the_suspect() {
    let mut state = ClusterState::with_partition(&[1, 2, 3]);
    assert!(state.propose_in_sync(&[1, 3]));
    state.fence_now(1);
    assert_eq!(state.look(), (Some(3), 1, 2, &[3][..]), "a replica outside the in-sync set is elected");
    state.fence_now(3);
    assert_eq!(state.look(), (None, 2, 3, &[3][..]), "the suspect is elected");
    state.unfence_now(1);
    assert_eq!(state.look(), (None, 2, 3, &[3][..]), "a dead replica is elected");
    state.unfence_now(3);
    assert_eq!(state.look(), (Some(3), 3, 4, &[3][..]));
}

#[test]
fn a_topic_that_allows_it_is_led_by_who_is_not_in_sync() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.fence_now(2);
    state.fence_now(1);
    state.unfence_now(2);
    assert_eq!(state.look(), (None, 1, 2, &[1][..]));
    state.allow_unclean();
    assert_eq!(state.look(), (Some(2), 2, 3, &[2][..]));
    state.fence_now(2);
    assert_eq!(state.look(), (None, 3, 4, &[2][..]));
    let unclean = Moved { unclean: 1, ..Moved::default() };
    assert_eq!(state.unfence_now(1), Applied::Unfenced { moved: unclean });
    assert_eq!(state.look(), (Some(1), 4, 5, &[1][..]));
}

#[test]
fn what_does_not_change_stays_shared_with_the_image_before() {
    let mut state = ClusterState::with_partition(&[1, 2]);
    state.apply(&create("b", 11, &[&[3]])).unwrap();
    let before = state.clone();
    state.fence_now(1);
    let is_shared = |name| Arc::ptr_eq(state.topic(name).unwrap(), before.topic(name).unwrap());
    assert!(is_shared("b") && !is_shared("a"));
}

#[test]
fn what_an_earlier_version_has_written_means_what_it_meant() {
    let mut state = ClusterState::default();
    for command in [
        r#"{"type":"register-broker","node_id":1,"host":"h","port":1}"#,
        r#"{"type":"create-topic","name":"a","id":"00000000-0000-0000-0000-00000000000a","assignment":[[1]],"configs":{}}"#,
        r#"{"type":"register-broker","node_id":1,"host":"h","port":1}"#,
    ] {
        state.apply(&serde_json::from_str(command).unwrap()).unwrap();
    }
    assert_eq!(state.look(), (Some(1), 1, 1, &[1][..]), "unfenced, and led in a new epoch");
    let mut old = serde_json::to_value(&state).unwrap();
    let broker = old["brokers"]["1"].as_object_mut().unwrap();
    broker.remove("fenced").unwrap();
    assert!(!serde_json::from_value::<ClusterState>(old).unwrap().brokers[&1].fenced);
}
