//! Requests that wait for their outcome: each completes exactly once, whoever comes first: the commit, the change of leader, the
//! timeout, the shutdown.
//!
//! A request is registered *before* the work that may complete it is started; taking it out of the table is what decides who completes it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::sync::Arc;

use crate::reply::{self, Answer, Reply, Unanswered};
use crate::sync::Mutex;

struct Table<K, T> {
    open: BTreeMap<K, Request<T>>,
    next_serial: u64,
    closed: bool,
}

struct Request<T> {
    /// Tells this request from an earlier one of the same key.
    serial: u64,
    reply: Reply<T>,
}

/// The table of open requests. Clones are the same table.
pub struct Pending<K: Ord + Copy, T>(Arc<Mutex<Table<K, T>>>);

/// One open request; dropping it takes the request out of the table.
#[must_use = "dropped at once, the request is forgotten"]
pub struct Waiting<K: Ord + Copy, T> {
    table: Pending<K, T>,
    key: K,
    serial: u64,
    answer: Answer<T>,
}

/// Why a request was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The table is closed: nobody would ever complete it.
    Closed,
    /// A request of this key is open.
    Duplicate,
}

impl<K: Ord + Copy, T> Pending<K, T> {
    /// An empty table.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Table { open: BTreeMap::new(), next_serial: 0, closed: false })))
    }

    /// Opens a request.
    ///
    /// # Errors
    /// The table is closed, or has this key.
    pub fn register(&self, key: K) -> Result<Waiting<K, T>, Refused> {
        self.register_with(|_| key)
    }

    fn register_with(&self, key_of: impl FnOnce(u64) -> K) -> Result<Waiting<K, T>, Refused> {
        let (reply, answer) = reply::channel();
        let mut table = self.0.lock(); // released before `reply`, whose end wakes somebody
        if table.closed {
            return Err(Refused::Closed);
        }
        let serial = table.next_serial;
        let key = key_of(serial);
        match table.open.entry(key) {
            Slot::Occupied(_) => return Err(Refused::Duplicate),
            Slot::Vacant(slot) => slot.insert(Request { serial, reply }),
        };
        table.next_serial += 1;
        Ok(Waiting { table: self.clone(), key, serial, answer })
    }

    /// Completes the request `key`. Returns whether this call was the one that did.
    pub fn complete(&self, key: K, outcome: T) -> bool {
        let request = self.0.lock().open.remove(&key);
        request.is_some_and(|request| request.reply.send(outcome).is_ok())
    }

    /// Completes every request up to and including `key`, each with the outcome that `outcome_of` gives it. Returns how many.
    pub fn complete_through(&self, key: K, mut outcome_of: impl FnMut(K) -> T) -> usize {
        let done = {
            let mut table = self.0.lock();
            let mut rest = table.open.split_off(&key);
            if let Some(request) = rest.remove(&key) {
                table.open.insert(key, request);
            }
            std::mem::replace(&mut table.open, rest)
        };
        done.into_iter().filter_map(|(key, request)| request.reply.send(outcome_of(key)).ok()).count()
    }

    /// Completes every request and lets none in any more. Returns how many.
    pub fn close(&self, mut outcome_of: impl FnMut(K) -> T) -> usize {
        let done = {
            let mut table = self.0.lock();
            table.closed = true;
            std::mem::take(&mut table.open)
        };
        done.into_iter().filter_map(|(key, request)| request.reply.send(outcome_of(key)).ok()).count()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.0.lock().open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Pending<u64, T> {
    /// Opens a request under a number that no other request of this table has had.
    ///
    /// # Errors
    /// The table is closed.
    pub fn open(&self) -> Result<Waiting<u64, T>, Refused> {
        self.register_with(|serial| serial)
    }
}

impl<K: Ord + Copy, T> Waiting<K, T> {
    /// What the request is called.
    pub fn key(&self) -> K {
        self.key
    }

    /// Waits for the outcome.
    ///
    /// *Cancel-safety*: dropped before it is ready, the outcome is still there for the next call.
    ///
    /// # Errors
    /// The outcome has been taken by an earlier call, or whoever took the request out of the table did not live to give it.
    pub async fn outcome(&mut self) -> Result<T, Unanswered> {
        self.answer.wait().await
    }

    /// Completes the request from the side that waits, as a timeout does. Returns whether this call was the one that did; if not,
    /// somebody else has decided it, and [`Waiting::outcome`] is about to have it.
    pub fn expire(&self, outcome: T) -> bool {
        self.take().is_some_and(|request| request.reply.send(outcome).is_ok())
    }

    /// Takes this very request out of the table, if it is still open.
    fn take(&self) -> Option<Request<T>> {
        let mut table = self.table.0.lock();
        let mine = table.open.get(&self.key).is_some_and(|request| request.serial == self.serial);
        if mine { table.open.remove(&self.key) } else { None }
    }
}

impl<K: Ord + Copy, T> Drop for Waiting<K, T> {
    fn drop(&mut self) {
        self.take();
    }
}

impl<K: Ord + Copy, T> Clone for Pending<K, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Ord + Copy, T> Default for Pending<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Copy, T> fmt::Debug for Pending<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("open", &self.len()).finish()
    }
}
