//! Frames that are none, and requests that nobody understands: the connection ends, one log line says why, everybody else is served.

use chronik_kafka::message::ProduceRequest;
use chronik_kafka::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use chronik_kafka::message::metadata::MetadataRequest;
use chronik_kafka::{ApiKey, ErrorCode, ResponseHeader, message};

use crate::support::raw::Raw;
use crate::support::requests::{ALL, PRODUCE, assert_serves, produce_request};
use crate::support::{Server, batches};

/// What the log says when the client has gone in the middle of a frame.
const CUT: &str = "in the middle of a frame";

/// Sends `bytes` and nothing more, and asserts that the connection ends with one log line that has `reason` in it.
fn assert_refused(server: &Server, bytes: &[u8], reason: &str) {
    let mut client = Raw::connect(server);
    client.write(bytes);
    if reason == CUT {
        client.finish_writing();
    }
    client.expect_hung_up();
    let lines = server.logged(&client.address().to_string());
    assert_eq!(lines.len(), 1, "one line: {lines:#?}");
    assert!(lines[0].contains(reason), "{reason:?} is not in {}", lines[0]);
    assert_serves(server);
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len()).expect("short");
    [&length.to_be_bytes(), body].concat()
}

/// A frame with an API key, a version, correlation id 7, no client id, and a body.
fn request(api_key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let header =
        [&api_key.to_be_bytes()[..], &version.to_be_bytes(), &7i32.to_be_bytes(), &(-1i16).to_be_bytes()];
    framed(&[&header.concat(), body].concat())
}

#[test]
fn a_frame_over_the_limit_is_refused_before_it_is_read() {
    let server = Server::with(&["socket.request.max.bytes=2000"]);
    assert_refused(&server, &2001i32.to_be_bytes(), "frame of 2001 bytes is over the limit of 2000");
}

#[test]
fn a_negative_length_is_refused() {
    let server = Server::start();
    assert_refused(&server, &(-1i32).to_be_bytes(), "frame length is -1");
    assert_refused(&server, &i32::MIN.to_be_bytes(), "frame length is -2147483648");
}

#[test]
fn a_frame_cut_off_anywhere_is_dropped() {
    let server = Server::start();
    let whole = request(ApiKey::Metadata.code(), 1, &[0, 0, 0, 0]);
    for length in 1..whole.len() {
        assert_refused(&server, &whole[..length], CUT);
    }
}

#[test]
fn an_empty_frame_is_refused() {
    assert_refused(&Server::start(), &framed(&[]), "request_api_key");
}

#[test]
fn an_array_that_claims_more_than_its_frame_holds_is_refused() {
    let server = Server::start();
    for claim in [i32::MAX, 1_000_000, 2] {
        let frame = request(ApiKey::Metadata.code(), 1, &claim.to_be_bytes());
        assert_refused(&server, &frame, "bad request: ");
    }
    // The same in the compact form of flexible versions: a varint of 2^32 - 1, behind the header's tagged fields.
    let frame = request(ApiKey::Metadata.code(), 9, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert_refused(&server, &frame, "bad request: ");
}

#[test]
fn bytes_behind_a_request_are_ignored_as_by_kafka() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.write(&request(ApiKey::Metadata.code(), 1, &[0, 0, 0, 0, 99]));
    assert!(client.frame().is_some());
}

#[test]
fn an_unknown_api_is_refused() {
    let server = Server::start();
    for key in [-1, 999, i16::MAX] {
        assert_refused(&server, &request(key, 0, &[]), &key.to_string());
    }
}

#[test]
fn a_version_that_is_not_served_is_refused() {
    let server = Server::start();
    for (api, version) in
        [(ApiKey::Produce, 2), (ApiKey::Fetch, 3), (ApiKey::Metadata, 99), (ApiKey::Metadata, -1)]
    {
        let frame = request(api.code(), version, &[0; 8]);
        assert_refused(&server, &frame, &format!("{api:?} has no version {version}"));
    }
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0_with_what_there_is() {
    let server = Server::start();
    for version in [ApiKey::ApiVersions.versions().max + 1, 99, i16::MAX] {
        let mut client = Raw::connect(&server);
        // The header's tagged fields are none; of the body nothing is known.
        client.write(&request(ApiKey::ApiVersions.code(), version, b"\0whatever a later version has"));
        let mut frame = client.frame().expect("an answer");
        assert_eq!(
            ResponseHeader::decode(&mut frame, ApiKey::ApiVersions, 0).expect("a header").correlation_id,
            7
        );
        let answer: ApiVersionsResponse = message::decode(&frame, 0).expect("version 0");
        assert_eq!(answer.error_code, ErrorCode::UNSUPPORTED_VERSION);
        assert!(answer.api_keys.iter().any(|api| api.api_key == ApiKey::ApiVersions.code()));

        // The connection goes on (KIP-511).
        let request = ApiVersionsRequest {
            client_software_name: "raw".into(),
            client_software_version: "1".into(),
            ..Default::default()
        };
        assert_eq!(client.ask(3, &request).error_code, ErrorCode::NONE);
    }
}

#[test]
fn produce_is_advertised_from_version_0_and_served_from_3() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    let answer = client.ask(0, &ApiVersionsRequest::default());
    let produce = answer.api_keys.iter().find(|api| api.api_key == ApiKey::Produce.code()).expect("served");
    assert_eq!(produce.min_version, 0, "or librdkafka leaves gzip, snappy and lz4 out (KAFKA-18659)");
}

#[test]
fn what_is_advertised_is_served() {
    let server = Server::start();
    let answer = Raw::connect(&server).ask(0, &ApiVersionsRequest::default());
    for api in answer.api_keys {
        let key = ApiKey::from_code(api.api_key).expect("known");
        assert_eq!(api.max_version, key.versions().max, "{key:?}");
    }
}

#[test]
fn requests_before_a_bad_one_are_answered() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    let mut bytes = Vec::new();
    let mut sent = Vec::new();
    for number in 0..5 {
        let batch = batches::batch(&[&number.to_string()]);
        let (answer, frame) =
            client.encode::<ProduceRequest>(PRODUCE, &produce_request("orders", 0, ALL, batch));
        sent.push(answer);
        bytes.extend_from_slice(&frame);
    }
    bytes.extend_from_slice(&(-1i32).to_be_bytes());
    client.write(&bytes);
    for sent in sent {
        assert_eq!(client.receive(sent).responses[0].partition_responses[0].error_code, ErrorCode::NONE);
    }
    client.expect_hung_up();
}

#[test]
fn a_request_in_single_bytes_is_one_request() {
    let server = Server::start();
    let mut client = Raw::connect(&server);
    let (sent, bytes) = client.encode(1, &MetadataRequest { topics: None, ..Default::default() });
    for byte in &bytes {
        client.write(&[*byte]);
    }
    assert_eq!(client.receive(sent).brokers.len(), 1);
}
