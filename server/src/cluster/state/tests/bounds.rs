//! How much metadata there can be.

use super::*;
use crate::limits;

/// A topic of which the metadata has as much to say as it well can: the longest name, settings of its own, epochs that have grown, and a reassignment under way.
fn a_talkative_topic(number: usize) -> Topic {
    let settings = [
        ("cleanup.policy", "compact,delete"),
        ("min.insync.replicas", "2"),
        ("retention.ms", "604800000"),
        ("segment.bytes", "1073741824"),
    ];
    let partition = Partition {
        leader: Some(101),
        leader_epoch: i32::MAX,
        partition_epoch: i32::MAX,
        replicas: vec![101, 102, 103, 104, 105, 106],
        in_sync_replicas: vec![101, 102, 103],
        adding_replicas: vec![104, 105, 106],
        removing_replicas: vec![101, 102, 103],
    };
    Topic {
        name: format!("{number:0>width$}", width = limits::MAX_TOPIC_NAME_BYTES),
        id: uuid(number as u128),
        partitions: vec![partition],
        configs: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

/// A tenth of it: each topic adds the same.
#[test]
fn a_snapshot_of_all_partitions_that_there_can_be_fits_the_log_and_a_message() {
    let mut state = ClusterState::with_brokers(&[101, 102, 103, 104, 105, 106]);
    for topic in (0..limits::MAX_PARTITIONS / 10).map(a_talkative_topic) {
        state.topic_ids.insert(topic.name.clone(), topic.id);
        state.topics.insert(topic.id, Arc::new(topic));
    }
    let bytes = 10 * state.to_bytes().len();
    let most = limits::MAX_PEER_RAFT_BYTES.min(chronik_log::limits::MAX_METADATA_SNAPSHOT_BYTES);
    assert!(bytes + most / 5 < most, "{bytes} of {most} bytes, and there are other settings");
}

#[test]
fn partitions_are_refused_beyond_the_bound_of_the_proposal() {
    let mut state = ClusterState::with_brokers(&[1]);
    let bounded = |command, max| Proposal { command, max_partitions: max };
    let refused = |present, added| Err(Refusal::TooManyPartitions { present, added, max: 3 });
    let two = |name, id| create(name, id, &[&[1], &[1]]);
    let grow = |present, added| Command::CreatePartitions {
        id: uuid(10),
        present,
        assignment: vec![vec![1]; added],
    };
    let created = Ok(Applied::Created { id: uuid(10) });
    assert_eq!(state.apply_proposal(&bounded(two("a", 10), Some(3))), created);
    assert_eq!(state.apply_proposal(&bounded(two("b", 11), Some(3))), refused(2, 2));
    assert_eq!(state.apply_proposal(&bounded(grow(2, 2), Some(3))), refused(2, 2));
    let grown = Ok(Applied::PartitionsCreated { id: uuid(10) });
    assert_eq!(state.apply_proposal(&bounded(grow(2, 1), Some(3))), grown);
    let again = Err(Refusal::TopicExists("a".into()));
    assert_eq!(
        state.apply_proposal(&bounded(two("a", 12), Some(3))),
        again,
        "which nobody takes for a lack of room"
    );
    assert!(state.apply_proposal(&bounded(two("b", 11), None)).is_ok(), "as it was before there was a bound");
    let delete = Command::DeleteTopic { id: uuid(11) };
    assert_eq!(state.apply_proposal(&bounded(delete, Some(3))), Ok(Applied::Deleted { id: uuid(11) }));
}

#[test]
fn what_adds_partitions_says_how_many_there_may_be_and_all_else_is_as_it_was() {
    for (command, bound) in [
        (create("a", 10, &[&[1]]), Some(limits::MAX_PARTITIONS)),
        (
            Command::CreatePartitions { id: uuid(1), present: 1, assignment: vec![] },
            Some(limits::MAX_PARTITIONS),
        ),
        (Command::DeleteTopic { id: uuid(1) }, None),
    ] {
        let entry = serde_json::to_vec(&Proposal::new(&command)).unwrap();
        let known_before: Command = serde_json::from_slice(&entry).unwrap();
        let read: Proposal = serde_json::from_slice(&entry).unwrap();
        assert_eq!((&known_before, read.max_partitions), (&command, bound));
        let of_before: Proposal = serde_json::from_slice(&serde_json::to_vec(&command).unwrap()).unwrap();
        assert_eq!(of_before, Proposal { command, max_partitions: None });
    }
}
