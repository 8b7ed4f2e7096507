use std::collections::BTreeMap;

use chronik_kafka::record_batch::{BatchBuilder, Compression, ControlRecord, ControlType};

use super::*;

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
/// When the passes run, milliseconds since the epoch.
const NOW_MS: i64 = 10_000;
const RETENTION_MS: i64 = 500;

/// (key, value) of each record; their timestamps are 1000, 1001, ...
type Pairs<'a> = &'a [(Option<&'a str>, Option<&'a str>)];

fn batch_of(base_offset: i64, codec: Compression, pairs: Pairs<'_>) -> RecordBatch {
    let mut builder = BatchBuilder::new().producer(7, 3, 40).base_offset(base_offset).leader_epoch(5);
    for (index, (key, value)) in pairs.iter().enumerate() {
        let timestamp_ms = 1000 + i64::try_from(index).unwrap();
        builder.record_with_headers(
            timestamp_ms,
            key.map(str::as_bytes),
            value.map(str::as_bytes),
            &[("h", Some(b"x"))],
        );
    }
    let compress = |plain: &[u8]| compression::compress(codec, plain).map(Bytes::from);
    builder.build_compressed(codec, compress).unwrap()
}

fn pass(batch: &RecordBatch, standing: Standing, last: &[(&str, i64)], end: i64, now_ms: i64) -> Left {
    let last: BTreeMap<Vec<u8>, i64> = last.iter().map(|(key, at)| (key.as_bytes().to_vec(), *at)).collect();
    let last_offset_of = |key: &[u8]| last.get(key).copied();
    filter(batch, standing, &Rules { last_offset_of, end, now_ms, delete_retention_ms: RETENTION_MS })
        .unwrap()
}

/// (offset, timestamp, key) of each record.
fn records(batch: &RecordBatch) -> Vec<(i64, i64, String)> {
    batch.check_stored().unwrap();
    let body = batch.plain_body(1 << 20).unwrap();
    let record = |record: Record<'_>| {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(record.headers.clone().next().unwrap().value, Some(&b"x"[..]), "headers stay");
        let offset = batch.header.base_offset + i64::from(record.offset_delta);
        (
            offset,
            batch.header.base_timestamp + record.timestamp_delta,
            record.key.map(text).unwrap_or_default(),
        )
    };
    Records::new(&body, batch.header.record_count).map(|found| record(found.unwrap())).collect()
}

