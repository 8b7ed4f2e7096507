//! What is neither a group nor administration.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

/// The longest that anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn librdkafka() -> String {
    let (_, version) = rdkafka::util::get_rdkafka_version();
    format!("librdkafka {version}")
}

/// Where clients begin.
pub(crate) fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    config
}

/// Waits for what the library does in the background.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bounded = async { tokio::time::timeout(2 * PATIENCE, future).await };
    runtime.block_on(bounded).context("it takes too long")
}

/// Sends each line of `file`, a key and a value with a tab in between, and waits until each is acknowledged.
pub(crate) fn produce(bootstrap: &str, topic: &str, file: &str, codec: &str) -> Result<()> {
    let text = std::fs::read_to_string(file)?;
    let mut config = config(bootstrap);
    config.set("enable.idempotence", "true").set("acks", "all").set("compression.type", codec);
    config.set("queue.buffering.max.messages", "10000000").set("message.timeout.ms", "60000");
    let producer: FutureProducer = config.create()?;
    let mut sent = Vec::new();
    for line in text.lines() {
        let (key, value) = line.split_once('\t').context("a line without a tab")?;
        let record = FutureRecord::to(topic).key(key).payload(value);
        sent.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    wait(async {
        for report in sent {
            report.await?.map_err(|(error, _)| error)?;
        }
        Ok(())
    })?
}

/// The sum of what `group` has committed.
pub(crate) fn committed(bootstrap: &str, topic: &str, group: &str) -> Result<i64> {
    let client: BaseConsumer = config(bootstrap).set("group.id", group).create()?;
    let metadata = client.fetch_metadata(Some(topic), PATIENCE)?;
    let mut asked = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        asked.add_partition(topic, partition.id());
    }
    let found = client.committed_offsets(asked, PATIENCE)?;
    let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
    Ok(found.elements().iter().map(|element| offset(element.offset())).sum())
}
