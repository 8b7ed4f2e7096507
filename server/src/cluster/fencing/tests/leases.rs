//! Leases on both sides, as tables of times.

use std::time::Duration;

use crate::cluster::fencing::lease::BrokerLease;
use crate::cluster::fencing::leases::Leases;
use crate::limits;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn who_begins_to_lead_treats_everybody_as_having_a_lease() {
    let mut leases = Leases::default();
    leases.begin(ms(1_000));
    for (now, has_expired, is_abandoned) in [
        (1_000, false, false),
        (1_609, false, false),
        (1_610, true, false),
        (2_219, true, false),
        (2_220, true, true),
    ] {
        assert_eq!(leases.has_expired(7, ms(now)), has_expired, "{now}");
        assert_eq!(leases.is_abandoned(7, ms(now)), is_abandoned, "{now}");
    }
    leases.begin(ms(5_000));
    assert!(!leases.has_expired(7, ms(5_100)), "another leader may have granted one in between");
}

#[test]
fn a_lease_counts_from_the_last_heartbeat_that_was_heard() {
    let mut leases = Leases::default();
    leases.begin(ms(0));
    leases.grant(7, ms(900));
    leases.grant(7, ms(800)); // confirmed later, heard before
    assert!(!leases.has_expired(7, ms(1_509)) && leases.has_expired(7, ms(1_510)));
    assert!(leases.has_expired(8, ms(1_509)), "another broker has its own");
    assert_eq!(leases.silence(7, ms(1_510)), ms(610));
    leases.begin(ms(700));
    assert!(!leases.has_expired(7, ms(1_509)), "what was granted is not taken back");
}

#[test]
fn a_broker_counts_from_when_it_has_sent() {
    let lease = BrokerLease::new();
    assert!(!lease.is_held(ms(0)));
    lease.extend(ms(1_000));
    lease.extend(ms(900)); // its answer took longer
    for (now, is_held, remaining) in
        [(1_000, true, 600), (1_599, true, 1), (1_600, false, 0), (9_000, false, 0)]
    {
        assert_eq!((lease.is_held(ms(now)), lease.remaining(ms(now))), (is_held, ms(remaining)), "{now}");
    }
    assert!(BrokerLease::endless().is_held(Duration::from_secs(1 << 40)));
}

#[test]
fn a_lease_never_ends_later_at_the_broker_than_where_it_was_granted() {
    for sent_us in 0..3_000 {
        let sent = Duration::from_micros(sent_us);
        let (lease, mut leases) = (BrokerLease::new(), Leases::default());
        lease.extend(sent);
        leases.grant(7, sent); // heard at once
        let end = sent + limits::BROKER_LEASE;
        assert!(!lease.is_held(end) && !leases.has_expired(7, end), "{sent:?}");
    }
}
