//! What was sent and what was acknowledged, when; and what that says about what is read afterwards.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Bytes of a value before its padding: the partition, and the number of the record in it.
const HEAD: usize = 12;
/// Lines of the client's that are kept.
const MAX_LINES: usize = 2_000;

/// A record that was acknowledged.
#[derive(Clone, Copy)]
pub(crate) struct Acknowledged {
    pub(crate) sequence: u64,
    /// Negative if librdkafka was told that a record is there, and not where: by a duplicate's answer, or by that to a later record.
    pub(crate) offset: i64,
    pub(crate) sent: Instant,
    pub(crate) at: Instant,
}

/// Of all partitions.
pub(crate) struct Ledger {
    begun: Instant,
    partitions: Mutex<Vec<Vec<Acknowledged>>>,
    /// What became of records that were not acknowledged.
    failures: Mutex<Vec<String>>,
    /// The last that the client has said of its sequence numbers and epochs.
    said: Mutex<VecDeque<String>>,
}

/// What a bad day came to.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) acknowledged: usize,
    pub(crate) lost: usize,
    pub(crate) duplicates: usize,
    pub(crate) disordered: usize,
    /// At another offset than was acknowledged.
    pub(crate) moved: usize,
}

/// The value of a record.
pub(crate) fn value(partition: i32, sequence: u64, bytes: usize) -> Vec<u8> {
    let mut value = partition.to_be_bytes().to_vec();
    value.extend(sequence.to_be_bytes());
    value.resize(bytes.max(HEAD), b'.');
    value
}

/// The partition and the number that stand in a value.
pub(crate) fn parse(value: &[u8]) -> (i32, u64) {
    let (partition, rest) = value.split_first_chunk().expect("a partition");
    let (sequence, _) = rest.split_first_chunk().expect("a number");
    (i32::from_be_bytes(*partition), u64::from_be_bytes(*sequence))
}

impl Ledger {
    pub(crate) fn new(partitions: usize) -> Self {
        let partitions = Mutex::new(vec![Vec::new(); partitions]);
        Self { begun: Instant::now(), partitions, failures: Mutex::default(), said: Mutex::default() }
    }

    pub(crate) fn acknowledge(&self, partition: i32, acknowledged: Acknowledged) {
        let partition = usize::try_from(partition).expect("from 0 on");
        self.partitions.lock().expect("nobody panicked here")[partition].push(acknowledged);
    }

    pub(crate) fn fail(&self, why: String) {
        self.failures.lock().expect("nobody panicked here").push(why);
    }

    /// Why records were not acknowledged.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("nobody panicked here").clone()
    }

    /// The client says something.
    pub(crate) fn hear(&self, what: &str) {
        let mut said = self.said.lock().expect("nobody panicked here");
        if said.len() == MAX_LINES {
            said.pop_front();
        }
        said.push_back(format!("{:?} {what}", self.begun.elapsed()));
    }

    /// What the client has said.
    pub(crate) fn said(&self) -> String {
        self.said
            .lock()
            .expect("nobody panicked here")
            .iter()
            .fold(String::new(), |all, line| all + line + "\n")
    }

    /// How many were acknowledged.
    pub(crate) fn count(&self) -> usize {
        self.partitions.lock().expect("nobody panicked here").iter().map(Vec::len).sum()
    }

    /// How long after `since` the first record that was sent after it was acknowledged.
    pub(crate) fn served(&self, partition: i32, since: Instant) -> Option<Duration> {
        let partition = usize::try_from(partition).expect("from 0 on");
        let partitions = self.partitions.lock().expect("nobody panicked here");
        let after = partitions[partition].iter().rev().take_while(|record| record.at > since);
        after.filter(|record| record.sent > since).map(|record| record.at - since).min()
    }

    /// The longest time in which no record of any partition was acknowledged, and in which none of one was.
    pub(crate) fn gaps(&self) -> (Duration, Vec<Duration>) {
        let partitions = self.partitions.lock().expect("nobody panicked here");
        let of = |times: &mut dyn Iterator<Item = Instant>| longest_gap(self.begun, times.collect());
        let each = partitions.iter().map(|records| of(&mut records.iter().map(|record| record.at)));
        let each = each.collect();
        (of(&mut partitions.iter().flatten().map(|record| record.at)), each)
    }

    /// Compares with what was read: of each partition, the offsets and the numbers in the values.
    pub(crate) fn judge(&self, read: &[Vec<(i64, u64)>]) -> Verdict {
        let partitions = self.partitions.lock().expect("nobody panicked here");
        let mut verdict = Verdict::default();
        for (acknowledged, read) in partitions.iter().zip(read) {
            judge(&mut verdict, acknowledged, read);
        }
        verdict
    }
}

fn longest_gap(begun: Instant, mut times: Vec<Instant>) -> Duration {
    times.push(begun);
    times.sort_unstable();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

fn judge(verdict: &mut Verdict, acknowledged: &[Acknowledged], read: &[(i64, u64)]) {
    let mut found = std::collections::BTreeMap::new();
    let mut last = None;
    for (offset, sequence) in read {
        if found.insert(*sequence, *offset).is_some() {
            verdict.duplicates += 1;
        } else if last.is_some_and(|last| last > *sequence) {
            verdict.disordered += 1;
        }
        last = last.max(Some(*sequence));
    }
    verdict.acknowledged += acknowledged.len();
    for record in acknowledged {
        match found.get(&record.sequence) {
            None => verdict.lost += 1,
            Some(offset) if record.offset >= 0 && *offset != record.offset => {
                eprintln!(
                    "record {} was acknowledged at {} and is at {offset}",
                    record.sequence, record.offset
                );
                verdict.moved += 1;
            }
            Some(_) => {}
        }
    }
}

#[test]
fn a_checker_sees_what_is_lost_doubled_disordered_and_moved() {
    let now = Instant::now();
    let acknowledged =
        (0..4).map(|sequence| Acknowledged { sequence, offset: sequence.cast_signed(), sent: now, at: now });
    let acknowledged: Vec<Acknowledged> = acknowledged.collect();
    let cases = [
        (vec![(0, 0), (1, 1), (2, 2), (3, 3)], [0, 0, 0, 0]),
        (vec![(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)], [0, 0, 0, 0]), // it came through, and the answer did not
        (vec![(0, 0), (1, 1), (3, 3)], [1, 0, 0, 0]),
        (vec![(0, 0), (1, 1), (2, 2), (3, 3), (4, 2)], [0, 1, 0, 1]),
        (vec![(0, 0), (1, 2), (2, 1), (3, 3)], [0, 0, 1, 2]),
        (vec![(1, 0), (2, 1), (3, 2), (4, 3)], [0, 0, 0, 4]),
    ];
    for (read, expected) in cases {
        let mut verdict = Verdict::default();
        judge(&mut verdict, &acknowledged, &read);
        let Verdict { acknowledged, lost, duplicates, disordered, moved } = verdict;
        assert_eq!((acknowledged, [lost, duplicates, disordered, moved]), (4, expected), "{read:?}");
    }
}
