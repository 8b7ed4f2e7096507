//! Topics as librdkafka's admin client handles them.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use crate::client::{config, wait};
use crate::support::{PATIENCE, Server};

type Outcome = Result<(), RDKafkaErrorCode>;

fn admin(server: &Server) -> AdminClient<DefaultClientContext> {
    config(server).create().expect("an admin client")
}

fn create(server: &Server, topic: &NewTopic<'_>) -> Outcome {
    let created = wait(admin(server).create_topics([topic], &AdminOptions::new()));
    created.expect("answered").remove(0).map(drop).map_err(|(_, code)| code)
}

fn delete(server: &Server, topic: &str) -> Outcome {
    let deleted = wait(admin(server).delete_topics(&[topic], &AdminOptions::new()));
    deleted.expect("answered").remove(0).map(drop).map_err(|(_, code)| code)
}

/// Name and number of partitions of all topics.
fn topics(server: &Server) -> Vec<(String, usize)> {
    let client: BaseConsumer = config(server).create().expect("a client");
    let metadata = client.fetch_metadata(None, PATIENCE).expect("answered");
    assert_eq!(metadata.brokers().len(), 1);
    metadata.topics().iter().map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect()
}

#[test]
fn topics_are_created_listed_and_deleted() {
    let server = Server::start();
    let one = || TopicReplication::Fixed(1);
    let settings =
        NewTopic::new("orders", 4, one()).set("retention.ms", "1000").set("cleanup.policy", "delete");
    assert_eq!(create(&server, &settings), Ok(()));
    assert_eq!(create(&server, &NewTopic::new("payments", 1, one())), Ok(()));
    assert_eq!(topics(&server), [("orders".to_owned(), 4), ("payments".to_owned(), 1)]);
    assert_eq!(delete(&server, "orders"), Ok(()));
    assert_eq!(topics(&server), [("payments".to_owned(), 1)]);
}

#[test]
fn what_cannot_be_done_says_why() {
    let server = Server::start();
    let new = |name, partitions, replicas| NewTopic::new(name, partitions, TopicReplication::Fixed(replicas));
    assert_eq!(create(&server, &new("orders", 1, 1)), Ok(()));
    assert_eq!(create(&server, &new("orders", 1, 1)), Err(RDKafkaErrorCode::TopicAlreadyExists));
    assert_eq!(create(&server, &new("a/b", 1, 1)), Err(RDKafkaErrorCode::InvalidTopic));
    assert_eq!(create(&server, &new("many", 1, 3)), Err(RDKafkaErrorCode::InvalidReplicationFactor));
    let unknown = new("odd", 1, 1).set("colour", "red");
    assert_eq!(create(&server, &unknown), Err(RDKafkaErrorCode::InvalidConfig));
    assert_eq!(delete(&server, "nowhere"), Err(RDKafkaErrorCode::UnknownTopicOrPartition));
}
