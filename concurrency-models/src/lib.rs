//! Chronik's concurrency kernels: one source, three runtimes.
//!
//! Everything in the server that synchronises threads or tasks is one of these modules. A plain build runs them on
//! `parking_lot`; `--cfg loom` and `--cfg shuttle` run the very same source under a model checker.
//!
//! Three layers, each standing on the one above:
//!
//! 1. [`sync`]: the only place that chooses a lock. Nothing else names `parking_lot`, `loom` or `shuttle`.
//! 2. [`wait_queue`], [`seat`] and [`monitor`]: the only way to wait. A [`Monitor`](monitor::Monitor) is state behind one lock plus
//!    queues of waiters, or a seat for the only one; a check and the registration that follows it are one critical section, so that a
//!    wake-up cannot fall between them.
//! 3. the kernels: each a small state and the rules by which it changes.
//!
//! | kernel | decides | used by the server for |
//! |---|---|---|
//! | [`mailbox`] | bounded channel: close, then drain | replies of a connection, commands to a task |
//! | [`reply`] | one answer: given exactly once, or its waiter learns that it never will be | every request |
//! | [`watermark`] | a position that only grows, with waiters | high watermark, applied index |
//! | [`group_commit`] | order fixed at enqueue, one flusher, nothing lost at close or on an error | the write-ahead log |
//! | [`pending`] | a request completes exactly once: by commit, by leader change, by timeout | metadata proposals |
//! | [`image`] | one writer publishes, readers clone an `Arc` | metadata, the segments of a partition |
//! | [`raft_loop`] | the Raft round: one acquisition of the node lock, the disk outside of it | the metadata of a cluster |
//! | [`heartbeat_map`] | each followed partition is watched, or has an election | heartbeats from leaders |
//! | [`timeout_monitor`] | suspects silent leaders on each tick; never waits, knows no Raft node | followed partitions |
//! | [`triggers`] | suspects on their way to a worker: bounded, one election per partition and epoch | between the two |
//! | [`election_worker`] | looks again, then asks for another leader; what is refused is watched again | followed partitions |
//! | [`outbox`] | what leaves for a peer: Raft in order, heartbeats before data, nobody of them waits | the connection to a node |
//! | [`publication`] | a picture and how far it may be read: never further than it shows | the log of a partition |
//! | [`epoch`] | who leads, since which epoch, and the state that holds only then | the replicas of a partition |
//! | [`isr`] | who is in sync, how far the log is committed, in which epoch | the replicas of a partition |
//! | [`registry`] | get-or-create once, removed only when idle, no use after removal | partitions |
//! | [`gate`] | enter, close, drained | request handlers at shutdown |
//! | [`budget`] | bytes, given out in order of asking | memory of requests in flight |
//!
//! A kernel knows no runtime: its `async fn`s wait on kernel types only; the server awaits them on tokio, a thread
//! drives them with [`sync::block_on`], a scenario with the checker's. Time enters as a value.
//! Every `async fn` states what dropping its future does (*cancel-safety*).
#![warn(missing_docs)]

pub mod budget;
pub mod election_worker;
pub mod epoch;
pub mod gate;
pub mod group_commit;
pub mod heartbeat_map;
pub mod image;
pub mod isr;
pub mod mailbox;
pub mod monitor;
pub mod outbox;
pub mod pending;
pub mod publication;
pub mod raft_loop;
pub mod registry;
pub mod reply;
pub mod seat;
pub mod sync;
pub mod timeout_monitor;
pub mod triggers;
pub mod wait_queue;
pub mod watermark;
