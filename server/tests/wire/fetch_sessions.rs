//! Incremental fetch sessions (KIP-227).

use chronik_kafka::ErrorCode;
use chronik_kafka::message::fetch::{FetchRequest, FetchResponse, ForgottenTopic};

use crate::support::Server;
use crate::support::batches::values;
use crate::support::raw::Raw;
use crate::support::requests::{FETCH, fetch_partition, fetch_request};

/// A request in a session: what is new in it, and what it no longer wants.
fn request(session: (i32, i32), partitions: &[(i32, i64)], forgotten: &[i32]) -> FetchRequest {
    let partitions: Vec<_> =
        partitions.iter().map(|(index, offset)| fetch_partition(*index, *offset)).collect();
    let none = partitions.is_empty();
    let mut request = fetch_request("orders", partitions);
    if none {
        request.topics.clear();
    }
    if !forgotten.is_empty() {
        let topic =
            ForgottenTopic { topic: "orders".into(), partitions: forgotten.to_vec(), ..Default::default() };
        request.forgotten_topics_data.push(topic);
    }
    FetchRequest { session_id: session.0, session_epoch: session.1, ..request }
}

/// Partition and values of everything in an answer.
fn told(response: FetchResponse) -> Vec<(i32, Vec<String>)> {
    assert_eq!(response.error_code, ErrorCode::NONE);
    let mut told: Vec<_> = response
        .responses
        .into_iter()
        .flat_map(|topic| topic.partitions)
        .map(|data| (data.partition_index, values(data.records.unwrap_or_default())))
        .collect();
    told.sort();
    told
}

fn client(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    client.create_topic("orders", 3, &[]);
    client
}

fn some(partition: i32, value: &str) -> (i32, Vec<String>) {
    (partition, vec![value.to_owned()])
}

#[test]
fn a_session_tells_everything_once_and_then_what_is_new() {
    let server = Server::start();
    let mut client = client(&server);
    client.append("orders", 0, &["a"]);
    let first = client.ask(FETCH, &request((0, 0), &[(0, 0), (1, 0)], &[]));
    let id = first.session_id;
    assert_ne!(id, 0);
    assert_eq!(told(first), [some(0, "a"), (1, vec![])], "a full answer");

    // The client moves on in partition 0; of partition 1 there is nothing to say.
    let second = client.ask(FETCH, &request((id, 1), &[(0, 1)], &[]));
    assert_eq!(second.session_id, id);
    assert!(told(second).iter().all(|(_, values)| values.is_empty()));

    client.append("orders", 1, &["b"]);
    assert_eq!(told(client.ask(FETCH, &request((id, 2), &[], &[]))), [some(1, "b")], "only what is new");

    // Partition 2 comes in, partition 0 goes.
    client.append("orders", 0, &["unseen"]);
    client.append("orders", 2, &["c"]);
    let third = client.ask(FETCH, &request((id, 3), &[(1, 1), (2, 0)], &[0]));
    assert!(told(third).contains(&some(2, "c")));
    assert!(told(client.ask(FETCH, &request((id, 4), &[(2, 1)], &[]))).iter().all(|(index, _)| *index != 0));
}

#[test]
fn a_wrong_session_or_epoch_is_refused_and_the_client_can_start_anew() {
    let server = Server::start();
    let mut client = client(&server);
    let id = client.ask(FETCH, &request((0, 0), &[(0, 0)], &[])).session_id;
    let refused = |client: &mut Raw, session| client.ask(FETCH, &request(session, &[], &[])).error_code;
    assert_eq!(refused(&mut client, (id, 5)), ErrorCode::INVALID_FETCH_SESSION_EPOCH);
    assert_eq!(refused(&mut client, (id + 77, 1)), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    assert_eq!(refused(&mut Raw::connect(&server), (id, 1)), ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    client.append("orders", 0, &["a"]);
    let anew = client.ask(FETCH, &request((id, 0), &[(0, 0)], &[]));
    assert_ne!(anew.session_id, 0);
    assert_eq!(told(anew), [some(0, "a")]);
}

#[test]
fn epoch_minus_1_ends_the_session() {
    let server = Server::start();
    let mut client = client(&server);
    let id = client.ask(FETCH, &request((0, 0), &[(0, 0)], &[])).session_id;
    assert_eq!(client.ask(FETCH, &request((id, -1), &[(0, 0)], &[])).session_id, 0);
    let after = client.ask(FETCH, &request((id, 1), &[], &[]));
    assert_eq!(after.error_code, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
}

#[test]
fn a_session_waits_and_wakes_like_any_fetch() {
    let server = Server::start();
    let mut client = client(&server);
    let id = client.ask(FETCH, &request((0, 0), &[(0, 0), (1, 0)], &[])).session_id;
    let waiting = FetchRequest { max_wait_ms: 15_000, min_bytes: 1, ..request((id, 1), &[], &[]) };
    let sent = client.send(FETCH, &waiting);
    std::thread::sleep(std::time::Duration::from_millis(50));
    Raw::connect(&server).append("orders", 1, &["b"]);
    assert_eq!(told(client.receive(sent)), [some(1, "b")]);
}

#[test]
fn sessions_by_topic_id_work_the_same() {
    let server = Server::start();
    let mut client = client(&server);
    let topic_id = client.topic("orders", false).topic_id;
    client.append("orders", 0, &["a"]);
    let mut first = request((0, 0), &[(0, 0)], &[]);
    first.topics[0].topic_id = topic_id;
    let first = client.ask(15, &first);
    let id = first.session_id;
    assert_eq!(told(first), [some(0, "a")]);
    let mut next = request((id, 1), &[(0, 1)], &[]);
    next.topics[0].topic_id = topic_id;
    client.ask(15, &next);
    client.append("orders", 0, &["b"]);
    assert_eq!(told(client.ask(15, &request((id, 2), &[], &[]))), [some(0, "b")]);
}
