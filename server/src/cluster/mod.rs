//! What the cluster knows of itself: brokers, topics, producer ids.
//!
//! [`state`] is a fold of commands and knows nothing else. [`controller`] is the one task that has commands made durable and folds them in;
//! everybody else reads the image that it publishes.

pub mod command;
pub mod controller;
pub mod state;
pub mod topic_config;

pub use command::{Applied, Command, Refusal};
pub use controller::{Controller, ProposeError};
pub use state::{Broker, ClusterState, Partition, Topic};
