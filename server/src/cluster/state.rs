//! The cluster's metadata as a fold of commands: the same commands in the same order give the same state everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use chronik_log::PartitionId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::command::{Applied, Command, ConfigResource, Endpoint, Refusal};

/// Whose settings are those of all brokers, in place of a node id (Kafka's "default" entity has the empty name too).
pub const EVERY_BROKER: &str = "";

/// Everything that all nodes agree on. Topics are behind `Arc`s, so that the next image shares what has not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Commands applied so far. The image that shows the effect of the n-th command has version n or more.
    pub version: i64,
    /// Given once.
    pub cluster_id: Option<Uuid>,
    /// By node id.
    pub brokers: BTreeMap<i32, Broker>,
    /// By id.
    topics: BTreeMap<Uuid, Arc<Topic>>,
    /// The ids of `topics`, by name.
    topic_ids: BTreeMap<String, Uuid>,
    /// The first producer id that has not been given out.
    next_producer_id: i64,
    /// Settings that were changed while the brokers ran, by node id or [`EVERY_BROKER`]. Nobody has none: the entry is removed.
    #[serde(default)]
    broker_configs: BTreeMap<String, BTreeMap<String, String>>,
}

/// A broker that has registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broker {
    /// `node.id`.
    pub node_id: i32,
    /// Where clients reach it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Grows with every start of the broker.
    pub broker_epoch: i64,
    /// `broker.rack`
    #[serde(default)]
    pub rack: Option<String>,
    /// Where other nodes reach it; `None` if it is a cluster of its own.
    #[serde(default)]
    pub inter_node: Option<Endpoint>,
    /// Whether it leads nothing, because it has just started or nothing was heard of it for a lease.
    #[serde(default)]
    pub fenced: bool,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Uuid,
    /// By partition index.
    pub partitions: Vec<Partition>,
    /// Settings that differ from the broker's.
    pub configs: BTreeMap<String, String>,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Node id of the leader; `None` while there is none.
    pub leader: Option<i32>,
    /// Grows with every change of leader, and with every restart of the leader.
    pub leader_epoch: i32,
    /// Grows with every change of leader or in-sync set (KIP-497).
    #[serde(default)]
    pub partition_epoch: i32,
    /// Node ids, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Node ids of the in-sync replicas.
    pub in_sync_replicas: Vec<i32>,
}

