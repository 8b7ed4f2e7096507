//! What leaves this node for one peer: heartbeats, Raft messages and data, to one task that has the connection.
//!
//! Nobody who keeps the cluster alive waits here. A heartbeat takes the place of one that has not left yet. A Raft message goes behind those before it
//! (etcd-io/raft: messages to a peer keep their order), and if there is no room, the oldest is dropped: it is the first to be of a term or an election
//! that is over, and Raft sends again what still matters. Only data waits for room, and it leaves only when there is no
//! heartbeat and no Raft message: a follower that gets no data hears from its leader all the same. Close, then drain.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use crate::monitor::{Monitor, WaitQueue};

struct State<H, R, D> {
    /// The newest, if it has not left.
    heartbeat: Option<H>,
    /// In order. Holds at most `limits.raft`.
    raft: VecDeque<R>,
    /// In order. Holds at most `limits.data`.
    data: VecDeque<D>,
    limits: Limits,
    senders: usize,
    /// Nothing enters any more; what is inside still leaves.
    closed: bool,
    draining: WaitQueue,
    /// Senders of data that wait for room.
    sending: WaitQueue,
}

/// How much may wait for a peer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Raft messages.
    pub raft: usize,
    /// Frames of data.
    pub data: usize,
}

/// What leaves next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing<H, R, D> {
    /// Before everything else.
    Heartbeat(H),
    /// Before data.
    Raft(R),
    /// When there is nothing else.
    Data(D),
}

/// Where things enter; cloned for every sender. The end of the last one closes the outbox.
pub struct Outbox<H, R, D>(Arc<Monitor<State<H, R, D>>>);

/// Where they come out: the peer's connection has it.
pub struct Drain<H, R, D>(Arc<Monitor<State<H, R, D>>>);

/// The outbox is closed, or its drain is gone. What was to be sent is handed back.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed<T>(pub T);

/// An outbox for one peer.
///
/// # Panics
/// If one of the limits is zero.
#[track_caller]
pub fn channel<H, R, D>(limits: Limits) -> (Outbox<H, R, D>, Drain<H, R, D>) {
    assert!(limits.raft > 0 && limits.data > 0, "an outbox for nothing would never let anything out");
    let monitor = Arc::new(Monitor::new(State {
        heartbeat: None,
        raft: VecDeque::new(),
        data: VecDeque::new(),
        limits,
        senders: 1,
        closed: false,
        draining: WaitQueue::new(),
        sending: WaitQueue::new(),
    }));
    (Outbox(monitor.clone()), Drain(monitor))
}

impl<H, R, D> Outbox<H, R, D> {
    /// Sends a heartbeat. Returns the older one that it replaces, which will not leave any more.
    ///
    /// # Errors
    /// Closed; the heartbeat comes back.
    #[track_caller]
    pub fn heartbeat(&self, heartbeat: H) -> Result<Option<H>, Closed<H>> {
        self.0.called("heartbeat");
        self.put_heartbeat(heartbeat)
    }

    fn put_heartbeat(&self, heartbeat: H) -> Result<Option<H>, Closed<H>> {
        self.0.update(|state, wakes| {
            if state.closed {
                return Err(Closed(heartbeat));
            }
            wakes.one(&mut state.draining);
            Ok(state.heartbeat.replace(heartbeat))
        })
    }

    /// Sends a Raft message. Returns the oldest one if that had to make room: Raft must hear that its receiver may not get it
    /// ([`Event::Unreachable`](crate::raft_loop::Event::Unreachable)).
    ///
    /// # Errors
    /// Closed; the message comes back.
    #[track_caller]
    pub fn raft(&self, message: R) -> Result<Option<R>, Closed<R>> {
        self.0.called("raft");
        self.put_raft(message)
    }

    fn put_raft(&self, message: R) -> Result<Option<R>, Closed<R>> {
        self.0.update(|state, wakes| {
            if state.closed {
                return Err(Closed(message));
            }
            let full = state.raft.len() == state.limits.raft;
            let dropped = if full { state.raft.pop_front() } else { None };
            state.raft.push_back(message);
            wakes.one(&mut state.draining);
            Ok(dropped)
        })
    }

    /// Sends data, waiting for room.
    ///
    /// *Cancel-safety*: dropped before it is ready, nothing has been sent.
    ///
    /// # Errors
    /// Closed; the data comes back.
    #[track_caller]
    pub fn data(&self, data: D) -> impl Future<Output = Result<(), Closed<D>>> {
        self.0.called("data");
        self.put(data)
    }

    /// *Cancel-safety*: as [`data`](Self::data).
    async fn put(&self, data: D) -> Result<(), Closed<D>> {
        let mut data = Some(data);
        let sent = self.0.wait(
            |state| &mut state.sending,
            (),
            move |state, wakes| {
                if !state.closed && state.data.len() == state.limits.data {
                    return None;
                }
                let data = data.take().expect("ready only once");
                if state.closed {
                    return Some(Err(Closed(data)));
                }
                state.data.push_back(data);
                wakes.one(&mut state.draining);
                Some(Ok(()))
            },
        );
        sent.await
    }

    /// Lets nothing in any more. What is inside still leaves.
    pub fn close(&self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.sending);
            wakes.all(&mut state.draining);
        });
    }
}

impl<H, R, D> Clone for Outbox<H, R, D> {
    fn clone(&self) -> Self {
        self.0.with(|state| state.senders += 1);
        Self(self.0.clone())
    }
}

impl<H, R, D> Drop for Outbox<H, R, D> {
    fn drop(&mut self) {
        self.0.update(|state, wakes| {
            state.senders -= 1;
            if state.senders == 0 {
                state.closed = true;
                wakes.all(&mut state.draining);
            }
        });
    }
}

impl<H, R, D> Drain<H, R, D> {
    /// What leaves next, or `None` once the outbox is closed and empty.
    ///
    /// *Cancel-safety*: dropped before it is ready, nothing has been taken.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<Outgoing<H, R, D>>> {
        self.0.called("recv");
        self.take()
    }

    /// *Cancel-safety*: as [`recv`](Self::recv).
    async fn take(&mut self) -> Option<Outgoing<H, R, D>> {
        let taken = self.0.wait(
            |state| &mut state.draining,
            (),
            |state, wakes| {
                if let Some(heartbeat) = state.heartbeat.take() {
                    return Some(Some(Outgoing::Heartbeat(heartbeat)));
                }
                if let Some(message) = state.raft.pop_front() {
                    return Some(Some(Outgoing::Raft(message)));
                }
                if let Some(data) = state.data.pop_front() {
                    wakes.one(&mut state.sending);
                    return Some(Some(Outgoing::Data(data)));
                }
                state.closed.then_some(None)
            },
        );
        taken.await
    }
}

impl<H, R, D> Drop for Drain<H, R, D> {
    /// The connection is gone, and with it what had not left.
    fn drop(&mut self) {
        let unsent = self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.sending);
            (state.heartbeat.take(), std::mem::take(&mut state.raft), std::mem::take(&mut state.data))
        });
        drop(unsent); // after the lock: data may hold a reply, and its end wakes somebody
    }
}
