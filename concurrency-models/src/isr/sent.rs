//! What a leader has sent, until its turn comes in the follower's log.

use crate::epoch::Leadership;

/// Something that a leader has sent for the log of a follower, in the queue of that log. Whoever carries it out gets it from [`Isr::in_turn`](super::Isr::in_turn)
/// alone, so nobody can do it without asking whether the leader still leads.
#[derive(Debug)]
pub struct Sent<T> {
    pub(super) leadership: Leadership,
    pub(super) value: T,
}

impl<T> Sent<T> {
    /// `value` was sent by the leader that this node follows in `leadership`.
    pub fn new(leadership: Leadership, value: T) -> Self {
        Self { leadership, value }
    }
}
