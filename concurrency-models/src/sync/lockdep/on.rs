//! What a task holds, and what it may ask for.

use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(shuttle)]
use shuttle::thread_local as of_each_thread;
#[cfg(not(shuttle))]
use std::thread_local as of_each_thread;

use super::graph;
use crate::sync::event::{Access, Object};

/// A lock that is held or asked for.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) object: Object,
    access: Access,
    site: &'static Location<'static>,
}

/// What one task does with locks.
#[derive(Default)]
struct Task {
    /// What [`scope`] calls it.
    name: Option<&'static str>,
    /// In the order in which they were taken.
    held: Vec<Use>,
}

of_each_thread! {
    /// The task that runs on this thread.
    static TASK: RefCell<Task> = RefCell::default();
}

/// Gives a future a set of locks of its own, so that what it holds across an await is held by it and not by the thread; and a name for the
/// message.
pub fn scope<F: Future>(task: &'static str, future: F) -> Scoped<F> {
    Scoped { future: Some(Box::pin(future)), task: Task { name: Some(task), held: Vec::new() } }
}

/// The future of [`scope`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct Scoped<F> {
    /// `None` once it is being dropped.
    future: Option<Pin<Box<F>>>,
    /// What it holds while it does not run; the thread's while it does.
    task: Task,
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("task", &self.task.name).finish_non_exhaustive()
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let future = this.future.as_mut().expect("it is there until it is dropped");
        let _running = Running::begin(&mut this.task);
        future.as_mut().poll(context)
    }
}

impl<F> Drop for Scoped<F> {
    fn drop(&mut self) {
        let future = self.future.take();
        let _running = Running::begin(&mut self.task);
        drop(future); // gives back what it holds
    }
}

/// While it lives, this thread runs that task.
struct Running<'a>(&'a mut Task);

impl<'a> Running<'a> {
    fn begin(task: &'a mut Task) -> Self {
        swap(task);
        Self(task)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        swap(self.0);
    }
}

fn swap(task: &mut Task) {
    with_task(|of_thread| std::mem::swap(of_thread, task));
}

/// `None` where there is no task: at the end of a thread, and under shuttle while an execution is torn down.
fn with_task<R>(look: impl FnOnce(&mut Task) -> R) -> Option<R> {
    if cfg!(shuttle) && std::thread::panicking() {
        return None;
    }
    TASK.try_with(|task| look(&mut task.borrow_mut())).ok()
}

/// The task is about to block until it has the lock.
///
/// # Panics
/// If it might do so for ever.
pub(crate) fn request(object: &Object, access: Access, site: &'static Location<'static>) {
    if std::thread::panicking() {
        return;
    }
    let wanted = Use { object: *object, access, site };
    let alarm = with_task(|task| {
        if task.held.is_empty() {
            return None;
        }
        let who = || task.name.map_or_else(name_of_thread, str::to_owned);
        if let Some(held) = task.held.iter().find(|held| held.object.serial == object.serial) {
            return Some(format!("{} holds {held}, wants {wanted}", who()));
        }
        let (held, inverse) = task.held.iter().find_map(|held| Some((held, graph::add(held, &wanted)?)))?;
        Some(format!("{} holds {held}, wants {wanted}, but the other way round: {inverse}", who()))
    });
    if let Some(alarm) = alarm.flatten() {
        panic!("deadlock ahead: {alarm}");
    }
}

/// The task has the lock.
pub(crate) fn acquired(object: &Object, access: Access, site: &'static Location<'static>) {
    with_task(|task| task.held.push(Use { object: *object, access, site }));
}

/// The task gives the lock back.
pub(crate) fn released(object: &Object) {
    with_task(|task| {
        if let Some(at) = task.held.iter().rposition(|held| held.object.serial == object.serial) {
            task.held.remove(at);
        }
    });
}

/// The lock is no more.
pub(crate) fn forget(object: &Object) {
    graph::forget(object.serial);
}

fn name_of_thread() -> String {
    std::thread::current().name().map_or("a thread".to_owned(), |name| format!("thread {name}"))
}

/// `mailbox::State<u32>.lock (concurrency-models/src/mailbox.rs:101)`.
impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Lock => "lock",
            Access::Read => "read",
            Access::Write => "write",
        };
        let guards = self.object.guards.strip_prefix("concurrency_models::").unwrap_or(self.object.guards);
        write!(f, "{guards}.{access} ({}:{})", self.site.file(), self.site.line())
    }
}
