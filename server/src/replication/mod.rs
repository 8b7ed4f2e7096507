//! Replicas of partitions: who leads them is agreed on in [`cluster`](crate::cluster); here is what follows from it between nodes.

pub mod liveness;
