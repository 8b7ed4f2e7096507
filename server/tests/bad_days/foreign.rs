//! A client in another language, in a process of its own, that does what ours does; `server/tests/clients/run` says how it is spoken to.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::ledger::{Acknowledged, Ledger};
use crate::load::{PARTITIONS, Pace, TOPIC};

/// The words before a verb, if another client is asked for.
fn command() -> Option<Vec<String>> {
    let command = std::env::var("CHRONIK_BAD_DAYS_CLIENT").ok()?;
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    assert!(!words.is_empty(), "CHRONIK_BAD_DAYS_CLIENT has no words");
    Some(words)
}

fn verb(verb: &str, servers: &[SocketAddr]) -> Option<Command> {
    let words = command()?;
    let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args([verb, &servers.join(","), TOPIC, &PARTITIONS.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    Some(command)
}

/// It produces.
pub(crate) struct Foreign {
    child: Child,
    listener: Option<JoinHandle<()>>,
}

impl Foreign {
    /// Begins to produce, if another client is asked for.
    pub(crate) fn start(servers: &[SocketAddr], pace: Pace, ledger: &Arc<Ledger>) -> Option<Self> {
        let mut command = verb("load", servers)?;
        command.args([pace.record_bytes.to_string(), pace.every.as_micros().to_string()]);
        let mut child = command.spawn().expect("the program of CHRONIK_BAD_DAYS_CLIENT");
        let (said, ledger) = (BufReader::new(child.stdout.take().expect("piped")), ledger.clone());
        let listen = move || said.lines().for_each(|line| note(&ledger, &line.expect("text")));
        let listener = std::thread::Builder::new().spawn(listen).expect("a thread");
        Some(Self { child, listener: Some(listener) })
    }

    /// Produces no more, and waits until it is known what became of each record.
    pub(crate) fn finish(&mut self) {
        drop(self.child.stdin.take());
        self.listener.take().expect("not yet finished").join().expect("it said what became of all");
        assert!(self.child.wait().expect("a child").success(), "it ended as it should");
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ended_before = self.child.kill();
        let _ended_before = self.child.wait();
    }
}

/// What became of a record.
fn note(ledger: &Ledger, line: &str) {
    let Some(acknowledged) = line.strip_prefix("acknowledged ") else { return ledger.fail(line.to_owned()) };
    let [partition, sequence, offset, micros] = numbers(acknowledged);
    let at = Instant::now();
    let sent = at.checked_sub(Duration::from_micros(micros.unsigned_abs())).expect("not so long ago");
    let acknowledged = Acknowledged { sequence: sequence.unsigned_abs(), offset, sent, at };
    ledger.acknowledge(i32::try_from(partition).expect("a partition"), acknowledged);
}

fn numbers<const N: usize>(line: &str) -> [i64; N] {
    let numbers: Vec<i64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{N} numbers expected: {line:?}"))
}

/// Everything that is in the topic, if another client is asked for: of each partition, offsets and the numbers in the values.
pub(crate) fn read_all(servers: &[SocketAddr]) -> Option<Vec<Vec<(i64, u64)>>> {
    let mut child = verb("read-load", servers)?.spawn().expect("the program of CHRONIK_BAD_DAYS_CLIENT");
    let mut read: Vec<Vec<(i64, u64)>> = vec![Vec::new(); usize::try_from(PARTITIONS).expect("some")];
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        let [partition, offset, sequence] = numbers(&line.expect("text"));
        read[usize::try_from(partition).expect("from 0 on")].push((offset, sequence.unsigned_abs()));
    }
    assert!(child.wait().expect("a child").success(), "it has read everything");
    Some(read)
}
