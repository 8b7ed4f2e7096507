//! Who is suspected, and who is not.

use super::*;

#[tokio::test(start_paused = true)]
async fn nobody_is_suspected_who_is_heard() {
    let mut world = World::new(6);
    world.pass(5_000).await;
    let suspected = world.suspected();
    assert!(suspected.is_empty(), "a healthy leader of idle partitions is suspected: {suspected:?}");
    assert!(world.metrics.leader_heartbeat_age.get() <= 100);
    assert!(world.node(1).is_followed(&id(1)) && !world.node(1).is_followed(&id(0)), "it leads partition 0");
}

#[tokio::test(start_paused = true)]
async fn a_silent_leader_is_suspected_by_all_who_follow_it_until_it_is_heard() {
    let mut world = World::new(3);
    world.pass(1_000).await;
    world.silent.replace(BTreeSet::from([2]));
    world.pass(250).await;
    assert!(world.suspected().is_empty(), "not before the timeout");
    world.pass(250).await;
    assert_eq!(world.suspected(), BTreeSet::from([(1, 1, 0), (3, 1, 0)]));
    assert!(world.metrics.leader_heartbeat_age.get() >= 400);
    world.pass(200).await;
    assert_eq!(world.suspected().len(), 2, "refused, they are suspected again");
    world.silent.replace(BTreeSet::new());
    world.pass(200).await;
    world.suspected();
    world.pass(2_000).await;
    assert!(world.suspected().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_know_that_it_leads_shows_nothing_by_being_there() {
    let mut world = World::new(3);
    world.pass(300).await;
    let broker_epoch = world.state.brokers[&1].broker_epoch;
    world.apply(&Command::FenceBroker { node_id: 1, broker_epoch });
    let partition = world.state.topic("a").unwrap().partition(0).unwrap();
    assert_eq!((partition.leader, partition.leader_epoch), (Some(2), 1));
    world.publish([1, 3].into_iter()); // 2 is behind
    world.pass(1_000).await;
    let suspected = world.suspected();
    assert!(suspected.contains(&(3, 0, 1)) && suspected.contains(&(1, 0, 1)), "{suspected:?}");
    assert!(!suspected.contains(&(3, 1, 0)), "what it has led before, it leads: {suspected:?}");
    world.publish(2..=2);
    world.pass(200).await;
    world.suspected();
    world.pass(1_000).await;
    assert!(world.suspected().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_later_life_says_nothing_of_what_an_earlier_one_led() {
    let mut world = World::new(3);
    world.pass(300).await;
    world.start(2); // it has restarted, and takes up its roles; the others have not heard of that
    world.publish(2..=2);
    world.pass(1_000).await;
    let suspected = world.suspected();
    assert!(suspected.is_superset(&BTreeSet::from([(1, 1, 0), (3, 1, 0)])), "{suspected:?}");
    assert!(suspected.contains(&(2, 1, 1)), "3 does not know yet that it leads: {suspected:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_followed_any_more_is_not_suspected() {
    let mut world = World::new(3);
    world.pass(300).await;
    world.silent.replace(BTreeSet::from([1, 2, 3]));
    let partitions: Vec<_> = world.state.topic("a").unwrap().partition_ids().collect();
    world.apply(&Command::DeleteTopic { id: TOPIC });
    for node in 1..=3 {
        world.node(node).publish(&world.state, partitions.iter().copied());
    }
    world.pass(2_000).await;
    assert!(world.suspected().is_empty());
    assert_eq!(world.metrics.leader_heartbeat_age.get(), 0, "nobody is followed");
}

#[test]
fn a_heartbeat_is_what_was_sent_or_nothing() {
    let heartbeat = NodeHeartbeat { broker_epoch: 7, version: i64::MAX };
    let bytes = heartbeat.encode();
    assert_eq!(NodeHeartbeat::decode(&bytes), Some(heartbeat));
    assert_eq!(NodeHeartbeat::decode(&[&bytes[..], &[1]].concat()), Some(heartbeat), "of a later version");
    assert!((0..bytes.len()).all(|length| NodeHeartbeat::decode(&bytes[..length]).is_none()));
}

#[test]
fn operators_are_told_once_of_each_node_that_falls_silent_and_once_when_it_is_heard_again() {
    use super::super::followed::Standing;
    use super::super::silent::{News, Silent};
    let standing = |silence_ms| Standing { partitions: 7, silence_ms, was_heard: true };
    let mut silent = Silent::default();
    let mut look = |silences: &[(i32, i64)]| {
        silent.look(&silences.iter().map(|(node, silence_ms)| (*node, standing(*silence_ms))).collect(), 400)
    };
    for (silences, news) in [
        (&[(1, 399), (2, 0)][..], vec![]),
        (&[(1, 400), (2, 0)], vec![News::Silent(1, standing(400))]),
        (&[(1, 500), (2, 450)], vec![News::Silent(2, standing(450))]),
        (&[(1, 600), (2, 550)], vec![]),
        (&[(1, 0), (2, 650)], vec![News::Heard(1)]),
        (&[(1, 0)], vec![]), // nobody follows node 2 any more
        (&[(1, 0), (2, 0)], vec![]),
        (&[(1, 0), (2, 400)], vec![News::Silent(2, standing(400))]),
    ] {
        assert_eq!(look(silences), news, "{silences:?}");
    }
    for (silence_ms, is_told) in [(400, false), (1_999, false), (2_000, true), (2_100, false)] {
        let not_yet = Standing { was_heard: false, ..standing(silence_ms) };
        let told = silent.look(&BTreeMap::from([(3, not_yet)]), 400);
        assert_eq!(told == [News::Silent(3, not_yet)], is_told, "{silence_ms}");
    }
}
