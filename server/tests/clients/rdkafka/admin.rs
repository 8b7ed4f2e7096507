//! What the admin client has, each with an assertion.

use anyhow::{Context, Result, ensure};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{PATIENCE, config, wait};

const ONE_REPLICA: TopicReplication<'_> = TopicReplication::Fixed(1);
const RECORDS: i64 = 10;
const TIME: i64 = 1_700_000_000_000;

/// A topic, and clients to look at it and to change it with.
struct Administration {
    topic: String,
    admin: AdminClient<DefaultClientContext>,
    consumer: BaseConsumer,
    producer: FutureProducer,
}

/// Creates a topic that is then listed.
pub(crate) fn create(bootstrap: &str, topic: &str, partitions: i32) -> Result<()> {
    let administration = Administration::of(bootstrap, topic)?;
    administration.create(partitions, &AdminOptions::new())?;
    ensure!(administration.partitions()? == usize::try_from(partitions).ok());
    Ok(())
}

pub(crate) fn administer(bootstrap: &str, topic: &str) -> Result<()> {
    let administration = Administration::of(bootstrap, topic)?;
    type Step = fn(&Administration) -> Result<()>;
    let steps: [(&str, Step); 8] = [
        ("create topics", Administration::topics),
        ("create partitions", Administration::grow),
        ("describe and alter topic configs", Administration::configs),
        ("describe broker configs", Administration::broker),
        ("list offsets", Administration::offsets),
        ("delete records", Administration::delete_records),
        ("commit offsets, list and delete groups", Administration::groups),
        ("delete topics", Administration::delete),
    ];
    for (name, step) in steps {
        step(&administration).context(name)?;
        println!("{name}");
    }
    Ok(())
}

/// What was said of the only thing that was asked about.
fn only<T, E: std::fmt::Debug>(answers: Vec<Result<T, E>>) -> Result<Result<T, E>> {
    answers.into_iter().next().context("there is an answer")
}

impl Administration {
    fn of(bootstrap: &str, topic: &str) -> Result<Self> {
        Ok(Self {
            topic: topic.to_owned(),
            admin: config(bootstrap).create()?,
            consumer: config(bootstrap).set("group.id", topic).create()?,
            producer: config(bootstrap).create()?,
        })
    }

    /// How many partitions the topic has in the list of all topics, if it is there.
    fn partitions(&self) -> Result<Option<usize>> {
        let metadata = self.consumer.fetch_metadata(None, PATIENCE)?;
        let listed = metadata.topics().iter().find(|listed| listed.name() == self.topic);
        Ok(listed.map(|listed| listed.partitions().len()))
    }

    fn create(&self, partitions: i32, options: &AdminOptions) -> Result<()> {
        self.try_create(&NewTopic::new(&self.topic, partitions, ONE_REPLICA), options)?
            .context("it is created")
    }

    fn try_create(
        &self,
        topic: &NewTopic<'_>,
        options: &AdminOptions,
    ) -> Result<Result<(), RDKafkaErrorCode>> {
        let answer = only(wait(self.admin.create_topics([topic], options))??)?;
        Ok(answer.map(drop).map_err(|(_, code)| code))
    }

    fn topics(&self) -> Result<()> {
        self.create(2, &AdminOptions::new().validate_only(true))?;
        ensure!(self.partitions()?.is_none(), "validation creates nothing");
        self.create(2, &AdminOptions::new())?;
        ensure!(self.partitions()? == Some(2));
        let refused = |topic: &NewTopic<'_>| self.try_create(topic, &AdminOptions::new());
        let again = NewTopic::new(&self.topic, 2, ONE_REPLICA);
        ensure!(refused(&again)? == Err(RDKafkaErrorCode::TopicAlreadyExists));
        let odd = NewTopic::new("odd", 1, ONE_REPLICA).set("colour", "red");
        ensure!(refused(&odd)? == Err(RDKafkaErrorCode::InvalidConfig));
        let many = NewTopic::new("many", 1, TopicReplication::Fixed(3));
        ensure!(refused(&many)? == Err(RDKafkaErrorCode::InvalidReplicationFactor));
        Ok(())
    }

    fn grow(&self) -> Result<()> {
        let to = |count| {
            let asked = NewPartitions::new(&self.topic, count);
            only(wait(self.admin.create_partitions([&asked], &AdminOptions::new()))??)
        };
        ensure!(to(3)?.is_ok());
        ensure!(self.partitions()? == Some(3));
        ensure!(matches!(to(2)?, Err((_, RDKafkaErrorCode::InvalidPartitions))));
        Ok(())
    }

