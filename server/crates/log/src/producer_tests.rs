use chronik_kafka::record_batch::BatchBuilder;

use super::*;

fn header(epoch: i16, base_sequence: i32, records: i32, base_offset: i64) -> BatchHeader {
    let mut builder = BatchBuilder::new().producer(7, epoch, base_sequence);
    for _ in 0..records {
        builder.record(1, None, Some(b"v"));
    }
    let mut batch = builder.build();
    batch.assign(base_offset, 0);
    batch.header
}

/// The entry after appends of (epoch, base sequence, records).
fn entry(appends: &[(i16, i32, i32)]) -> ProducerEntry {
    let mut entry = None;
    let mut offset = 0;
    for &(epoch, sequence, records) in appends {
        let header = header(epoch, sequence, records, offset);
        offset = header.next_offset();
        entry = Some(after_append(entry.as_ref(), &header, -1, 1000));
    }
    entry.unwrap()
}

#[test]
fn sequences_are_judged() {
    let known = entry(&[(1, 0, 3), (1, 3, 2)]);
    let out_of_order = |found, expected| Err(OpError::OutOfOrderSequence { found, expected });
    let cases = [
        ((1, 5, 1), Ok(Verdict::Append)),
        ((1, 0, 3), Ok(Verdict::Duplicate(known.batches[0]))),
        ((1, 3, 2), Ok(Verdict::Duplicate(known.batches[1]))),
        ((1, 3, 1), out_of_order(3, 5)),
        ((1, 6, 1), out_of_order(6, 5)),
        ((2, 0, 1), Ok(Verdict::Append)),
        ((2, 5, 1), out_of_order(5, 0)),
        ((0, 5, 1), Err(OpError::InvalidProducerEpoch { found: 0, current: 1 })),
    ];
    for ((epoch, sequence, records), expected) in cases {
        let verdict = judge(Some(&known), &header(epoch, sequence, records, 5));
        assert_eq!(verdict, expected, "epoch {epoch} sequence {sequence}");
    }
}

#[test]
fn an_unknown_producer_may_start_anywhere() {
    assert_eq!(judge(None, &header(3, 17, 1, 0)), Ok(Verdict::Append));
}

#[test]
fn five_batches_are_remembered() {
    let appends: Vec<_> = (0..7).map(|sequence| (0, sequence, 1)).collect();
    let known = entry(&appends);
    assert_eq!(known.batches.len(), 5);
    assert!(matches!(judge(Some(&known), &header(0, 2, 1, 9)), Ok(Verdict::Duplicate(_))));
    assert!(judge(Some(&known), &header(0, 1, 1, 9)).is_err());
}

#[test]
fn sequences_wrap_to_zero() {
    let known = entry(&[(0, i32::MAX - 1, 2)]);
    assert_eq!(known.batches[0].last_sequence, i32::MAX);
    assert_eq!(judge(Some(&known), &header(0, 0, 1, 2)), Ok(Verdict::Append));
    let across = entry(&[(0, i32::MAX, 3)]);
    assert_eq!(across.batches[0].last_sequence, 1);
    assert_eq!(judge(Some(&across), &header(0, 2, 1, 3)), Ok(Verdict::Append));
    assert!(matches!(judge(Some(&across), &header(0, i32::MAX, 3, 3)), Ok(Verdict::Duplicate(_))));
}

#[test]
fn truncation_names_the_producers_it_emptied() {
    let mut table = ProducerTable::default();
    table.0.insert(1, entry(&[(0, 0, 3), (0, 3, 2)]));
    table.0.insert(2, entry(&[(0, 0, 1)]));
    assert!(table.truncate_from_end(3).is_empty());
    assert_eq!(table.get(1).unwrap().batches.len(), 1);
    assert_eq!(table.truncate_from_end(1), [1]);
    assert!(table.get(1).is_none() && table.get(2).is_some());
}

#[test]
fn idle_producers_expire() {
    let mut table = ProducerTable::default();
    table.0.insert(1, entry(&[(0, 0, 1)]));
    table.expire(1099, 100);
    assert!(table.get(1).is_some());
    table.expire(1100, 100);
    assert!(table.get(1).is_none());
}
