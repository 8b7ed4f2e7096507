//! A page of metrics that is filled with values and printed once.

use std::fmt::{self, Debug};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

/// The page while it is filled.
#[derive(Debug, Default)]
pub(super) struct Page {
    registry: Registry,
}

/// Values of one kind, by label.
#[derive(Debug)]
enum Values<L> {
    One(i64),
    Counters(Vec<(L, u64)>),
    Gauges(Vec<(L, i64)>),
    Fractions(Vec<(L, f64)>),
}

/// The values of one name.
#[derive(Debug)]
struct Series<L> {
    name: String,
    help: &'static str,
    values: Values<L>,
}

/// What can label a value.
pub(super) trait Labels: EncodeLabelSet + Debug + Send + Sync + 'static {}
impl<L: EncodeLabelSet + Debug + Send + Sync + 'static> Labels for L {}

impl Page {
    /// A number without labels.
    pub(super) fn gauge(&mut self, name: &str, help: &'static str, value: usize) {
        self.add(name, help, Values::<NoLabelSet>::One(super::signed(value)));
    }

    /// Numbers that go up and down.
    pub(super) fn gauges<L: Labels>(&mut self, name: &str, help: &'static str, values: Vec<(L, i64)>) {
        self.add(name, help, Values::Gauges(values));
    }

    /// The same with a fraction.
    pub(super) fn fractions<L: Labels>(&mut self, name: &str, help: &'static str, values: Vec<(L, f64)>) {
        self.add(name, help, Values::Fractions(values));
    }

    /// Numbers that only grow; `_total` is added to their name.
    pub(super) fn counters<L: Labels>(&mut self, name: &str, help: &'static str, values: Vec<(L, u64)>) {
        self.add(name, help, Values::Counters(values));
    }

    /// The page, to be printed.
    pub(super) fn registry(self) -> Registry {
        self.registry
    }

    fn add<L: Labels>(&mut self, name: &str, help: &'static str, values: Values<L>) {
        self.registry.register_collector(Box::new(Series { name: name.to_owned(), help, values }));
    }
}

impl<L: Labels> Collector for Series<L> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let kind = match self.values {
            Values::Counters(_) => MetricType::Counter,
            Values::One(_) | Values::Gauges(_) | Values::Fractions(_) => MetricType::Gauge,
        };
        let mut metric = encoder.encode_descriptor(&self.name, self.help, None, kind)?;
        match &self.values {
            Values::One(value) => metric.encode_gauge(value),
            Values::Counters(values) => values.iter().try_for_each(|(labels, value)| {
                metric.encode_family(labels)?.encode_counter::<NoLabelSet, _, u64>(value, None)
            }),
            Values::Gauges(values) => values
                .iter()
                .try_for_each(|(labels, value)| metric.encode_family(labels)?.encode_gauge(value)),
            Values::Fractions(values) => values
                .iter()
                .try_for_each(|(labels, value)| metric.encode_family(labels)?.encode_gauge(value)),
        }
    }
}
