//! What the server used during a measurement.

use super::args::ReportArgs;
use crate::cli::http;
use crate::telemetry::{ProcessUsage, process_usage};

/// What the server has used so far: of its process, else by its metrics. `None` if neither can be had.
pub(super) async fn server(args: &ReportArgs) -> Option<ProcessUsage> {
    if args.server_pid.is_some() {
        return process_usage(args.server_pid);
    }
    let metrics = http::get(&args.admin, "/metrics").await.ok()?;
    let resident = http::metric(&metrics, "process_resident_memory_bytes")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
    let resident_bytes = resident as u64;
    Some(ProcessUsage {
        cpu_seconds: http::metric(&metrics, "process_cpu_seconds_total")?,
        resident_bytes,
        ..ProcessUsage::default()
    })
}

/// What this process has used so far.
pub(super) fn client() -> ProcessUsage {
    process_usage(None).unwrap_or_default()
}
