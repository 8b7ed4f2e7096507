//! A node that leads a thousand partitions and more is gone, or stands still: all of its heartbeats are missed at once, all its leaders are suspected at
//! once, and topics come and go meanwhile. No loop of the nodes that are left may take a second for anything.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chronik_kafka::ErrorCode;
use chronik_kafka::message::create_topics::{CreatableTopic, CreateTopicsRequest};

use crate::day::{CALM, Day, patiently};
use crate::support::batches::batch;
use crate::support::cluster::Cluster;
use crate::support::metrics::Scrape;
use crate::support::raw::Raw;
use crate::{FAILOVER, day, number};

const TOPIC: &str = "many";
/// On three nodes, so that there is always one that leads a thousand.
const PARTITIONS: i32 = 3_000;
/// How long the node is away.
const AWAY: Duration = Duration::from_secs(3);
/// What no loop takes, in seconds.
const FROZEN: f64 = 1.0;

#[test]
fn leaders_of_a_thousand_partitions_are_suspected_at_once() {
    let mut day = Day::begin_with("thousands", CALM, || Cluster::start(3));
    let made = day.cluster.connect(1).ask(7, &creation(TOPIC, PARTITIONS, 3)).topics.remove(0);
    assert_eq!(made.error_code, ErrorCode::NONE, "{made:?}");
    day::wait_until_in_sync(&day.cluster, TOPIC);
    for round in 0..number("CHRONIK_BAD_DAYS", 2) {
        a_round(&mut day, round);
    }
    day.end();
}

fn a_round(day: &mut Day, round: u64) {
    let (node, leads) = leads_most(day);
    assert!(leads >= 1_000, "node {node} leads {leads} partitions");
    let (survivors, loaded) = (day.others(node), day.led_by(node, node));
    let sample =
        led(&mut day.cluster.connect(node)).iter().position(|leader| *leader == node).expect("one of them");
    let before: Vec<Scrape> = survivors.iter().map(|id| Scrape::of(day.cluster.admin(*id))).collect();
    let killed = round.is_multiple_of(2);
    if killed {
        day.cluster.kill(node);
    } else {
        day.cluster.stop(node);
    }
    let gone = Instant::now();
    let Away { replaced, served, changes } = while_away(day, node, survivors[0], sample, round, gone);
    let mut gaps = day.failover(&loaded, gone);
    if killed {
        day.cluster.restart(node);
    } else {
        day.cluster.cont(node);
    }
    day::wait_until_in_sync(&day.cluster, TOPIC);
    day.wait_until_whole();
    gaps.sort_unstable();
    eprintln!(
        "thousands: round {round}, node {node} {}, which led {leads}: all led by others after {} ms, a record of any client taken after {} ms, failover of the {} with load {:?} ms, {changes} topics made or deleted",
        if killed { "killed" } else { "stopped" },
        replaced.as_millis(),
        served.as_millis(),
        gaps.len(),
        gaps.iter().map(Duration::as_millis).collect::<Vec<_>>(),
    );
    assert!(replaced < FAILOVER && served < FAILOVER && gaps.iter().all(|gap| *gap < FAILOVER));
    for (id, before) in survivors.into_iter().zip(before) {
        let counted = Scrape::of(day.cluster.admin(id)).since(&before);
        judge(id, &counted, gone.elapsed());
        assert!(!day.cluster.log(id).contains("stands still"), "node {id} had a loop that stood still");
    }
}

/// Since the node was gone.
struct Away {
    /// When it led nothing any more.
    replaced: Duration,
    /// When a record for a partition that it led was taken, from a client that looks where all the time.
    served: Duration,
    /// Topics that were made or deleted, until it may come back.
    changes: usize,
}

fn while_away(day: &Day, gone: i32, by: i32, sample: usize, round: u64, since: Instant) -> Away {
    let replaced = || led(&mut day.cluster.connect(by)).iter().all(|leader| *leader != gone);
    let kafka = day.cluster.kafka(by);
    std::thread::scope(|scope| {
        let changes = scope.spawn(move || topics_come_and_go(kafka, round, since + AWAY));
        let replaced = patiently("others to lead", || replaced().then(|| since.elapsed()));
        let served =
            patiently("a record to be taken", || is_served(day, sample, by).then(|| since.elapsed()));
        let changes = changes.join().expect("they came and went");
        assert!(changes > 0, "nothing was committed while node {gone} was away");
        Away { replaced, served, changes }
    })
}

