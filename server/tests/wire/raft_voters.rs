//! AddRaftVoter, RemoveRaftVoter and DescribeQuorum.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse, Listener};
use chronik_kafka::message::describe_quorum::{DescribeQuorumRequest, PartitionRequest, TopicRequest};
use chronik_kafka::message::remove_raft_voter::RemoveRaftVoterRequest;
use chronik_server::client::{JoinError, Joining, NewVoter, Options};
use chronik_server::clock::Clock;
use chronik_server::config::HostPort;
use chronik_server::shutdown::Shutdown;
use chronik_server::spawn::Spawner;
use uuid::Uuid;

use crate::support::raw::Raw;
use crate::support::{PATIENCE, Server};

fn add(voter_id: i32, host: &str, port: u16) -> AddRaftVoterRequest {
    AddRaftVoterRequest {
        cluster_id: None,
        timeout_ms: 5_000,
        voter_id,
        voter_directory_id: Uuid::from_u128(7),
        listeners: vec![Listener { name: "CONTROLLER".into(), host: host.into(), port }],
        ack_when_committed: true,
    }
}

fn said(response: &AddRaftVoterResponse) -> &str {
    response.error_message.as_deref().unwrap_or_default()
}

#[test]
fn a_voter_that_nobody_could_reach_is_refused_with_the_reason() {
    let server = Server::with(&["cluster.id=tests"]);
    let mut client = Raw::connect(&server);
    for version in 0..=1 {
        let no_listener = AddRaftVoterRequest { listeners: Vec::new(), ..add(4, "h", 1) };
        let no_directory = AddRaftVoterRequest { voter_directory_id: Uuid::nil(), ..add(4, "h", 1) };
        for (request, reason) in [
            (add(-1, "h", 1), "an id from 0 on"),
            (no_directory, "the id of its data directory"),
            (no_listener, "has no listener"),
            (add(4, "h", 0), "port 0"),
            (add(4, "0.0.0.0", 1), "nobody can connect"),
        ] {
            let response = client.ask(version, &request);
            assert_eq!(response.error_code, ErrorCode::INVALID_REQUEST, "{response:?}");
            assert!(said(&response).contains(reason), "{response:?}");
        }
    }
}

#[test]
fn voters_of_another_cluster_are_not_touched() {
    let server = Server::with(&["cluster.id=tests"]);
    let mut client = Raw::connect(&server);
    for cluster_id in ["others", ""] {
        let cluster_id = Some(cluster_id.into());
        let added = client.ask(1, &AddRaftVoterRequest { cluster_id: cluster_id.clone(), ..add(4, "h", 1) });
        assert_eq!(added.error_code, ErrorCode::INCONSISTENT_CLUSTER_ID);
        assert!(said(&added).contains("tests"), "{added:?}");
        let removed =
            client.ask(0, &RemoveRaftVoterRequest { cluster_id, voter_id: 1, ..Default::default() });
        assert_eq!(removed.error_code, ErrorCode::INCONSISTENT_CLUSTER_ID);
    }
}

#[test]
fn a_node_of_its_own_goes_on_alone() {
    let server = Server::with(&["cluster.id=tests"]);
    let mut client = Raw::connect(&server);
    let added = client.ask(1, &AddRaftVoterRequest { cluster_id: Some("tests".into()), ..add(4, "h", 1) });
    assert_eq!(added.error_code, ErrorCode::INVALID_REQUEST, "{added:?}");
    let mut remove = |voter_id| {
        let request = RemoveRaftVoterRequest { cluster_id: None, voter_id, ..Default::default() };
        client.ask(0, &request).error_code
    };
    assert_eq!(remove(-1), ErrorCode::INVALID_REQUEST);
    assert_eq!(remove(1), ErrorCode::INVALID_REQUEST, "it is the only one");
    let partitions = vec![PartitionRequest { partition_index: 0 }];
    let topic = TopicRequest { topic_name: "__cluster_metadata".into(), partitions };
    let quorum = client.ask(2, &DescribeQuorumRequest { topics: vec![topic] });
    let [voter] = &quorum.topics[0].partitions[0].current_voters[..] else { panic!("{quorum:?}") };
    assert_eq!((voter.replica_id, quorum.nodes.len()), (1, 1));
    assert!(quorum.topics[0].partitions[0].observers.is_empty());
}

#[tokio::test]
async fn a_new_node_does_not_join_a_node_of_its_own() {
    let server = Server::with(&["cluster.id=tests"]);
    let port = server.kafka.port();
    let node = NewVoter { node_id: 4, directory_id: Uuid::from_u128(7), place: HostPort::new("h", 9192) };
    let join = |cluster_id: Option<&str>| {
        let bootstrap = vec![HostPort::new("127.0.0.1", port)];
        let joining = Joining { bootstrap, node: node.clone(), cluster_id: cluster_id.map(str::to_owned) };
        let options = Options::new(Clock::system(), Spawner::threads());
        async move { joining.join(PATIENCE, options, &Shutdown::new()).await }
    };
    assert!(matches!(join(None).await, Err(JoinError::Alone { .. })));
    let other = join(Some("others")).await.unwrap_err().to_string();
    assert!(other.contains(&format!("127.0.0.1:{port} is of the cluster tests")), "{other}");
}
