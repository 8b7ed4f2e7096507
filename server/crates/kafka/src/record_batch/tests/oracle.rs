//! The same records through `kafka-protocol`, both ways.

use super::*;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression as TheirCompression, Record as TheirRecord, RecordBatchDecoder, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType as TheirTimestampType,
};

fn theirs(input: &[OwnedRecord]) -> Vec<TheirRecord> {
    let records = input.iter().enumerate().map(|(index, (timestamp, key, value, headers))| TheirRecord {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 3,
        producer_id: 7,
        producer_epoch: 2,
        timestamp_type: TheirTimestampType::Creation,
        offset: 100 + i64::try_from(index).unwrap(),
        sequence: 40 + i32::try_from(index).unwrap(),
        timestamp: *timestamp,
        key: key.clone().map(Bytes::from),
        value: value.clone().map(Bytes::from),
        headers: headers
            .iter()
            .map(|(key, value)| (StrBytes::from_string(key.clone()), value.clone().map(Bytes::from)))
            .collect::<IndexMap<_, _>>(),
    });
    records.collect()
}

/// The oracle keeps headers in a map: keep only inputs that a map can hold, with the first timestamp the lowest,
/// from which it counts.
fn comparable() -> impl Strategy<Value = Vec<OwnedRecord>> {
    records().prop_map(|mut input| {
        input.sort_by_key(|record| record.0);
        for (_, _, _, headers) in &mut input {
            headers.sort();
            headers.dedup_by(|a, b| a.0 == b.0);
        }
        input
    })
}

proptest! {
    #[test]
    fn same_bytes_as_the_oracle(input in comparable()) {
        let mut ours = build(&input).to_bytes();
        let mut encoded = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: TheirCompression::None };
        let records = theirs(&input);
        RecordBatchEncoder::encode(&mut encoded, &records, &options).unwrap();
        prop_assert_eq!(&ours, &encoded.freeze());
        let decoded = RecordBatchDecoder::decode(&mut ours).unwrap();
        prop_assert_eq!(decoded.records, records);
    }
}
