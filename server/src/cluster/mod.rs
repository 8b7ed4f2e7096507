//! What the cluster knows of itself: brokers, topics and their settings, producer ids.
//!
//! [`state`] is a fold of commands and knows nothing else. [`controller`] is the one task that has commands made durable and folds them in;
//! everybody else reads the image that it publishes.

pub mod command;
pub mod controller;
pub mod node_settings;
pub mod since_snapshot;
pub mod state;
pub mod topic_config;

pub use command::{Applied, Command, ConfigResource, Refusal};
pub use controller::{Controller, ProposeError};
pub use node_settings::{ConfigSource, NodeSettings};
pub use since_snapshot::SinceSnapshot;
pub use state::{Broker, ClusterState, EVERY_BROKER, Partition, Topic};
