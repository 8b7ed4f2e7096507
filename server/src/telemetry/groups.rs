//! Consumer groups, under the names that Kafka's JMX exporter and kafka_exporter use, so that their dashboards work as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use concurrency_models::image::Image;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// The groups at some moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupsSample {
    /// Groups by Kafka's name of their state, with all that there are.
    pub states: BTreeMap<&'static str, i64>,
    /// Committed offsets of all groups.
    pub offsets: i64,
    /// Groups by name; no more than there may be series of metrics.
    pub groups: Vec<GroupSample>,
    /// Groups that are counted and not named.
    pub left_out: i64,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupSample {
    /// Its id.
    pub group: String,
    /// Its members.
    pub members: i64,
    /// Its offsets.
    pub offsets: Vec<OffsetSample>,
}

/// A committed offset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetSample {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// What the group reads next.
    pub offset: i64,
    /// Records that it has not read; `None` if that is not known here.
    pub lag: Option<i64>,
}

/// Prints the last sample. Clones have the same.
#[derive(Clone, Debug)]
pub struct GroupMetrics(Arc<Image<GroupsSample>>);

impl Default for GroupMetrics {
    fn default() -> Self {
        Self(Arc::new(Image::new(GroupsSample::default())))
    }
}

impl GroupMetrics {
    /// Puts a sample in the place of the last one.
    pub fn publish(&self, sample: GroupsSample) {
        self.0.replace(sample);
    }
}

/// Kafka's names of states, with the end of the metric's name.
const STATES: [(&str, &str); 5] = [
    ("PreparingRebalance", "numgroupspreparingrebalance"),
    ("CompletingRebalance", "numgroupscompletingrebalance"),
    ("Stable", "numgroupsstable"),
    ("Dead", "numgroupsdead"),
    ("Empty", "numgroupsempty"),
];

type Labels = Vec<(&'static str, String)>;
/// Name, help, series.
type Metric = (&'static str, &'static str, Vec<(Labels, i64)>);

impl Collector for GroupMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let sample = self.0.load();
        let mut single = |name: &str, help: &str, value: i64| {
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
        };
        let help = "Groups that have no series of their own, because there would be too many";
        single("chronik_consumergroups_not_shown", help, sample.left_out)?;
        let mut total = |name: &str, help: &str, value: i64| {
            single(&format!("kafka_coordinator_group_groupmetadatamanager_{name}"), help, value)
        };
        total("numgroups", "Groups", sample.states.values().sum())?;
        total("numoffsets", "Committed offsets", sample.offsets)?;
        for (state, name) in STATES {
            total(name, "Groups in this state", sample.states.get(state).copied().unwrap_or_default())?;
        }
        for (name, help, series) in by_group(&sample) {
            family(&mut encoder, name, help, &series)?;
        }
        Ok(())
    }
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: &[(Labels, i64)],
) -> Result<(), std::fmt::Error> {
    let mut described = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in series {
        ConstGauge::new(*value).encode(described.encode_family(labels)?)?;
    }
    Ok(())
}

/// A label's value. Clients choose it, and the encoder writes it as it is.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

/// kafka_exporter's metrics.
fn by_group(sample: &GroupsSample) -> [Metric; 5] {
    let (mut members, mut current, mut lags) = (Vec::new(), Vec::new(), Vec::new());
    let (mut current_sum, mut lag_sum) = (BTreeMap::new(), BTreeMap::new());
    for GroupSample { group, members: count, offsets } in &sample.groups {
        let group = escaped(group);
        members.push((vec![("consumergroup", group.clone())], *count));
        for OffsetSample { topic, partition, offset, lag } in offsets {
            let of_topic: Labels = vec![("consumergroup", group.clone()), ("topic", topic.clone())];
            let mut labels = of_topic.clone();
            labels.push(("partition", partition.to_string()));
            *current_sum.entry(of_topic.clone()).or_default() += offset;
            if let Some(lag) = lag {
                *lag_sum.entry(of_topic).or_default() += lag;
                lags.push((labels.clone(), *lag));
            }
            current.push((labels, *offset));
        }
    }
    [
        ("kafka_consumergroup_members", "Members of a group", members),
        ("kafka_consumergroup_current_offset", "Committed offset of a group for a partition", current),
        (
            "kafka_consumergroup_current_offset_sum",
            "Committed offsets of a group for a topic",
            current_sum.into_iter().collect(),
        ),
        ("kafka_consumergroup_lag", "Records of a partition that a group has not read", lags),
        (
            "kafka_consumergroup_lag_sum",
            "Records of a topic that a group has not read",
            lag_sum.into_iter().collect(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_those_of_the_dashboards() {
        let offset = |partition, offset, lag| OffsetSample { topic: "t".into(), partition, offset, lag };
        let groups = GroupMetrics::default();
        groups.publish(GroupsSample {
            states: BTreeMap::from([("Stable", 2), ("Empty", 1)]),
            offsets: 2,
            groups: vec![GroupSample {
                group: "g \"1\"".into(),
                members: 3,
                offsets: vec![offset(0, 5, Some(2)), offset(1, 7, None)],
            }],
            left_out: 2,
        });
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register_collector(Box::new(groups));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a String takes all");
        for line in [
            "kafka_coordinator_group_groupmetadatamanager_numgroups 3",
            "kafka_coordinator_group_groupmetadatamanager_numgroupsstable 2",
            "kafka_coordinator_group_groupmetadatamanager_numoffsets 2",
            r#"kafka_consumergroup_members{consumergroup="g \"1\""} 3"#,
            r#"kafka_consumergroup_current_offset{consumergroup="g \"1\"",topic="t",partition="1"} 7"#,
            r#"kafka_consumergroup_current_offset_sum{consumergroup="g \"1\"",topic="t"} 12"#,
            r#"kafka_consumergroup_lag{consumergroup="g \"1\"",topic="t",partition="0"} 2"#,
            r#"kafka_consumergroup_lag_sum{consumergroup="g \"1\"",topic="t"} 2"#,
            "chronik_consumergroups_not_shown 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