/// Whether a record for a partition is taken by whoever leads it.
fn is_served(day: &Day, partition: usize, by: i32) -> bool {
    let leader = led(&mut day.cluster.connect(by))[partition];
    let partition = i32::try_from(partition).expect("few");
    let produced = day.cluster.connect(leader).produce(TOPIC, partition, batch(&["a record"]));
    produced.error_code == ErrorCode::NONE
}

/// How many were made or deleted.
fn topics_come_and_go(kafka: SocketAddr, round: u64, until: Instant) -> usize {
    let mut client = Raw::to(kafka);
    let mut changes = 0;
    for number in 0.. {
        let name = format!("comes-{round}-{number}");
        let made = client.ask(7, &creation(&name, 3, 2)).topics.remove(0).error_code;
        changes += usize::from(made == ErrorCode::NONE);
        changes += usize::from(client.delete_topic(&name) == ErrorCode::NONE);
        // The first one may have been sent to a node that stands still.
        let enough = changes > 0 || until.elapsed() > AWAY;
        if Instant::now() > until && enough {
            break;
        }
    }
    changes
}

/// Who leads each partition, by number; -1 for nobody.
fn led(client: &mut Raw) -> Vec<i32> {
    let mut partitions = client.topic(TOPIC, false).partitions;
    partitions.sort_by_key(|partition| partition.partition_index);
    partitions.iter().map(|partition| partition.leader_id).collect()
}

fn leads_most(day: &Day) -> (i32, usize) {
    patiently("all partitions to be led", || {
        let leaders = led(&mut day.cluster.connect(1));
        let of = |node: i32| (node, leaders.iter().filter(|leader| **leader == node).count());
        let all_led = leaders.iter().all(|leader| *leader > 0);
        all_led.then(|| day.cluster.ids().into_iter().map(of).max_by_key(|(_, leads)| *leads))?
    })
}

/// Prints what a node that was there all the time has counted, and looks that nothing has stood still.
fn judge(node: i32, counted: &Scrape, time: Duration) {
    let (rounds, round) = counted.below("chronik_raft_round_duration_seconds", "");
    let (_, interval) = counted.below("chronik_raft_round_interval_seconds", "");
    let turns = "chronik_loop_turn_duration_seconds";
    let (sweeps, sweep) = counted.below(turns, "name=\"timeout-monitor\"");
    let (_, worker) = counted.below(turns, "name=\"election-worker\"");
    let (elections, election) = counted.below("chronik_leader_election_duration_seconds", "");
    let nonzero = |name| -> Vec<String> {
        let all = counted.by_labels(name).filter(|(_, count)| *count > 0.0);
        all.map(|(labels, count)| format!("{} {count}", labels.trim_start_matches("reason="))).collect()
    };
    eprintln!(
        "thousands:   node {node}: {rounds} Raft rounds, none over {round} s, begun within {interval} s of each other; {sweeps} sweeps, none over {sweep} s; turns of election workers none over {worker} s; {elections} suspicions answered within {election} s: {}; elections: {}; term +{}",
        nonzero("chronik_leader_suspicions_total").join(", "),
        nonzero("chronik_leader_elections_total").join(", "),
        counted.get("chronik_raft_term"),
    );
    for (what, longest) in [("Raft round", round), ("sweep", sweep), ("turn of an election worker", worker)] {
        assert!(longest <= FROZEN, "node {node}: a {what} took more than {FROZEN} s, up to {longest}");
    }
    assert_eq!(counted.sum("chronik_loop_stalls_total"), 0.0, "node {node}: a loop stood still");
    let (seconds, due) = (time.as_secs_f64(), 2.0);
    assert!(rounds > seconds * due && sweeps > seconds * due, "node {node} was at work all the time");
}

/// Of a topic with so many replicas of each partition.
pub(crate) fn creation(name: &str, num_partitions: i32, replication_factor: i16) -> CreateTopicsRequest {
    let topic =
        CreatableTopic { name: name.into(), num_partitions, replication_factor, ..Default::default() };
    CreateTopicsRequest { topics: vec![topic], timeout_ms: 20_000, validate_only: false }
}
