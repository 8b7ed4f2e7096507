//! The fence of leadership: who leads a partition, since which leader epoch, and the state that only holds while that is so.
//!
//! A leader epoch is Kafka's (KIP-101, KIP-320): it grows by one with each new leader. (Epoch, role) is one value behind the lock that guards the
//! state as well. Whoever wants the state has to name the leadership that he believes in, so a check cannot be apart from the act that rests on it,
//! and whoever waits for the state to get somewhere learns that the leadership in which he began has ended, even if the position that he waits for
//! is reached again in a later one.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::monitor::{Monitor, WaitQueue, Wakes};

/// The id of a node, Kafka's `broker.id`.
pub type NodeId = i32;

/// Before the first leader is known.
pub const NO_EPOCH: i32 = -1;

/// Who leads, seen from this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The leader epoch. Never decreases.
    pub epoch: i32,
    /// What this node is in it.
    pub role: Role,
}

/// What a node is in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes appends.
    Leader,
    /// It copies the log of `leader`.
    Follower {
        /// The node that leads.
        leader: NodeId,
    },
    /// Neither: no leader is known yet, or the partition is closed on this node.
    Offline,
}

impl Leadership {
    /// This node leads in `epoch`.
    pub fn leader(epoch: i32) -> Self {
        Self { epoch, role: Role::Leader }
    }

    /// This node follows `leader` in `epoch`.
    pub fn follower(epoch: i32, leader: NodeId) -> Self {
        Self { epoch, role: Role::Follower { leader } }
    }
}

/// The leadership that was named does not hold, or not any more; nothing has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fenced {
    /// What holds.
    pub current: Leadership,
}

/// A change of leadership that was refused; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not newer than what holds. An epoch has one leader, so an equal one brings nothing new.
    NotNewer(Leadership),
    /// The fence is closed.
    Closed,
}

struct State<T> {
    /// Its epoch only grows; within an epoch the role changes only to offline.
    leadership: Leadership,
    closed: bool,
    /// Reached only together with a look at `leadership`.
    inner: T,
    /// Those who wait for a position, keyed by it. All of them are woken when the leadership ends.
    waiting: WaitQueue<i64>,
    /// Those who wait for the end of a leadership.
    ending: WaitQueue,
}

/// A leadership, and the state that rests on it.
pub struct Fence<T>(Monitor<State<T>>);

/// The state, for the length of one closure.
pub struct Held<'a, T> {
    inner: &'a mut T,
    waiting: &'a mut WaitQueue<i64>,
    wakes: &'a mut Wakes,
}

impl<T> Fence<T> {
    /// A fence over `inner`, with no leader known.
    pub fn new(inner: T) -> Self {
        let leadership = Leadership { epoch: NO_EPOCH, role: Role::Offline };
        let (waiting, ending) = (WaitQueue::new(), WaitQueue::new());
        Self(Monitor::new(State { leadership, closed: false, inner, waiting, ending }))
    }

    /// Who leads now: epoch and role, read as one.
    pub fn current(&self) -> Leadership {
        self.0.with(|state| state.leadership)
    }

    /// This node leads from now on; `enter` makes the state that of the new epoch, in the same critical section.
    ///
    /// # Errors
    /// The epoch is not newer, or the fence is closed; then `enter` is not called.
    pub fn become_leader(&self, epoch: i32, enter: impl FnOnce(&mut T)) -> Result<(), Refused> {
        self.change(Leadership::leader(epoch), enter)
    }

    /// `leader` leads from now on; `enter` as with [`Fence::become_leader`].
    ///
    /// # Errors
    /// As with [`Fence::become_leader`].
    pub fn become_follower(
        &self,
        epoch: i32,
        leader: NodeId,
        enter: impl FnOnce(&mut T),
    ) -> Result<(), Refused> {
        self.change(Leadership::follower(epoch, leader), enter)
    }

    fn change(&self, next: Leadership, enter: impl FnOnce(&mut T)) -> Result<(), Refused> {
        self.0.update(|state, wakes| {
            if state.closed {
                return Err(Refused::Closed);
            }
            if next.epoch <= state.leadership.epoch {
                return Err(Refused::NotNewer(state.leadership));
            }
            state.leadership = next;
            enter(&mut state.inner);
            wakes.all(&mut state.waiting);
            wakes.all(&mut state.ending);
            Ok(())
        })
    }

    /// Ends the present leadership and lets no other begin: the node stops, or the partition leaves it.
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            state.leadership.role = Role::Offline;
            wakes.all(&mut state.waiting);
            wakes.all(&mut state.ending);
        });
    }

    /// Runs `act` if `leadership` still holds, and while it does: the check and the act are one critical section. `act` is short, and takes no
    /// lock but that of a queue.
    ///
    /// # Errors
    /// Another leadership holds; then `act` is not called.
    pub fn guarded<R>(
        &self,
        leadership: Leadership,
        act: impl FnOnce(&mut Held<'_, T>) -> R,
    ) -> Result<R, Fenced> {
        self.0.update(|state, wakes| {
            state.holds(leadership)?;
            let State { inner, waiting, .. } = state;
            Ok(act(&mut Held { inner, waiting, wakes }))
        })
    }

    /// Looks at the state whoever leads: for what holds in every epoch, and for reports.
    pub fn read<R>(&self, look: impl FnOnce(Leadership, &T) -> R) -> R {
        self.0.with(|state| look(state.leadership, &state.inner))
    }

    /// Waits until `ready` returns a value, looked for each time [`Held::reached`] says `position`, or more.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// `leadership` does not hold, or has ended before `ready` was; then `ready` is not asked again, whatever the position.
    pub async fn until<R>(
        &self,
        leadership: Leadership,
        position: i64,
        mut ready: impl FnMut(&T) -> Option<R>,
    ) -> Result<R, Fenced> {
        let ready = self.0.wait(
            |state| &mut state.waiting,
            position,
            move |state, _| match state.holds(leadership) {
                Err(fenced) => Some(Err(fenced)),
                Ok(()) => ready(&state.inner).map(Ok),
            },
        );
        ready.await
    }

    /// Waits until another leadership holds than `seen`, and returns it. It may be several later: who waits sees the last one.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    pub async fn changed(&self, seen: Leadership) -> Leadership {
        let changed = self.0.wait(
            |state| &mut state.ending,
            (),
            move |state, _| (state.leadership != seen).then_some(state.leadership),
        );
        changed.await
    }

    /// How many wait for a position.
    pub fn waiting(&self) -> usize {
        self.0.with(|state| state.waiting.len())
    }
}

impl<T> State<T> {
    fn holds(&self, leadership: Leadership) -> Result<(), Fenced> {
        if self.leadership == leadership { Ok(()) } else { Err(Fenced { current: self.leadership }) }
    }
}

impl<T> Held<'_, T> {
    /// The state has got to `position`: those who wait for it or for less look again, once the lock is given back.
    pub fn reached(&mut self, position: i64) {
        self.wakes.up_to(self.waiting, position);
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner
    }
}

impl<T> fmt::Debug for Held<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Fence<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fence").field(&self.current()).finish()
    }
}
