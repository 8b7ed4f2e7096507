//! Kernel `raft_loop`, around the real `raft::RawNode`: fix #1 of the seed, and what a Raft loop must never do.

#[cfg(not(loom))]
mod catching_up;
mod compaction;
mod disk;
mod end;
mod group;
mod handing_over;
mod leadership;
mod locks;
mod membership;
mod messages;
mod proposals;
mod reads;
mod shutdown;
mod start;
#[cfg(not(loom))]
mod steps;
mod world;
