//! What the process uses, as the kernel of the operating system counts it; under the names that Prometheus clients use.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUsage {
    /// Time on a processor since its start, in user and kernel mode.
    pub cpu_seconds: f64,
    /// Memory resident.
    pub resident_bytes: u64,
    /// Files, sockets and the like.
    pub open_fds: u64,
    /// Threads.
    pub threads: u64,
}

/// What process `pid` uses; `None` for this one. Nothing if there is no such process or no `/proc`.
pub fn usage(pid: Option<u32>) -> Option<ProcessUsage> {
    let folder = pid.map_or_else(|| "/proc/self".to_owned(), |pid| format!("/proc/{pid}"));
    let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
    let mut usage = parse_stat(&stat, rustix::param::clock_ticks_per_second(), rustix::param::page_size())?;
    usage.open_fds = fs::read_dir(format!("{folder}/fd")).map_or(0, |names| names.count() as u64);
    Some(usage)
}

/// Reads `/proc/PID/stat` (proc(5)). The command stands in parentheses and may hold anything.
fn parse_stat(stat: &str, ticks_per_second: u64, page_bytes: usize) -> Option<ProcessUsage> {
    let (_, after_command) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_command.split_whitespace().collect(); // the first is number 3
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = field(14)? + field(15)?;
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let cpu_seconds = ticks as f64 / ticks_per_second as f64;
    Some(ProcessUsage {
        cpu_seconds,
        resident_bytes: field(24)? * page_bytes as u64,
        open_fds: 0,
        threads: field(20)?,
    })
}

/// Reads this process's usage whenever metrics are printed.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = usage(None) else { return Ok(()) };
        let cpu = ConstCounter::new(usage.cpu_seconds);
        let described = encoder.encode_descriptor(
            "process_cpu",
            "Time on a processor",
            Some(&Unit::Seconds),
            cpu.metric_type(),
        )?;
        cpu.encode(described)?;
        let gauges = [
            ("process_resident_memory", "Memory resident", Some(&Unit::Bytes), usage.resident_bytes),
            ("process_open_fds", "Files and sockets open", None, usage.open_fds),
            ("process_threads", "Threads", None, usage.threads),
        ];
        for (name, help, unit, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let described = encoder.encode_descriptor(name, help, unit, gauge.metric_type())?;
            gauge.encode(described)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_with_spaces_and_parentheses_confuses_nothing() {
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 7 18 19 20 300 22";
        let usage = parse_stat(stat, 100, 4096).expect("well-formed");
        assert_eq!(
            usage,
            ProcessUsage { cpu_seconds: 2.0, resident_bytes: 300 * 4096, open_fds: 0, threads: 7 }
        );
    }

    #[test]
    fn this_process_uses_something() {
        let usage = usage(None).expect("Linux");
        assert!(usage.resident_bytes > 0 && usage.open_fds > 0 && usage.threads > 0);
    }
}
