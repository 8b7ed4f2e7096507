//! Who may lead: brokers hold a lease from whoever leads the metadata, and one whose lease has expired is fenced.
//!
//! ```text
//! every broker                                        whoever leads the metadata
//! Heartbeats ── broker epoch, version served ──────► Supervisor ── read_index ──► a majority: it leads still
//!    │                                                   │ lease until heard + 600 ms, then the answer
//!    ▼                                                   │
//! BrokerLease: held until sent + 600 ms               expires, and a follower has suspected it ─► FenceBroker, in the term in which it was found
//!                                                     fenced, and serves what has fenced it ─► UnfenceBroker
//! ```
//!
//! **Why no two lead a partition, each under a lease.** A lease ends at its broker before it ends here: the broker counts from when it sent, this side from when
//! it heard. Whoever leads the metadata grants only what it heard before a majority confirmed that it leads, so whoever leads next begins after the
//! heartbeat was sent; it waits one lease before it fences anybody. It fences in the term in which it has waited, or not at all. While a broker's fencing is under way it
//! is granted nothing; afterwards, nothing until it is unfenced, and it is unfenced only when it serves the metadata that took its partitions away. That is of who fails: a
//! leadership that is moved while both are there (`ElectLeaders`, a reassignment) is believed by the old leader until it hears of the move. What is acknowledged by all
//! in-sync replicas is safe from that, as followers take nothing of an older epoch.
//!
//! **Why the leader of the metadata does not fence itself.** It has its own lease by the same confirmation. If no majority confirms it, its lease ends as any other
//! does, somebody else leads the metadata soon, and fences it.
//!
//! **Why no time is lost, and nobody is fenced who is there.** A follower suspects a leader before its lease ends. That is kept, and the broker fenced at the moment in which the lease
//! ends, unless a heartbeat is granted before: then nothing is left of the suspicion. A heartbeat that has come and is not confirmed yet has to be, first.
//!
//! A restarted broker takes over at once from its earlier life: the data directory is locked, so that one has ended.

mod answers;
mod beats;
mod heartbeats;
mod judgement;
mod lease;
mod leases;
mod protocol;
mod supervisor;
mod suspects;
mod under_way;

#[cfg(test)]
mod tests;

pub(super) use answers::Fencing;
pub(super) use heartbeats::Heartbeats;
pub use lease::BrokerLease;
pub use protocol::ElectAnswer;
pub(super) use supervisor::Supervisor;
