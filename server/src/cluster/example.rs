//! A cluster for tests of what depends on its metadata.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Broker, ClusterState, Command, Endpoint, Partition};

/// A broker: its rack, and whether it is fenced.
pub(crate) type Example<'a> = (Option<&'a str>, bool);

/// Brokers from 1 on, with the ports 9001, 9002 and so on.
pub(crate) fn cluster(brokers: &[Example<'_>]) -> ClusterState {
    let mut state = ClusterState::default();
    for (node_id, (rack, fenced)) in (1..).zip(brokers) {
        let broker = Broker {
            node_id,
            host: format!("broker-{node_id}"),
            port: 9_000 + u16::try_from(node_id).expect("few brokers"),
            broker_epoch: 1,
            rack: rack.map(Into::into),
            fenced: *fenced,
            fenced_since: 1,
            incarnation: Uuid::nil(),
        };
        state.brokers.insert(node_id, broker);
        let endpoint = Endpoint { host: "inside".into(), port: 9_100 };
        let add = Command::AddNode { node_id, directory_id: Uuid::nil(), endpoint };
        state.apply(&add).expect("a node that nobody knows");
    }
    state.version = 0;
    state
}

/// The registration of a broker without others, fenced, in a life of its own.
pub(crate) fn registration(node_id: i32) -> Command {
    Command::RegisterBroker {
        node_id,
        host: "h".into(),
        port: 1,
        rack: None,
        inter_node: None,
        directory_id: Uuid::nil(),
        incarnation: Uuid::nil(),
        fenced: true,
    }
}

impl ClusterState {
    /// With another topic, whose id is made.
    pub(crate) fn with_topic(mut self, name: &str, assignment: Vec<Vec<i32>>) -> Self {
        let id = Uuid::nil();
        let create = Command::CreateTopic { name: name.into(), id, assignment, configs: BTreeMap::new() };
        self.apply(&create).expect("a topic that can be");
        self
    }

    /// Without broker `node_id`: it was fenced, and led nothing any more.
    pub(crate) fn after_the_end_of(mut self, node_id: i32) -> Self {
        let broker_epoch = self.brokers[&node_id].broker_epoch;
        self.apply(&Command::FenceBroker { node_id, broker_epoch }).expect("it is registered");
        self
    }

    /// The first partition of a topic.
    pub(crate) fn first_partition(&self, topic: &str) -> &Partition {
        &self.topic(topic).expect("it is there").partitions[0]
    }
}