impl ClusterState {
    /// The state that [`to_bytes`](Self::to_bytes) has written.
    ///
    /// # Errors
    /// It was written by something else, or by a newer version.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The state as a snapshot has it: JSON, which any tool can read.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a state has only keys that are strings")
    }

    /// Applies one command. A refused command changes nothing.
    ///
    /// # Errors
    /// The command contradicts the state.
    pub fn apply(&mut self, command: &Command) -> Result<Applied, Refusal> {
        let applied = match command {
            Command::NameCluster { cluster_id } => self.name_cluster(*cluster_id),
            Command::RegisterBroker { node_id, host, port, rack, inter_node } => {
                let (host, rack, inter_node) = (host.clone(), rack.clone(), inter_node.clone());
                Ok(self.register_broker(Broker {
                    node_id: *node_id,
                    host,
                    port: *port,
                    broker_epoch: self.version + 1,
                    rack,
                    inter_node,
                    fenced: false,
                }))
            }
            Command::FenceBroker { .. } | Command::UnfenceBroker { .. } | Command::AlterPartitions { .. } => {
                Err(Refusal::Invalid("not served yet".into()))
            }
            Command::CreateTopic { name, id, assignment, configs } => {
                self.create_topic(name, *id, assignment, configs)
            }
            Command::CreatePartitions { id, present, assignment } => {
                self.create_partitions(*id, *present, assignment)
            }
            Command::DeleteTopic { id } => self.delete_topic(*id),
            Command::AlterConfigs { resource, replaces, configs } => {
                self.alter_configs(resource, replaces, configs)
            }
            Command::AllocateProducerIds { count } => self.allocate_producer_ids(*count),
        }?;
        self.version += 1;
        Ok(applied)
    }

    /// Whether a broker is registered and not fenced.
    pub fn is_live(&self, node_id: i32) -> bool {
        self.brokers.get(&node_id).is_some_and(|broker| !broker.fenced)
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.topics.get(self.topic_ids.get(name)?)
    }

    /// The topic of this id.
    pub fn topic_by_id(&self, id: &Uuid) -> Option<&Arc<Topic>> {
        self.topics.get(id)
    }

    /// All topics, in order of name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.topic_ids.values().filter_map(|id| self.topics.get(id))
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    /// What was changed while brokers ran, for one node id or for [`EVERY_BROKER`].
    pub fn broker_configs(&self, scope: &str) -> Option<&BTreeMap<String, String>> {
        self.broker_configs.get(scope)
    }

    /// Whether the brokers have the same settings in both.
    pub(super) fn has_the_broker_configs_of(&self, other: &Self) -> bool {
        self.broker_configs == other.broker_configs
    }

    /// What a setting was changed to, for this broker or else for all of them.
    pub fn broker_setting(&self, node_id: i32, name: &str) -> Option<&String> {
        if self.broker_configs.is_empty() {
            return None; // every produce asks
        }
        let of = |scope: &str| self.broker_configs.get(scope)?.get(name);
        of(&node_id.to_string()).or_else(|| of(EVERY_BROKER))
    }

    fn name_cluster(&mut self, cluster_id: Uuid) -> Result<Applied, Refusal> {
        match self.cluster_id {
            Some(present) => Err(Refusal::AlreadyNamed(present)),
            None => {
                self.cluster_id = Some(cluster_id);
                Ok(Applied::Named)
            }
        }
    }

    fn register_broker(&mut self, broker: Broker) -> Applied {
        let (node_id, broker_epoch) = (broker.node_id, broker.broker_epoch);
        self.brokers.insert(node_id, broker);
        for topic in self.topics.values_mut() {
            if topic.partitions.iter().any(|partition| partition.leader == Some(node_id)) {
                Arc::make_mut(topic).renew_epochs_led_by(node_id);
            }
        }
        Applied::Registered { broker_epoch }
    }

    fn create_topic(
        &mut self,
        name: &str,
        id: Uuid,
        assignment: &[Vec<i32>],
        configs: &BTreeMap<String, String>,
    ) -> Result<Applied, Refusal> {
        if self.topic_ids.contains_key(name) {
            return Err(Refusal::TopicExists(name.to_owned()));
        }
        let id = if id.is_nil() { self.next_topic_id() } else { id };
        if self.topics.contains_key(&id) {
            return Err(Refusal::Invalid("the topic id is in use".into()));
        }
        if assignment.is_empty() || assignment.iter().any(Vec::is_empty) {
            return Err(Refusal::Invalid("a topic needs a partition, and a partition a replica".into()));
        }
        let partitions = assignment.iter().map(|replicas| Partition::new(replicas.clone())).collect();
        let topic = Topic { name: name.to_owned(), id, partitions, configs: configs.clone() };
        self.topic_ids.insert(topic.name.clone(), id);
        self.topics.insert(id, Arc::new(topic));
        Ok(Applied::Created { id })
    }

    /// The same on every node, another one for each version of each cluster (RFC 9562, version 5).
    fn next_topic_id(&self) -> Uuid {
        Uuid::new_v5(&self.cluster_id.unwrap_or_default(), &self.version.to_be_bytes())
    }

    fn create_partitions(
        &mut self,
        id: Uuid,
        present: usize,
        assignment: &[Vec<i32>],
    ) -> Result<Applied, Refusal> {
        let topic = self.topics.get_mut(&id).ok_or(Refusal::UnknownTopic(id))?;
        if topic.partitions.len() != present {
            return Err(Refusal::PartitionsChanged(topic.partitions.len()));
        }
        if assignment.is_empty() || assignment.iter().any(Vec::is_empty) {
            return Err(Refusal::Invalid("there must be a new partition, and a replica of each".into()));
        }
        let new = assignment.iter().map(|replicas| Partition::new(replicas.clone()));
        Arc::make_mut(topic).partitions.extend(new);
        Ok(Applied::PartitionsCreated { id })
    }

    fn alter_configs(
        &mut self,
        resource: &ConfigResource,
        replaces: &BTreeMap<String, String>,
        configs: &BTreeMap<String, String>,
    ) -> Result<Applied, Refusal> {
        let altered = Ok(Applied::ConfigsAltered { resource: resource.clone() });
        match resource {
            ConfigResource::Topic(id) => {
                let topic = self.topics.get_mut(id).ok_or(Refusal::UnknownTopic(*id))?;
                if topic.configs != *replaces {
                    return Err(Refusal::ConfigsChanged);
                }
                Arc::make_mut(topic).configs = configs.clone();
            }
            ConfigResource::Broker(scope) => {
                let present = self.broker_configs.get(scope);
                if !present.map_or(replaces.is_empty(), |present| present == replaces) {
                    return Err(Refusal::ConfigsChanged);
                }
                if configs.is_empty() {
                    self.broker_configs.remove(scope);
                } else {
                    self.broker_configs.insert(scope.clone(), configs.clone());
                }
            }
        }
        altered
    }

    fn delete_topic(&mut self, id: Uuid) -> Result<Applied, Refusal> {
        let topic = self.topics.remove(&id).ok_or(Refusal::UnknownTopic(id))?;
        self.topic_ids.remove(&topic.name);
        Ok(Applied::Deleted { id })
    }

    fn allocate_producer_ids(&mut self, count: i64) -> Result<Applied, Refusal> {
        let first = self.next_producer_id;
        match first.checked_add(count) {
            Some(next) if count > 0 => {
                self.next_producer_id = next;
                Ok(Applied::ProducerIds { first, count })
            }
            _ => Err(Refusal::Invalid("a positive number of producer ids, of which there are 2^63".into())),
        }
    }
}

