//! Many connections, slow ones, silent ones: nobody keeps another from being served.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use chronik_kafka::message::metadata::MetadataRequest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::batches::large_batch;
use crate::support::raw::Raw;
use crate::support::requests::{FETCH, assert_serves, fetch_partition, fetch_request};
use crate::support::{Server, wait_for};

/// How many connections the issue asks for.
const MANY: u64 = 10_000;
/// So little that one client could hold all of it.
const LITTLE_MEMORY: &[&str] = &["queued.max.bytes=4194304", "socket.request.max.bytes=4194304"];
/// Files of a process that are not connections.
const OTHER_FILES: u64 = 200;

/// Raises our own limit of open files; how many there may be.
fn open_files() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the maximum is allowed");
    maximum.unwrap_or(u64::MAX)
}

#[test]
fn ten_thousand_idle_connections_are_nobodys_business() {
    let count = MANY.min(open_files().saturating_sub(OTHER_FILES));
    if count < MANY {
        println!("SKIP: of {MANY} connections only {count} fit into the limit of open files (ulimit -Hn)");
    }
    let server = Server::start();
    let idle: Vec<TcpStream> = (0..count)
        .map(|number| {
            TcpStream::connect(server.kafka).unwrap_or_else(|error| panic!("connection {number}: {error}"))
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let all = count as f64;
    wait_for("the server to accept them", || {
        (server.metric("chronik_connections_open") >= all).then_some(())
    });
    let started = Instant::now();
    assert_serves(&server);
    assert!(started.elapsed() < Duration::from_secs(2), "served, and soon: {:?}", started.elapsed());
    drop(idle);
    wait_for("the server to let them go", || {
        (server.metric("chronik_connections_open") < 100.0).then_some(())
    });
    assert_serves(&server);
}

#[test]
fn the_server_raises_its_own_limit_of_open_files() {
    open_files();
    let server = Server::with_few_open_files(256);
    let idle: Vec<Raw> = (0..400).map(|_| Raw::connect(&server)).collect();
    wait_for("the server to accept them", || {
        (server.metric("chronik_connections_open") >= 400.0).then_some(())
    });
    assert_serves(&server);
    drop(idle);
}

#[test]
fn connections_over_the_limit_per_address_are_closed_and_the_others_served() {
    let server = Server::with(&["max.connections.per.ip=3"]);
    let ask = |client: &mut Raw| assert_eq!(client.ask(1, &MetadataRequest::default()).brokers.len(), 1);
    let mut inside: Vec<Raw> = (0..3).map(|_| Raw::connect(&server)).collect();
    inside.iter_mut().for_each(ask);
    for _ in 0..3 {
        let mut refused = Raw::connect(&server);
        refused.expect_hung_up();
        let lines = server.logged(&refused.address().to_string());
        assert!(lines.len() == 1 && lines[0].contains("max.connections.per.ip"), "{lines:#?}");
    }
    inside.iter_mut().for_each(ask);
    inside.pop();
    wait_for("room for another", || {
        let mut client = Raw::connect(&server);
        let (_, bytes) = client.encode(1, &MetadataRequest::default());
        client.try_write(&bytes).ok()?;
        client.frame()
    });
}

#[test]
fn connections_over_the_limit_are_closed() {
    let server = Server::with(&["max.connections=1"]);
    let mut first = Raw::connect(&server);
    first.ask(1, &MetadataRequest::default());
    let mut second = Raw::connect(&server);
    second.expect_hung_up();
    assert!(server.logged(&second.address().to_string())[0].contains("max.connections"));
    first.ask(1, &MetadataRequest::default());
}

#[test]
fn a_connection_without_a_request_is_closed_in_time() {
    let server = Server::with(&["connections.max.idle.ms=200"]);
    let mut silent = Raw::connect(&server);
    let mut halfway = Raw::connect(&server);
    halfway.write(&[0, 0, 0, 100, 1, 2, 3]);
    for client in [&mut silent, &mut halfway] {
        client.expect_hung_up();
        let lines = server.logged(&client.address().to_string());
        assert!(lines.len() == 1 && lines[0].contains("connections.max.idle.ms"), "{lines:#?}");
    }
    assert_serves(&server);
}

/// Clients that ask for a lot and read nothing.
fn greedy(server: &Server, count: usize) -> Vec<Raw> {
    let ask = |_| {
        let mut client = Raw::connect(server);
        for _ in 0..40 {
            let mut partition = fetch_partition(0, 0);
            partition.partition_max_bytes = 4 << 20;
            client.tell(FETCH, &fetch_request("large", vec![partition]));
        }
        client
    };
    (0..count).map(ask).collect()
}

#[test]
fn clients_that_never_read_keep_nobody_from_being_served() {
    let server = Server::with(LITTLE_MEMORY);
    let mut client = Raw::connect(&server);
    client.create_topic("large", 1, &[]);
    for offset in 0..6 {
        assert_eq!(client.produce("large", 0, large_batch(900_000)).base_offset, offset);
    }
    let unread = greedy(&server, 4);
    std::thread::sleep(Duration::from_millis(300)); // until their sockets are full
    for _ in 0..5 {
        let started = Instant::now();
        assert_serves(&server);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    }
    drop(unread);
}

#[test]
fn clients_that_announce_much_and_send_nothing_keep_nobody_from_being_served() {
    let server = Server::with(LITTLE_MEMORY);
    let stuck: Vec<Raw> = (0..4)
        .map(|_| {
            let mut client = Raw::connect(&server);
            client.write(&4_000_000i32.to_be_bytes());
            client.write(b"and then nothing");
            client
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    assert_serves(&server);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    drop(stuck);
}
