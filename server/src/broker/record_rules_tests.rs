use std::convert::Infallible;

use bytes::Bytes;
use chronik_kafka::compression;
use chronik_kafka::record_batch::{BatchBuilder, Compression};

use super::*;

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

fn batch(codec: Compression, records: &[(i64, Option<&[u8]>)]) -> RecordBatch {
    let mut builder = BatchBuilder::new();
    for (timestamp, key) in records {
        builder.record(*timestamp, *key, Some(b"v"));
    }
    let compress = |plain: &[u8]| compression::compress(codec, plain).map(Bytes::from);
    builder.build_compressed(codec, compress).expect("a codec")
}

fn at(codec: Compression, timestamps: &[i64]) -> RecordBatch {
    batch(codec, &timestamps.iter().map(|timestamp| (*timestamp, None)).collect::<Vec<_>>())
}

fn rules(before_max: i64, after_max: i64) -> Rules {
    Rules { keyed: false, window: Some(Window::around(1000, before_max, after_max)) }
}

/// The code, and the indexes of the records that are named.
fn outcome(rules: Rules, batch: &RecordBatch) -> (ErrorCode, Vec<i32>) {
    match rules.check(batch) {
        Ok(()) => (ErrorCode::NONE, Vec::new()),
        Err(rejected) => {
            let named = rejected.record_errors.iter().map(|error| error.batch_index).collect();
            (rejected.error_code, named)
        }
    }
}

#[test]
fn every_record_outside_of_the_window_is_named_compressed_or_not() {
    let cases: &[(&[i64], i64, i64, &[i32])] = &[
        (&[1000], 0, 0, &[]),
        (&[1001], 0, 0, &[0]),
        (&[1000, 10, 1000], 100, 100, &[1]),
        (&[1000, 1101, 10, 1200], 100, 100, &[1, 2, 3]),
        (&[1000, 900, 1100], 100, 100, &[]),
        (&[1000, 1101, 0], i64::MAX, 100, &[1]),
        (&[0, 1000, 0], i64::MAX, 100, &[]),
        (&[0, i64::MAX], i64::MAX, i64::MAX, &[]),
        (&[-1, -1], 0, 0, &[]),
    ];
    for codec in CODECS {
        for (timestamps, before_max, after_max, named) in cases {
            let code = if named.is_empty() { ErrorCode::NONE } else { ErrorCode::INVALID_TIMESTAMP };
            let found = outcome(rules(*before_max, *after_max), &at(codec, timestamps));
            assert_eq!(found, (code, named.to_vec()), "{codec:?} {timestamps:?} -{before_max} +{after_max}");
        }
    }
}

#[test]
fn a_record_without_a_key_is_named_and_a_bad_time_names_the_whole() {
    let keyed = |window| Rules { keyed: true, window };
    let near = Some(Window::around(1000, 100, 100));
    for codec in CODECS {
        let batch = batch(codec, &[(1000, Some(b"a")), (1000, None), (0, Some(b"")), (0, None)]);
        assert_eq!(outcome(keyed(None), &batch), (ErrorCode::INVALID_RECORD, vec![1, 3]), "{codec:?}");
        assert_eq!(outcome(keyed(near), &batch), (ErrorCode::INVALID_TIMESTAMP, vec![1, 2, 3]), "{codec:?}");
        let rejected = keyed(near).check(&batch).expect_err("refused");
        let messages: Vec<String> = rejected
            .record_errors
            .into_iter()
            .map(|error| error.batch_index_error_message.expect("a message").to_string())
            .collect();
        assert!(messages[0].contains("no key"), "{messages:?}");
        assert!(
            messages[1].starts_with("timestamp 0 is out of range, it must be from 900 to 1100"),
            "{messages:?}"
        );
        assert!(messages[2].contains("no key"), "the key comes first: {messages:?}");
        assert!(rejected.message.starts_with("3 of 4 records are refused; record 1: it has no key"));
    }
}

/// A body that nothing can open, under a header that says what the test wants.
fn closed(timestamp: i64) -> RecordBatch {
    let mut builder = BatchBuilder::new();
    builder.record(timestamp, None, Some(b"v"));
    builder
        .build_compressed(Compression::Zstd, |_| Ok::<_, Infallible>(Bytes::from_static(b"not zstd")))
        .expect("made")
}

#[test]
fn a_compressed_batch_is_opened_only_where_its_header_does_not_suffice() {
    let cases = [
        ("the server's own time", Rules { keyed: false, window: None }, 0, false),
        ("nothing is too old", rules(i64::MAX, 100), 1100, false),
        ("too late: which records?", rules(i64::MAX, 100), 1101, true),
        ("a record may be older than the first", rules(100, 100), 1000, true),
        ("keys are inside", Rules { keyed: true, window: None }, 0, true),
    ];
    for (case, rules, timestamp, opened) in cases {
        let code = if opened { ErrorCode::INVALID_RECORD } else { ErrorCode::NONE };
        assert_eq!(outcome(rules, &closed(timestamp)), (code, vec![]), "{case}");
    }
}

#[test]
fn the_header_is_held_to_the_window_too() {
    let mut forged = at(Compression::Gzip, &[1000]);
    forged.header.max_timestamp = 1101;
    assert_eq!(outcome(rules(i64::MAX, 100), &forged), (ErrorCode::INVALID_TIMESTAMP, vec![]));
    let mut stamped = at(Compression::None, &[1000, 10]);
    stamped.set_log_append_time(1000);
    let server_time = Rules { keyed: false, window: None };
    assert_eq!(outcome(server_time, &stamped), (ErrorCode::INVALID_TIMESTAMP, vec![]));
    assert_eq!(outcome(rules(0, 0), &stamped), (ErrorCode::NONE, vec![]), "all its records have that time");
}

#[test]
fn an_answer_names_so_many_records_and_no_more() {
    let many = vec![0; MAX_RECORD_ERRORS + 5];
    let rejected = rules(0, 0).check(&at(Compression::Gzip, &many)).expect_err("refused");
    assert_eq!(rejected.record_errors.len(), MAX_RECORD_ERRORS);
    assert!(rejected.message.starts_with(&format!("{0} of {0} records", many.len())), "{}", rejected.message);
}
