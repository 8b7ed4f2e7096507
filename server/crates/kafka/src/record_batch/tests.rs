use super::*;
use crate::ErrorCode;
use proptest::collection::vec;
use proptest::prelude::*;

type OwnedRecord = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn build(records: &[OwnedRecord]) -> RecordBatch {
    let mut builder = BatchBuilder::new().producer(7, 2, 40).base_offset(100).leader_epoch(3);
    for (timestamp, key, value, headers) in records {
        let headers: Vec<_> = headers.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
        builder.record_with_headers(*timestamp, key.as_deref(), value.as_deref(), &headers);
    }
    builder.build()
}

fn small() -> RecordBatch {
    let mut builder = BatchBuilder::new();
    builder.record(1_000, Some(b"key"), Some(b"value")).record(1_005, None, None);
    builder.build()
}

fn records() -> impl Strategy<Value = Vec<OwnedRecord>> {
    let bytes = || proptest::option::of(vec(any::<u8>(), 0..40));
    let headers = vec(("[a-z]{0,9}", bytes()), 0..4);
    vec((0i64..1 << 42, bytes(), bytes(), headers), 1..12)
}

proptest! {
    #[test]
    fn records_come_back(input in records()) {
        let batch = build(&input);
        prop_assert_eq!(batch.validate(), Ok(()));
        let base = batch.header.base_timestamp;
        let found: Vec<OwnedRecord> = batch.records().unwrap().map(|record| {
            let record = record.unwrap();
            let headers = record.headers
                .map(|header| (String::from_utf8(header.key.to_vec()).unwrap(), header.value.map(<[u8]>::to_vec)))
                .collect();
            let (key, value) = (record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec));
            (base + record.timestamp_delta, key, value, headers)
        }).collect();
        prop_assert_eq!(found, input);
    }

    #[test]
    fn read_takes_exactly_one_batch(first in records(), second in records()) {
        let (first, second) = (build(&first), build(&second));
        let mut input = Bytes::from([first.to_bytes(), second.to_bytes()].concat());
        prop_assert_eq!(RecordBatch::read(&mut input), Ok(first));
        prop_assert_eq!(RecordBatch::read(&mut input), Ok(second));
        prop_assert!(input.is_empty());
    }

    #[test]
    fn log_append_time_keeps_the_crc_true(input in records(), now_ms in 0i64..1 << 42) {
        let mut batch = build(&input);
        let body = batch.body.clone();
        batch.set_log_append_time(now_ms);
        prop_assert_eq!(batch.header.timestamp_type(), TimestampType::LogAppendTime);
        prop_assert_eq!(batch.header.max_timestamp, now_ms);
        prop_assert_eq!(batch.body.as_ptr(), body.as_ptr());
        prop_assert_eq!(batch.validate(), Ok(()));
    }

    #[test]
    fn arbitrary_bodies_never_panic(body in vec(any::<u8>(), 0..200), count in any::<i32>()) {
        for record in Records::new(&body, count).flatten() {
            record.headers.for_each(drop);
        }
    }
}

#[test]
fn every_single_bit_flip_is_detected() {
    let bytes = small().to_bytes();
    for bit in 0..bytes.len() * 8 {
        // base_offset and partition_leader_epoch are rewritten by the broker and not covered by the CRC.
        if matches!(bit / 8, 0..8 | 12..16) {
            continue;
        }
        let mut damaged = bytes.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let mut input = Bytes::from(damaged);
        let verdict = RecordBatch::read(&mut input).and_then(|batch| batch.check_stored());
        assert!(verdict.is_err(), "flipped bit {bit} went unnoticed");
    }
}

#[test]
fn damage_before_log_append_time_stays_detectable() {
    let mut batch = small();
    let mut body = batch.body.to_vec();
    body[3] ^= 0x40;
    batch.body = body.into();
    batch.set_log_append_time(5);
    assert!(matches!(batch.check_crc(), Err(BatchError::Crc { .. })));
}

