//! Which nodes there are: how a cluster begins, how nodes join it, and how they leave.
//!
//! ```text
//! start, empty data directory ─► Beginning: asks the nodes that it is to begin with ─► all at the beginning, or welcome ─► a voter
//! start --join, empty         ─► AddRaftVoter ──┐
//!                                               ▼
//! add_node, remove_node ─────────────────► AddNode, RemoveNode: the metadata says who belongs to the cluster
//!                                               │
//!                        the leader's Reconciler brings Raft in line: learner ─► caught up ─► voter;   removed ─► no member
//!                                               │
//!                        each node's Contacts and Roster: who is dialed, whom it listens to
//! ```
//!
//! The metadata says who belongs to the cluster, and Raft's membership follows: whatever leader comes finishes what another one has begun.

mod beginning;
mod contacts;
mod plan;
mod reconciler;
mod requests;
mod roster;

pub(super) use beginning::{BEGIN, Beginner, MustNotBegin, Standing};
pub use beginning::{Join, JoinError, Newcomer, Origin};
pub(super) use contacts::{Contacts, DO_WITHOUT_ME};
pub(super) use reconciler::Reconciler;
pub use requests::MembershipError;
pub use roster::Roster;
