//! Seeing it run: logs, metrics, and the watchdog that names a loop that stands still.

mod groups;
mod instruments;
mod labels;
mod latencies;
mod log;
mod peers;
mod process;
mod streams;
mod traffic;
mod watchdog;

pub use groups::{GroupMetrics, GroupSample, GroupsSample, OffsetSample};
pub use instruments::{Instruments, Metrics};
pub use labels::{ApiErrorLabels, ApiLabels, LoopLabels, NodeLabels, PeerLabels, ReasonLabels};
pub use latencies::Latencies;
pub use log::{LogError, init as init_logs};
pub use peers::PeerMetrics;
pub use process::{ProcessUsage, usage as process_usage};
pub use streams::StreamMetrics;
pub use traffic::{TopicTraffic, Traffic};
pub use watchdog::{Pulse, Stall, Watchdog};