#[test]
fn body_is_borrowed_not_copied() {
    let bytes = small().to_bytes();
    let batch = RecordBatch::read(&mut bytes.clone()).unwrap();
    assert_eq!(batch.body.as_ptr(), bytes[HEADER_LEN..].as_ptr());
}

#[test]
fn assigning_an_offset_keeps_the_batch_valid() {
    let mut batch = small();
    batch.assign(1 << 40, 9);
    assert_eq!(batch.validate(), Ok(()));
    assert_eq!((batch.header.last_offset(), batch.header.next_offset()), ((1 << 40) + 1, (1 << 40) + 2));
}

#[test]
fn sequences_wrap_to_zero() {
    let mut header = small().header;
    for (base_sequence, last_offset_delta, last) in
        [(-1, 5, -1), (0, 0, 0), (i32::MAX, 0, i32::MAX), (i32::MAX, 1, 0), (i32::MAX - 1, 4, 2)]
    {
        header.base_sequence = base_sequence;
        header.last_offset_delta = last_offset_delta;
        assert_eq!(header.last_sequence(), last);
    }
}

/// A change to an otherwise valid batch, with the CRC made right again.
fn reason_against(change: impl FnOnce(&mut RecordBatch)) -> BatchError {
    let mut batch = small();
    change(&mut batch);
    batch.header.crc = crc32c::crc32c_append(batch.header.crc_of_covered_fields(), &batch.body);
    batch.validate().expect_err("the change must be refused")
}

#[test]
fn fields_out_of_range_are_named() {
    let bad = |field, value| BatchError::BadField { field, value };
    assert_eq!(reason_against(|b| b.header.record_count = 0), bad("record_count", 0));
    assert_eq!(reason_against(|b| b.header.last_offset_delta = -2), bad("last_offset_delta", -2));
    assert_eq!(reason_against(|b| b.header.base_offset = -1), bad("base_offset", -1));
    assert_eq!(reason_against(|b| b.header.producer_id = 4), bad("producer_epoch", -1));
    assert_eq!(reason_against(|b| b.header.attributes = 6), BatchError::UnknownCodec { codec: 6 });
    assert_eq!(reason_against(|b| b.header.magic = 1), BatchError::UnsupportedMagic { magic: 1 });
    assert_eq!(
        reason_against(|b| b.header.record_count = 3),
        BatchError::CountMismatch { record_count: 3, last_offset_delta: 1 }
    );
    assert!(matches!(reason_against(|b| b.header.batch_length += 1), BatchError::LengthMismatch { .. }));
}

#[test]
fn records_that_contradict_the_header_are_named() {
    let claim = |count: i32| {
        reason_against(|b| {
            b.header.record_count = count;
            b.header.last_offset_delta = count - 1;
        })
    };
    let problem = RecordProblem::Truncated { field: "record length" };
    assert_eq!(claim(3), BatchError::Record { index: 2, problem });
    assert!(matches!(
        claim(1),
        BatchError::Record { index: 1, problem: RecordProblem::Trailing { of: "last record", .. } }
    ));
}

#[test]
fn a_gap_in_the_offsets_is_refused() {
    // The offset delta of the first record stands behind length, attributes and timestamp delta.
    let error = reason_against(|b| {
        let mut body = b.body.to_vec();
        body[3] = 4;
        b.body = body.into();
    });
    let problem = RecordProblem::OffsetDelta { found: 2 };
    assert_eq!(error, BatchError::Record { index: 0, problem });
}

#[test]
fn old_message_sets_are_named_even_when_short() {
    let mut old = vec![0; 30];
    old[16] = 1;
    assert_eq!(BatchHeader::parse(&old), Err(BatchError::UnsupportedMagic { magic: 1 }));
    assert_eq!(BatchHeader::parse(&old[..12]), Err(BatchError::Truncated { needed: 61, available: 12 }));
}

