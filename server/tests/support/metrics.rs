//! What the admin server of a node counts, as Prometheus reads it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::http;

/// Values by series: the name, and the labels as they are printed.
#[derive(Clone, Debug, Default)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// What a node counts now.
    pub fn of(admin: SocketAddr) -> Self {
        let page = http(admin, "/metrics");
        let samples = page.lines().filter(|line| line.contains("chronik_") && !line.starts_with('#'));
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            (series.to_owned(), value.parse().expect("a number"))
        };
        Self(samples.map(sample).collect())
    }

    /// What was counted since `before`. Only of counters it makes sense.
    pub fn since(&self, before: &Self) -> Self {
        let then = |series: &String| before.0.get(series).copied().unwrap_or_default();
        Self(self.0.iter().map(|(series, value)| (series.clone(), value - then(series))).collect())
    }

    /// The value of a metric without labels.
    pub fn get(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no metric {name}"))
    }

    /// A metric's values by what stands in its braces.
    pub fn by_labels<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(series, value)| {
            let labels = series.strip_prefix(name)?.strip_prefix('{')?.strip_suffix('}')?;
            Some((labels, *value))
        })
    }

    /// The sum of a metric over its labels.
    pub fn sum(&self, name: &str) -> f64 {
        self.by_labels(name).fold(0.0, |sum, (_, value)| sum + value)
    }

    /// Of a histogram: how many were counted, and the bound below which all of them are. Of one with labels only where `label` is among them.
    pub fn below(&self, name: &str, label: &str) -> (f64, f64) {
        let name = format!("{name}_bucket");
        let buckets = self.by_labels(&name).filter(|(labels, _)| labels.contains(label));
        let bound = |labels: &str| -> f64 {
            let (_, bound) = labels.split_once("le=\"").expect("a bound");
            let (bound, _) = bound.split_once('"').expect("its end");
            bound.parse().expect("a number, or +Inf")
        };
        let mut buckets: Vec<(f64, f64)> = buckets.map(|(labels, count)| (bound(labels), count)).collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (_, count) = *buckets.last().unwrap_or_else(|| panic!("no histogram {name} of {label}"));
        let (bound, _) = *buckets.iter().find(|(_, within)| *within >= count).expect("the last is one");
        (count, if count == 0.0 { 0.0 } else { bound })
    }
}