impl Topic {
    /// The partition of this index.
    pub fn partition(&self, index: i32) -> Option<&Partition> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// What storage calls the partitions.
    pub fn partition_ids(&self) -> impl Iterator<Item = PartitionId> + '_ {
        self.indexed().map(|(partition, _)| PartitionId { topic_id: self.id, partition })
    }

    /// The partitions with their indexes.
    pub fn indexed(&self) -> impl Iterator<Item = (i32, &Partition)> {
        (0i32..).zip(&self.partitions)
    }

    fn renew_epochs_led_by(&mut self, node_id: i32) {
        for partition in self.partitions.iter_mut().filter(|partition| partition.leader == Some(node_id)) {
            partition.leader_epoch += 1;
        }
    }
}

impl Partition {
    fn new(replicas: Vec<i32>) -> Self {
        Self {
            leader: replicas.first().copied(),
            leader_epoch: 0,
            partition_epoch: 0,
            in_sync_replicas: replicas.clone(),
            replicas,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn uuid(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn create(name: &str, id: u128, partitions: usize) -> Command {
        Command::CreateTopic {
            name: name.into(),
            id: uuid(id),
            assignment: vec![vec![1]; partitions],
            configs: BTreeMap::new(),
        }
    }

    #[test]
    fn a_refused_command_changes_nothing() {
        let mut state = ClusterState::default();
        state.apply(&create("a", 10, 2)).unwrap();
        let before = state.clone();
        assert_eq!(state.apply(&create("a", 11, 1)), Err(Refusal::TopicExists("a".into())));
        assert!(state.apply(&create("b", 10, 1)).is_err());
        assert!(state.apply(&create("b", 12, 0)).is_err());
        assert_eq!(state.apply(&Command::DeleteTopic { id: uuid(9) }), Err(Refusal::UnknownTopic(uuid(9))));
        assert!(state.apply(&Command::AllocateProducerIds { count: 0 }).is_err());
        assert_eq!(state, before);
    }

    fn configs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn alter(resource: ConfigResource, replaces: &[(&str, &str)], to: &[(&str, &str)]) -> Command {
        Command::AlterConfigs { resource, replaces: configs(replaces), configs: configs(to) }
    }

    #[test]
    fn partitions_are_added_behind_those_that_are_there() {
        let mut state = ClusterState::default();
        state.apply(&create("a", 10, 2)).unwrap();
        let add = |present, assignment| Command::CreatePartitions { id: uuid(10), present, assignment };
        assert_eq!(state.apply(&add(1, vec![vec![1]])), Err(Refusal::PartitionsChanged(2)));
        assert!(state.apply(&add(2, vec![])).is_err() && state.apply(&add(2, vec![vec![]])).is_err());
        state.apply(&add(2, vec![vec![3, 1]])).unwrap();
        let partitions = &state.topic("a").unwrap().partitions;
        assert_eq!((partitions.len(), partitions[2].leader, partitions[2].leader_epoch), (3, Some(3), 0));
    }

    #[test]
    fn settings_are_replaced_only_by_who_knows_them() {
        let topic = || ConfigResource::Topic(uuid(10));
        let every = || ConfigResource::Broker(EVERY_BROKER.into());
        for resource in [topic, every] {
            let mut state = ClusterState::default();
            state.apply(&create("a", 10, 1)).unwrap();
            state.apply(&alter(resource(), &[], &[("k", "1")])).unwrap();
            assert_eq!(state.apply(&alter(resource(), &[], &[("k", "2")])), Err(Refusal::ConfigsChanged));
            state.apply(&alter(resource(), &[("k", "1")], &[("l", "2")])).unwrap();
            state.apply(&alter(resource(), &[("l", "2")], &[])).unwrap();
            assert!(state.topic("a").unwrap().configs.is_empty() && state.broker_configs.is_empty());
        }
    }

    #[test]
    fn a_brokers_own_setting_comes_before_that_of_all() {
        let mut state = ClusterState::default();
        let scope = |scope: &str| ConfigResource::Broker(scope.into());
        state.apply(&alter(scope(""), &[], &[("k", "all"), ("l", "all")])).unwrap();
        state.apply(&alter(scope("1"), &[], &[("k", "one")])).unwrap();
        let setting = |node, name| state.broker_setting(node, name).map(String::as_str);
        assert_eq!((setting(1, "k"), setting(1, "l")), (Some("one"), Some("all")));
        assert_eq!((setting(2, "k"), setting(2, "m")), (Some("all"), None));
    }

    #[test]
    fn a_snapshot_of_an_earlier_version_has_no_settings_of_brokers() {
        let mut old = serde_json::to_value(ClusterState::default()).unwrap();
        old.as_object_mut().unwrap().remove("broker_configs").unwrap();
        assert_eq!(serde_json::from_value::<ClusterState>(old).unwrap(), ClusterState::default());
    }

    #[test]
    fn a_deleted_name_can_be_used_again_under_a_new_id() {
        let mut state = ClusterState::default();
        state.apply(&create("a", 10, 1)).unwrap();
        state.apply(&Command::DeleteTopic { id: uuid(10) }).unwrap();
        assert!(state.topic("a").is_none() && state.topic_by_id(&uuid(10)).is_none());
        state.apply(&create("a", 11, 1)).unwrap();
        assert_eq!(state.topic("a").unwrap().id, uuid(11));
    }

    #[test]
    fn a_topic_gets_an_id_that_every_node_gives_it_and_no_other_topic_has() {
        let named = |cluster: u128| {
            let mut state = ClusterState::default();
            state.apply(&Command::NameCluster { cluster_id: uuid(cluster) }).unwrap();
            for name in ["a", "b"] {
                state.apply(&create(name, 0, 1)).unwrap();
            }
            ["a", "b"].map(|name| state.topic(name).unwrap().id)
        };
        assert_eq!(named(1), named(1));
        let ids: BTreeSet<Uuid> = [named(1), named(2)].concat().into_iter().collect();
        assert_eq!((ids.len(), ids.contains(&Uuid::nil())), (4, false));
    }

    #[test]
    fn a_restarted_leader_leads_in_a_new_epoch() {
        let mut state = ClusterState::default();
        let register = |node_id| Command::RegisterBroker {
            node_id,
            host: "h".into(),
            port: 1,
            rack: None,
            inter_node: None,
        };
        state.apply(&create("a", 10, 2)).unwrap();
        state.apply(&register(1)).unwrap();
        state.apply(&register(2)).unwrap();
        let epochs: Vec<i32> = state.topic("a").unwrap().partitions.iter().map(|p| p.leader_epoch).collect();
        assert_eq!(epochs, [1, 1], "once for the leader's start, not for another's");
    }

    #[test]
    fn producer_ids_are_given_out_once() {
        let mut state = ClusterState::default();
        let mut allocate = |count| state.apply(&Command::AllocateProducerIds { count });
        assert_eq!(allocate(10), Ok(Applied::ProducerIds { first: 0, count: 10 }));
        assert_eq!(allocate(5), Ok(Applied::ProducerIds { first: 10, count: 5 }));
    }

    #[test]
    fn a_snapshot_is_the_state() {
        let mut state = ClusterState::default();
        state.apply(&Command::NameCluster { cluster_id: uuid(1) }).unwrap();
        state.apply(&create("a", 10, 2)).unwrap();
        state.apply(&alter(ConfigResource::Broker("1".into()), &[], &[("k", "v")])).unwrap();
        assert_eq!(ClusterState::read(&state.to_bytes()).unwrap(), state);
    }
}