#[test]
fn lengths_outside_the_input_are_refused_and_leave_it_alone() {
    let bytes = small().to_bytes();
    let mut short = bytes.slice(..bytes.len() - 1);
    let error = RecordBatch::read(&mut short).unwrap_err();
    assert_eq!(error, BatchError::Truncated { needed: bytes.len(), available: bytes.len() - 1 });
    assert_eq!(short.len(), bytes.len() - 1);
    for batch_length in [i32::MIN, -1, 0, 48] {
        let mut header = small().header;
        header.batch_length = batch_length;
        assert_eq!(BatchHeader::parse(&header.encode()), Err(BatchError::BadLength { batch_length }));
    }
}

#[test]
fn a_transaction_marker_is_recognised() {
    let marker = ControlRecord { version: 0, kind: ControlType::Commit };
    let batch = BatchBuilder::new().producer(9, 1, -1).end_transaction(77, marker, 4).build();
    assert!(batch.header.is_control() && batch.header.is_transactional());
    assert_eq!(batch.check_stored(), Ok(()));
    let record = batch.records().unwrap().next().unwrap().unwrap();
    assert_eq!(record.control(), Some(marker));
    assert_eq!(record.value, Some(&[0, 0, 0, 0, 0, 4][..]));
}

#[test]
fn a_compressed_body_is_not_looked_into() {
    let mut builder = BatchBuilder::new();
    builder.record(1, None, Some(b"x"));
    let batch = builder
        .build_compressed(Compression::Zstd, |_| Ok::<_, std::convert::Infallible>(Bytes::from_static(b"zz")))
        .unwrap();
    assert_eq!(batch.validate(), Ok(()));
    assert_eq!(batch.records().err(), Some(BatchError::Compressed { codec: Compression::Zstd }));
}

#[test]
fn every_record_is_seen_compressed_or_not_within_the_limit() {
    let codecs =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for codec in codecs {
        let batch = |keys: &[Option<&[u8]>]| {
            let mut builder = BatchBuilder::new();
            for key in keys {
                builder.record(1, *key, Some(&[0; 1000]));
            }
            let compress = |plain: &[u8]| crate::compression::compress(codec, plain).map(Bytes::from);
            builder.build_compressed(codec, compress).unwrap()
        };
        let mut seen = Vec::new();
        let look = |index, record: &Record<'_>| seen.push((index, record.key.map(<[u8]>::to_vec)));
        assert_eq!(batch(&[Some(b"a"), None]).validate_each(3000, look), Ok(()), "{codec:?}");
        assert_eq!(seen, [(0, Some(b"a".to_vec())), (1, None)], "{codec:?}");
        if codec != Compression::None {
            let refused = batch(&[Some(b"a"), Some(b"b")]).validate_each(2000, |_, _| ()).unwrap_err();
            assert_eq!(refused.error_code(), ErrorCode::MESSAGE_TOO_LARGE, "{codec:?}");
        }
    }
}

/// As a producer that is out of step with its own header sends it: nobody looks before the records are wanted.
#[test]
fn a_compressed_batch_whose_records_contradict_its_header_is_named_once_it_is_opened() {
    let mut builder = BatchBuilder::new();
    builder.record(1, None, Some(b"x"));
    let compress = |plain: &[u8]| crate::compression::compress(Compression::Gzip, plain).map(Bytes::from);
    let mut batch = builder.build_compressed(Compression::Gzip, compress).unwrap();
    batch.header.record_count = 2;
    batch.header.last_offset_delta = 1;
    let batch = RecordBatch::seal(batch.header, batch.body);
    assert_eq!(batch.validate(), Ok(()));
    let problem = RecordProblem::Truncated { field: "record length" };
    assert_eq!(batch.validate_each(1000, |_, _| ()), Err(BatchError::Record { index: 1, problem }));
}

#[test]
fn a_delete_horizon_is_the_base_timestamp() {
    let mut batch = small();
    assert_eq!(batch.header.delete_horizon_ms(), None);
    batch.header.set_delete_horizon(77);
    let sealed = RecordBatch::seal(batch.header, batch.body);
    assert_eq!((sealed.check_stored(), sealed.header.delete_horizon_ms()), (Ok(()), Some(77)));
}

mod oracle;
