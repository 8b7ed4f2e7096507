//! A storm of consumers: 500 members in five groups on 200 partitions join, leave, fall silent and die, for a while; then they rest, and everything must
//! be as if nothing had been. `CHRONIK_STORM_SECONDS=600 cargo test -p chronik-server --test group_storm -- --nocapture` for a long one.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test stands outside the seams")]

#[path = "../support/mod.rs"]
mod support;

mod consumer;
mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use chronik_kafka::ErrorCode;
use chronik_kafka::message::{DeleteGroupsRequest, DescribeGroupsRequest};

use consumer::{Consumer, assigned};
use ledger::Ledger;
use support::raw::Raw;
use support::{Server, wait_for};

const GROUPS: usize = 5;
const MEMBERS_OF_GROUP: usize = 100;
pub(crate) const PARTITIONS: i32 = 200;
pub(crate) const TOPIC: &str = "storm";
/// Seconds of storm in a plain `cargo test`.
const SECONDS: u64 = 4;
/// What a heartbeat may take, 99 times of 100, in a long run with the machine to itself.
const HEARTBEAT_P99: Duration = Duration::from_millis(50);
/// The same in a short run, beside other tests.
const HEARTBEAT_P99_BESIDE_OTHERS: Duration = Duration::from_secs(2);
/// What the server may keep of it all: it kept 33 to 39 MB in storms of 30 to 600 s.
const MEMORY_KEPT_BYTES: f64 = 96e6;

/// What the consumers do; the numbers of an [`AtomicU8`].
pub(crate) const STORM: u8 = 0;
pub(crate) const REST: u8 = 1;
pub(crate) const GO: u8 = 2;

#[test]
fn members_come_and_go_and_no_offset_goes_back() {
    let asked = std::env::var("CHRONIK_STORM_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let server = Server::with(&["group.initial.rebalance.delay.ms=100", "group.min.session.timeout.ms=500"]);
    Raw::connect(&server).create_topic(TOPIC, PARTITIONS, &[]);
    let memory_before = server.metric("process_resident_memory_bytes");
    let (phase, ledger) = (Arc::new(AtomicU8::new(STORM)), Arc::new(Ledger::new(GROUPS, PARTITIONS)));
    let start = |number: usize| {
        let (group, kafka) = (number % GROUPS, server.kafka);
        let consumer = Consumer::new(kafka, group, number, phase.clone(), ledger.clone());
        std::thread::Builder::new().stack_size(512 << 10).spawn(move || consumer.run()).expect("a thread")
    };
    let threads: Vec<_> = (0..GROUPS * MEMBERS_OF_GROUP).map(start).collect();
    std::thread::sleep(Duration::from_secs(asked.unwrap_or(SECONDS)));
    phase.store(REST, Ordering::SeqCst);
    let rested = Instant::now();
    for group in 0..GROUPS {
        wait_until_every_partition_is_owned(&server, &group_id(group));
    }
    eprintln!("at rest after {:?}", rested.elapsed());
    phase.store(GO, Ordering::SeqCst);
    threads.into_iter().for_each(|thread| thread.join().expect("no assertion failed"));
    ledger.report();
    let bound = if asked.is_some() { HEARTBEAT_P99 } else { HEARTBEAT_P99_BESIDE_OTHERS };
    let p99 = ledger.heartbeat_p99();
    assert!(p99 < bound, "the 99th percentile of heartbeats is {p99:?}");
    nothing_is_left(&server, memory_before);
}

pub(crate) fn group_id(group: usize) -> String {
    format!("storm-{group}")
}

/// Patient: the last ones that died are missed only when their sessions end, and then there is one more rebalance.
fn wait_until_every_partition_is_owned(server: &Server, group: &str) {
    let mut raw = Raw::connect(server);
    let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
    wait_for(&format!("{group} to be at rest"), || {
        std::thread::sleep(Duration::from_millis(100));
        let described = raw.ask(5, &request).groups.remove(0);
        if described.group_state != "Stable" || described.members.len() != MEMBERS_OF_GROUP {
            return None;
        }
        let mut owned: Vec<i32> =
            described.members.iter().flat_map(|member| assigned(&member.member_assignment)).collect();
        owned.sort_unstable();
        assert!(owned.iter().copied().eq(0..PARTITIONS), "{group}: every partition has one owner: {owned:?}");
        Some(())
    });
}

fn nothing_is_left(server: &Server, memory_before: f64) {
    let mut raw = Raw::connect(server);
    let groups_names = (0..GROUPS).map(|group| group_id(group).into()).collect();
    for result in raw.ask(2, &DeleteGroupsRequest { groups_names }).results {
        assert_eq!(result.error_code, ErrorCode::NONE, "{}: everybody has left", result.group_id);
    }
    wait_for("the groups to be gone", || {
        std::thread::sleep(Duration::from_millis(200));
        (server.metric("kafka_coordinator_group_groupmetadatamanager_numgroups") == 0.0).then_some(())
    });
    let kept = server.metric("process_resident_memory_bytes") - memory_before;
    eprintln!("memory kept: {:.1} MB", kept / 1e6);
    assert!(kept < MEMORY_KEPT_BYTES, "the server kept {kept} bytes");
}
