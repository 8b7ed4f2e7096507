//! Timestamps that a producer sets, and how far from the server's clock they may be (KIP-937).

use chronik_kafka::ErrorCode;
use chronik_kafka::record_batch::Compression;

use crate::support::Server;
use crate::support::batches::{TIME, batch_at, compressed, now_ms};
use crate::support::raw::Raw;

#[test]
fn timestamps_too_far_from_the_servers_clock_are_refused() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    let code = |client: &mut Raw, time| client.produce("orders", 0, batch_at(time, &["a"])).error_code;
    assert_eq!(
        code(&mut client, now_ms() + 2 * 3_600_000),
        ErrorCode::INVALID_TIMESTAMP,
        "an hour, by default"
    );
    assert_eq!(code(&mut client, TIME), ErrorCode::NONE, "it may be as old as it likes");
    client.set_topic_config("orders", "message.timestamp.before.max.ms", "60000");
    assert_eq!(code(&mut client, TIME), ErrorCode::INVALID_TIMESTAMP);
    assert_eq!(code(&mut client, now_ms()), ErrorCode::NONE);
    client.set_topic_config("orders", "message.timestamp.after.max.ms", "9223372036854775807");
    assert_eq!(code(&mut client, now_ms() + 2 * 3_600_000), ErrorCode::NONE);
    client.set_topic_config("orders", "message.timestamp.type", "LogAppendTime");
    assert_eq!(code(&mut client, TIME), ErrorCode::NONE, "the server sets the timestamps");
    assert_eq!(client.read_all("orders", 0).len(), 4);
}

/// KIP-467: which records, and why.
#[test]
fn the_records_whose_timestamps_are_refused_are_named_also_in_a_compressed_batch() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &["message.timestamp.before.max.ms=60000"]);
    let now = now_ms();
    for codec in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let refused =
            client.produce("orders", 0, compressed(codec, &[now, TIME, now, now + 2 * 3_600_000, now]));
        assert_eq!(
            (refused.error_code, refused.base_offset),
            (ErrorCode::INVALID_TIMESTAMP, -1),
            "{codec:?}"
        );
        let named: Vec<i32> = refused.record_errors.iter().map(|error| error.batch_index).collect();
        assert_eq!(named, [1, 3], "{codec:?}");
        let message = refused.record_errors[0].batch_index_error_message.as_deref().expect("a message");
        assert!(message.starts_with(&format!("timestamp {TIME} is out of range")), "{message}");
        let fine = client.produce("orders", 0, compressed(codec, &[now, now - 1000]));
        assert_eq!((fine.error_code, fine.record_errors.len()), (ErrorCode::NONE, 0), "{codec:?}");
    }
}
