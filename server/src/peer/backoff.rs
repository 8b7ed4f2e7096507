//! How long to wait before a node is dialed again, and how often to complain that it cannot be.

use std::time::Duration;

use crate::limits;
use crate::rng::Rng;

/// Waits that double, each with a random part, so that nodes that lost each other at the same time do not dial at the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: limits::PEER_BACKOFF_MIN }
    }

    /// Between half of the present wait and the whole.
    pub(super) fn wait(&mut self, rng: &mut Rng) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(limits::PEER_BACKOFF_MAX);
        let half = whole / 2;
        let random_us = rng.below(u64::try_from(half.as_micros()).unwrap_or(u64::MAX).saturating_add(1));
        half + Duration::from_micros(random_us)
    }

    /// The connection was good.
    pub(super) fn reset(&mut self) {
        *self = Self::new();
    }
}

/// What goes on failing is said at once, and then only once in a while.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Complaints {
    /// The next one is not due before this uptime.
    next: Duration,
}

impl Complaints {
    /// The connection to a node was lost, which was said: the node may be restarted.
    pub(super) fn after_loss(now: Duration) -> Self {
        Self { next: now + limits::PEER_RESTART }
    }

    /// Whether to complain, at this uptime.
    pub(super) fn is_due(&mut self, now: Duration) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + limits::PEER_REMINDER;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_are_random() {
        let mut rng = Rng::seeded(1);
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..20).map(|_| backoff.wait(&mut rng)).collect();
        let mut whole = limits::PEER_BACKOFF_MIN;
        for wait in &waits {
            assert!((whole / 2..=whole).contains(wait), "{wait:?} of {whole:?}");
            whole = (whole * 2).min(limits::PEER_BACKOFF_MAX);
        }
        assert_eq!(whole, limits::PEER_BACKOFF_MAX);
        let last: std::collections::BTreeSet<_> = waits[15..].iter().collect();
        assert_eq!(last.len(), 5, "no two are the same");
        backoff.reset();
        assert!(backoff.wait(&mut rng) <= limits::PEER_BACKOFF_MIN);
    }

    #[test]
    fn complaints_are_rare() {
        let mut complaints = Complaints::default();
        assert!(complaints.is_due(Duration::ZERO));
        assert!(!complaints.is_due(limits::PEER_REMINDER / 2));
        assert!(complaints.is_due(limits::PEER_REMINDER));
        assert!(!complaints.is_due(limits::PEER_REMINDER));
        let lost_at = Duration::from_secs(1);
        let mut complaints = Complaints::after_loss(lost_at);
        assert!(!complaints.is_due(lost_at + limits::PEER_RESTART / 2));
        assert!(complaints.is_due(lost_at + limits::PEER_RESTART));
        assert!(!complaints.is_due(lost_at + limits::PEER_RESTART * 2));
    }
}
