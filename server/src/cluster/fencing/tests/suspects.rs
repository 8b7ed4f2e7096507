//! Who is suspected, as tables of times.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cluster::fencing::leases::Leases;
use crate::cluster::fencing::suspects::Suspects;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Node 7 was heard at 900 ms, and nobody else since this node leads, at 500 ms.
fn leases() -> Leases {
    let mut leases = Leases::default();
    leases.begin(ms(500));
    leases.grant(7, ms(900));
    leases
}

fn nobody_may_be_there(_: i32, _: i64) -> bool {
    false
}

#[test]
fn a_suspect_is_looked_at_when_its_lease_expires_and_once() {
    let (leases, mut suspects) = (leases(), Suspects::default());
    assert_eq!(suspects.next(&leases, nobody_may_be_there), None);
    suspects.suspect(7, 70);
    suspects.suspect(7, 71); // again, in a later life
    assert_eq!(suspects.next(&leases, nobody_may_be_there), Some(ms(1_510)));
    suspects.suspect(8, 80);
    assert_eq!(suspects.next(&leases, nobody_may_be_there), Some(ms(1_110)), "the earliest");
    for (now, expired) in [(1_109, vec![]), (1_110, vec![(8, 80)]), (1_509, vec![]), (1_510, vec![(7, 71)])] {
        let taken = suspects.take_expired(&leases, ms(now), nobody_may_be_there);
        assert_eq!(taken, BTreeMap::from_iter(expired), "{now}");
    }
    assert_eq!(suspects.next(&leases, nobody_may_be_there), None);
}

#[test]
fn who_is_heard_is_not_suspected_any_more() {
    let (mut leases, mut suspects) = (leases(), Suspects::default());
    suspects.suspect(7, 70);
    suspects.suspect(8, 80);
    leases.grant(7, ms(1_000));
    suspects.acquit(7);
    assert_eq!(suspects.next(&leases, nobody_may_be_there), Some(ms(1_110)));
    let expired = suspects.take_expired(&leases, ms(10_000), nobody_may_be_there);
    assert_eq!(expired, BTreeMap::from([(8, 80)]), "however silent 7 is after that");
    suspects.suspect(7, 70);
    suspects.clear();
    assert!(suspects.take_expired(&leases, ms(10_000), nobody_may_be_there).is_empty());
}

#[test]
fn whose_heartbeat_has_come_waits_for_what_comes_of_it() {
    let (leases, mut suspects) = (leases(), Suspects::default());
    suspects.suspect(7, 70);
    suspects.suspect(8, 80);
    let may_be_there = |node_id, broker_epoch| (node_id, broker_epoch) == (8, 80);
    assert_eq!(suspects.next(&leases, may_be_there), Some(ms(1_510)), "nobody wakes up for 8");
    assert!(suspects.take_expired(&leases, ms(1_200), may_be_there).is_empty());
    let later_life = |node_id, broker_epoch| (node_id, broker_epoch) == (8, 81);
    assert_eq!(suspects.take_expired(&leases, ms(1_200), later_life), BTreeMap::from([(8, 80)]));
    assert_eq!(suspects.take_expired(&leases, ms(1_510), may_be_there), BTreeMap::from([(7, 70)]));
}
