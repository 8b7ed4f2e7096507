//! A bounded channel to one receiver: close, then drain.
//!
//! A task waits on one mailbox. A full mailbox makes its senders wait, and they keep their places in the line; that is how overload is
//! felt where it is caused. (A sender that comes just when there is room may take it first.) After [`Receiver::close`] or the last
//! sender's end nothing gets in, and everything that got in comes out.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use crate::monitor::{Monitor, WaitQueue};

struct State<T> {
    /// Sent and not yet received. Holds at most `capacity`.
    queue: VecDeque<T>,
    capacity: usize,
    senders: usize,
    /// No message enters any more; those in the queue still come out.
    closed: bool,
    receiving: WaitQueue,
    sending: WaitQueue,
}

/// Where messages enter; cloned for every sender. The end of the last one closes the mailbox.
pub struct Sender<T>(Arc<Monitor<State<T>>>);

/// Where messages come out.
pub struct Receiver<T>(Arc<Monitor<State<T>>>);

/// Why a message did not get in. It is handed back.
#[derive(Debug, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// The mailbox holds as many messages as it may.
    Full(T),
    /// The receiver has closed it or is gone.
    Closed(T),
}

/// The receiver has closed the mailbox or is gone. The message is handed back.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed<T>(pub T);

/// A mailbox for at most `capacity` messages.
///
/// # Panics
/// If `capacity` is zero.
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a mailbox for no messages would never take one");
    let monitor = Arc::new(Monitor::new(State {
        queue: VecDeque::new(),
        capacity,
        senders: 1,
        closed: false,
        receiving: WaitQueue::new(),
        sending: WaitQueue::new(),
    }));
    (Sender(monitor.clone()), Receiver(monitor))
}

impl<T> Sender<T> {
    /// Puts a message in if there is room now.
    ///
    /// # Errors
    /// Full or closed; the message comes back.
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.0.called("try_send");
        self.put_if_there_is_room(message)
    }

    /// Puts a message in, waiting for room.
    ///
    /// *Cancel-safety*: dropped before it is ready, the message has not been sent.
    ///
    /// # Errors
    /// Closed; the message comes back.
    #[track_caller]
    pub fn send(&self, message: T) -> impl Future<Output = Result<(), Closed<T>>> {
        self.0.called("send");
        self.put(message)
    }

    fn put_if_there_is_room(&self, message: T) -> Result<(), TrySendError<T>> {
        self.0.update(|state, wakes| {
            if state.closed {
                return Err(TrySendError::Closed(message));
            }
            if state.queue.len() == state.capacity {
                return Err(TrySendError::Full(message));
            }
            state.queue.push_back(message);
            wakes.one(&mut state.receiving);
            Ok(())
        })
    }

    /// *Cancel-safety*: as [`send`](Self::send).
    async fn put(&self, message: T) -> Result<(), Closed<T>> {
        let mut message = Some(message);
        let sent = self.0.wait(
            |state| &mut state.sending,
            (),
            move |state, wakes| {
                if !state.closed && state.queue.len() == state.capacity {
                    return None;
                }
                let message = message.take().expect("ready only once");
                if state.closed {
                    return Some(Err(Closed(message)));
                }
                state.queue.push_back(message);
                wakes.one(&mut state.receiving);
                Some(Ok(()))
            },
        );
        sent.await
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.with(|state| state.senders += 1);
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.update(|state, wakes| {
            state.senders -= 1;
            if state.senders == 0 {
                state.closed = true;
                wakes.all(&mut state.receiving);
            }
        });
    }
}

impl<T> Receiver<T> {
    /// The next message, or `None` once the mailbox is closed and empty.
    ///
    /// *Cancel-safety*: dropped before it is ready, no message has been taken.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Option<T>> {
        self.0.called("recv");
        self.take()
    }

    /// The next message, if there is one now.
    #[track_caller]
    pub fn try_recv(&mut self) -> Option<T> {
        self.0.called("try_recv");
        self.take_if_there_is_one()
    }

    /// *Cancel-safety*: as [`recv`](Self::recv).
    async fn take(&mut self) -> Option<T> {
        let received = self.0.wait(
            |state| &mut state.receiving,
            (),
            |state, wakes| match state.queue.pop_front() {
                Some(message) => {
                    wakes.one(&mut state.sending);
                    Some(Some(message))
                }
                None => state.closed.then_some(None),
            },
        );
        received.await
    }

    fn take_if_there_is_one(&mut self) -> Option<T> {
        self.0.update(|state, wakes| {
            let message = state.queue.pop_front()?;
            wakes.one(&mut state.sending);
            Some(message)
        })
    }

    /// Lets nothing in any more. What is inside can still be received.
    pub fn close(&mut self) {
        self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.sending);
        });
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let undelivered = self.0.update(|state, wakes| {
            state.closed = true;
            wakes.all(&mut state.sending);
            std::mem::take(&mut state.queue)
        });
        drop(undelivered); // after the lock: a message may hold a reply, and its end wakes somebody
    }
}
