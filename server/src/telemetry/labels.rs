//! The labels that metrics are counted by.

use prometheus_client::encoding::EncodeLabelSet;

/// By API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ApiLabels {
    /// Kafka's name of the API, such as `Produce`.
    pub api: &'static str,
}

/// By API and outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ApiErrorLabels {
    /// Kafka's name of the API, such as `Produce`.
    pub api: &'static str,
    /// Kafka's name of the error, or `NONE`.
    pub error: &'static str,
}

/// By why something was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// Lower-case words joined by `_`.
    pub reason: &'static str,
}

/// By long-running loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LoopLabels {
    /// The name under which the loop registered; `loop` is a keyword.
    pub name: String,
}

/// By node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NodeLabels {
    /// Its id.
    pub node: i32,
}

/// By node at the other end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PeerLabels {
    /// Its id.
    pub node: u64,
    /// What the connection is for: `control` or `data`.
    pub purpose: &'static str,
}
