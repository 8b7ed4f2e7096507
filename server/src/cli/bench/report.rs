//! What a measurement says in the end.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use super::args::{LoadArgs, Rate, ReportArgs};
use super::recorder::Recorder;
use super::usage;
use crate::cli::units::{float, show_size};
use crate::telemetry::ProcessUsage;

/// A load while it runs: what was used before it began.
pub(super) struct Before {
    server: Option<ProcessUsage>,
    client: ProcessUsage,
}

impl Before {
    /// Now.
    pub(super) async fn take(args: &ReportArgs) -> Self {
        Self { server: usage::server(args).await, client: usage::client() }
    }

    /// What came of it.
    pub(super) async fn measured(
        self,
        title: String,
        load: &LoadArgs,
        args: &ReportArgs,
        recorder: &Recorder,
    ) -> Measured {
        let client_cpu_seconds = usage::client().cpu_seconds - self.client.cpu_seconds;
        let after = usage::server(args).await;
        let seconds = recorder.elapsed().as_secs_f64().max(1e-9);
        Measured {
            title,
            closed_loop: load.rate == Rate::Max,
            requests: recorder.requests.get(),
            records: recorder.records.get(),
            bytes: recorder.bytes.get(),
            seconds,
            bytes_per_second: float(recorder.bytes.get()) / seconds,
            latencies: [50.0, 99.0, 99.9, 100.0].map(|percent| recorder.percentile(percent)),
            server: after.zip(self.server).map(|(after, before)| ProcessUsage {
                cpu_seconds: after.cpu_seconds - before.cpu_seconds,
                ..after
            }),
            client_cpu_seconds,
        }
    }
}

/// What a load measured.
pub(super) struct Measured {
    title: String,
    closed_loop: bool,
    requests: u64,
    records: u64,
    bytes: u64,
    seconds: f64,
    pub(super) bytes_per_second: f64,
    /// p50, p99, p99.9, longest.
    latencies: [Duration; 4],
    /// Processor time during the load; memory in the end.
    server: Option<ProcessUsage>,
    client_cpu_seconds: f64,
}

impl Measured {
    /// For people, or as one line of JSON.
    pub(super) fn finish(&self, as_json: bool) -> String {
        if as_json { format!("{}\n", self.json()) } else { self.text() }
    }

    fn text(&self) -> String {
        let [p50, p99, p999, longest] = self.latencies.map(show_latency);
        let counts = if self.closed_loop { "from sent to answered" } else { "from due to answered" };
        let mut out = format!("{}\n", self.title);
        let _ = writeln!(
            out,
            "  throughput  {}/s  {:.0} records/s  ({} in {} requests, {:.2} s)",
            show_size(self.bytes_per_second),
            float(self.records) / self.seconds,
            show_size(float(self.bytes)),
            self.requests,
            self.seconds
        );
        let _ =
            writeln!(out, "  latency     p50 {p50}  p99 {p99}  p99.9 {p999}  longest {longest}  ({counts})");
        let _ = match &self.server {
            Some(used) => writeln!(
                out,
                "  server      {:.2} s of processor time ({:.0} % of one)  {} resident",
                used.cpu_seconds,
                100.0 * used.cpu_seconds / self.seconds,
                show_size(float(used.resident_bytes))
            ),
            None => writeln!(
                out,
                "  server      processor time and memory not known: give --server-pid or --admin"
            ),
        };
        let _ = writeln!(out, "  client      {:.2} s of processor time", self.client_cpu_seconds);
        out
    }

    fn json(&self) -> serde_json::Value {
        let [p50, p99, p999, longest] = self.latencies.map(|latency| latency.as_secs_f64() * 1e3);
        json!({
            "title": self.title,
            "closed_loop": self.closed_loop,
            "requests": self.requests,
            "records": self.records,
            "bytes": self.bytes,
            "seconds": self.seconds,
            "bytes_per_second": self.bytes_per_second,
            "records_per_second": float(self.records) / self.seconds,
            "latency_ms": { "p50": p50, "p99": p99, "p99.9": p999, "longest": longest },
            "server_cpu_seconds": self.server.map(|used| used.cpu_seconds),
            "server_resident_bytes": self.server.map(|used| used.resident_bytes),
            "client_cpu_seconds": self.client_cpu_seconds,
        })
    }
}

fn show_latency(latency: Duration) -> String {
    format!("{:.2} ms", latency.as_secs_f64() * 1e3)
}