fn part(left: Left) -> RecordBatch {
    match left {
        Left::Part(batch) => batch,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_last_record_of_every_key_stays() {
    let pairs: Pairs<'_> =
        &[(Some("a"), Some("1")), (Some("b"), Some("2")), (Some("a"), Some("3")), (Some("c"), Some("4"))];
    for codec in CODECS {
        let batch = batch_of(100, codec, pairs);
        for (what, last, end, expected) in [
            ("no key is in the map", &[][..], 200, &[0, 1, 2, 3][..]),
            ("superseded in the batch", &[("a", 102), ("b", 101), ("c", 103)], 104, &[1, 2, 3]),
            ("superseded later", &[("a", 150), ("b", 101), ("c", 160)], 200, &[1]),
            ("all of it", &[("a", 150), ("b", 151), ("c", 160)], 200, &[]),
            ("behind the range", &[("a", 150), ("b", 151), ("c", 160)], 100, &[0, 1, 2, 3]),
        ] {
            let left = pass(&batch, Standing::default(), last, end, NOW_MS);
            let kept: Vec<i64> = match left {
                Left::Whole => (0..4).collect(),
                Left::Nothing => Vec::new(),
                Left::Part(part) => {
                    let (header, old) = (&part.header, &batch.header);
                    assert_eq!(header.compression(), codec);
                    assert_eq!((header.base_offset, header.last_offset()), (100, 103), "{what}");
                    assert_eq!(header.last_sequence(), old.last_sequence(), "{what}");
                    let found = records(&part);
                    assert_eq!(header.max_timestamp, found.iter().map(|found| found.1).max().unwrap());
                    found.iter().for_each(|found| assert_eq!(found.1 - 1000, found.0 - 100));
                    found.iter().map(|found| found.0 - 100).collect()
                }
            };
            assert_eq!(kept, expected, "{what} {codec:?}");
        }
    }
}

#[test]
fn a_record_without_a_key_goes() {
    let batch = batch_of(0, Compression::None, &[(None, Some("x")), (Some("a"), Some("1"))]);
    let left = part(pass(&batch, Standing::default(), &[("a", 1)], 2, NOW_MS));
    assert_eq!(records(&left), [(1, 1001, "a".to_owned())]);
}

#[test]
fn a_tombstone_stays_until_its_horizon_has_passed() {
    for codec in CODECS {
        let batch = batch_of(50, codec, &[(Some("a"), Some("1")), (Some("a"), None), (Some("b"), Some("2"))]);
        let last = &[("a", 51), ("b", 52)];
        let first = part(pass(&batch, Standing::default(), last, 53, NOW_MS));
        assert_eq!(first.header.delete_horizon_ms(), Some(NOW_MS + RETENTION_MS), "{codec:?}");
        let both = [(51, 1001, "a".to_owned()), (52, 1002, "b".to_owned())];
        assert_eq!(records(&first), both, "offsets and timestamps are what they were");
        assert_eq!(first.header.max_timestamp, 1002);
        // Keys that are clean are not in the map of the next pass.
        let early = pass(&first, Standing::default(), &[], 60, NOW_MS + RETENTION_MS - 1);
        assert_eq!(early, Left::Whole, "the horizon is not put off");
        let late = part(pass(&first, Standing::default(), &[], 60, NOW_MS + RETENTION_MS));
        assert_eq!(records(&late), both[1..]);
        assert_eq!(late.header.delete_horizon_ms(), first.header.delete_horizon_ms());
    }
}

#[test]
fn a_later_record_supersedes_a_tombstone_at_once() {
    let batch = batch_of(0, Compression::Zstd, &[(Some("a"), None)]);
    assert_eq!(pass(&batch, Standing::default(), &[("a", 9)], 10, NOW_MS), Left::Nothing);
}

#[test]
fn the_last_batch_of_a_producer_stays_empty() {
    for codec in CODECS {
        let batch = batch_of(20, codec, &[(Some("a"), Some("1")), (Some("a"), Some("2"))]);
        let standing = Standing { keep_empty: true, ..Standing::default() };
        let left = part(pass(&batch, standing, &[("a", 90)], 100, NOW_MS));
        left.check_stored().unwrap();
        let (header, old) = (&left.header, &batch.header);
        assert_eq!((header.record_count, left.body.len()), (0, 0));
        assert_eq!((header.base_offset, header.last_offset()), (20, 21));
        assert_eq!((header.producer_id, header.producer_epoch), (7, 3));
        assert_eq!((header.base_sequence, header.last_sequence()), (old.base_sequence, old.last_sequence()));
        assert_eq!((header.partition_leader_epoch, header.max_timestamp), (5, 1001));
        assert_eq!(header.compression(), Compression::None);
        assert_eq!(pass(&left, standing, &[], 100, NOW_MS), Left::Part(left.clone()), "as long as it must");
        assert_eq!(pass(&left, Standing::default(), &[], 100, NOW_MS), Left::Nothing);
    }
}

#[test]
fn what_an_aborted_transaction_wrote_goes() {
    let batch = batch_of(0, Compression::Lz4, &[(Some("a"), Some("1"))]);
    let aborted = Standing { aborted: true, ..Standing::default() };
    assert_eq!(pass(&batch, aborted, &[], 10, NOW_MS), Left::Nothing);
    let last = Standing { keep_empty: true, ..aborted };
    assert_eq!(part(pass(&batch, last, &[], 10, NOW_MS)).header.record_count, 0);
}

#[test]
fn a_marker_of_nothing_stays_until_its_horizon_has_passed() {
    let record = ControlRecord { version: 0, kind: ControlType::Abort };
    let marker = BatchBuilder::new().producer(7, 3, -1).base_offset(5).end_transaction(77, record, 1).build();
    assert_eq!(pass(&marker, Standing::default(), &[], 10, NOW_MS), Left::Whole, "its data is still there");
    let idle = Standing { idle_marker: true, ..Standing::default() };
    let first = part(pass(&marker, idle, &[], 10, NOW_MS));
    assert_eq!(first.header.delete_horizon_ms(), Some(NOW_MS + RETENTION_MS));
    assert!(first.header.is_control() && first.header.is_transactional());
    let found = first.records().unwrap().next().unwrap().unwrap();
    assert_eq!(found.control(), Some(record));
    assert_eq!(first.header.base_timestamp + found.timestamp_delta, 77);
    assert_eq!(pass(&first, idle, &[], 10, NOW_MS + RETENTION_MS - 1), Left::Whole);
    assert_eq!(pass(&first, idle, &[], 10, NOW_MS + RETENTION_MS), Left::Nothing);
}

#[test]
fn append_time_is_the_time_of_every_record() {
    let mut batch = batch_of(0, Compression::None, &[(Some("a"), Some("1")), (Some("b"), None)]);
    batch.set_log_append_time(5555);
    let left = part(pass(&batch, Standing::default(), &[("a", 9), ("b", 1)], 10, NOW_MS));
    assert_eq!(left.header.max_timestamp, 5555);
    assert_eq!(left.header.timestamp_type(), TimestampType::LogAppendTime);
}

#[test]
fn a_bomb_or_damage_is_an_error() {
    let rules =
        Rules { last_offset_of: |_: &[u8]| None, end: 10, now_ms: NOW_MS, delete_retention_ms: RETENTION_MS };
    let mut builder = BatchBuilder::new();
    builder.record(1, Some(b"k"), Some(&vec![0; limits::MAX_DECOMPRESSED_BYTES]));
    let compress = |plain: &[u8]| compression::compress(Compression::Zstd, plain).map(Bytes::from);
    let bomb = builder.build_compressed(Compression::Zstd, compress).unwrap();
    assert!(bomb.total_len() < 100_000);
    assert!(matches!(filter(&bomb, Standing::default(), &rules), Err(BatchError::Decompression(_))));
    let mut damaged = batch_of(0, Compression::None, &[(Some("a"), Some("1"))]);
    damaged.body = damaged.body.slice(..damaged.body.len() - 1);
    assert!(matches!(filter(&damaged, Standing::default(), &rules), Err(BatchError::Record { .. })));
}