    fn described(&self, resource: ResourceSpecifier<'_>) -> Result<ConfigResource> {
        let answers = wait(self.admin.describe_configs([&resource], &AdminOptions::new()))??;
        Ok(only(answers)??)
    }

    fn configs(&self) -> Result<()> {
        let topic = ResourceSpecifier::Topic(&self.topic);
        let change = AlterConfig::new(topic).set("retention.ms", "7200000");
        let altered = only(wait(self.admin.alter_configs([&change], &AdminOptions::new()))??)?;
        ensure!(altered.is_ok(), "{altered:?}");
        let found = self.described(topic)?;
        let entry = found.get("retention.ms").context("it is described")?;
        ensure!(entry.value.as_deref() == Some("7200000") && entry.source == ConfigSource::DynamicTopic);
        ensure!(found.get("cleanup.policy").context("all are described")?.is_default);
        Ok(())
    }

    fn broker(&self) -> Result<()> {
        let metadata = self.consumer.fetch_metadata(None, PATIENCE)?;
        let [broker] = metadata.brokers() else { anyhow::bail!("there is one broker") };
        let found = self.described(ResourceSpecifier::Broker(broker.id()))?;
        let entry = found.get("node.id").context("its id is described")?;
        ensure!(entry.value.as_deref() == Some(&broker.id().to_string()) && entry.is_read_only);
        Ok(())
    }

    /// Leaves ten records in the first partition, a millisecond apart.
    fn offsets(&self) -> Result<()> {
        for number in 0..RECORDS {
            let record: FutureRecord<'_, str, str> =
                FutureRecord::to(&self.topic).partition(0).timestamp(TIME + number).payload("x");
            let sent = wait(self.producer.send(record, Timeout::After(PATIENCE)))?;
            ensure!(sent.map_err(|(error, _)| error)?.offset == number);
        }
        ensure!(self.consumer.fetch_watermarks(&self.topic, 0, PATIENCE)? == (0, RECORDS));
        for (time, offset) in [(TIME + 4, Offset::Offset(4)), (TIME + RECORDS, Offset::End)] {
            let found = self.consumer.offsets_for_times(self.first(Offset::Offset(time))?, PATIENCE)?;
            let element = found.find_partition(&self.topic, 0).context("it is answered for")?;
            ensure!(element.offset() == offset, "{time}: {element:?}");
        }
        Ok(())
    }

    /// The first partition, with an offset.
    fn first(&self, offset: Offset) -> Result<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, 0, offset)?;
        Ok(list)
    }

    fn delete_records(&self) -> Result<()> {
        let below = |offset| {
            let asked = self.first(Offset::Offset(offset))?;
            let found = wait(self.admin.delete_records(&asked, &AdminOptions::new()))??;
            let element = found.find_partition(&self.topic, 0).context("it is answered for")?;
            anyhow::Ok(element.error().map(|()| element.offset()))
        };
        ensure!(below(4)? == Ok(Offset::Offset(4)));
        ensure!(self.consumer.fetch_watermarks(&self.topic, 0, PATIENCE)? == (4, RECORDS));
        let beyond = below(RECORDS + 1)?.err().and_then(|error| error.rdkafka_error_code());
        ensure!(beyond == Some(RDKafkaErrorCode::OffsetOutOfRange));
        Ok(())
    }

    fn groups(&self) -> Result<()> {
        self.consumer.commit(&self.first(Offset::Offset(7))?, CommitMode::Sync)?;
        let found = self.consumer.committed_offsets(self.first(Offset::Invalid)?, PATIENCE)?;
        let element = found.find_partition(&self.topic, 0).context("it is answered for")?;
        ensure!(element.offset() == Offset::Offset(7), "{element:?}");
        ensure!(self.state()?.as_deref() == Some("Empty"));
        let deleted = only(wait(self.admin.delete_groups(&[&self.topic], &AdminOptions::new()))??)?;
        ensure!(deleted.is_ok(), "{deleted:?}");
        ensure!(self.state()?.is_none_or(|state| state == "Dead"));
        Ok(())
    }

    /// The state of the group in the list of groups.
    fn state(&self) -> Result<Option<String>> {
        let listed = self.consumer.fetch_group_list(None, PATIENCE)?;
        let found = listed.groups().iter().find(|group| group.name() == self.topic);
        Ok(found.map(|group| group.state().to_owned()))
    }

    fn delete(&self) -> Result<()> {
        let delete = || only(wait(self.admin.delete_topics(&[&self.topic], &AdminOptions::new()))??);
        ensure!(delete()?.is_ok());
        ensure!(self.partitions()?.is_none());
        ensure!(matches!(delete()?, Err((_, RDKafkaErrorCode::UnknownTopicOrPartition))));
        Ok(())
    }
}
