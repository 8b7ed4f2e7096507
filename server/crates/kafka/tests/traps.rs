//! Mistakes that broke real brokers, one test each.
#![cfg(not(any(loom, shuttle)))]

use bytes::{Bytes, BytesMut};
use chronik_kafka::message::{
    self, ApiVersionsResponse, CreateTopicsRequest, FetchRequest, ListOffsetsRequest, Message,
    MetadataRequest, ProduceRequest, RequestBody,
};
use chronik_kafka::{ApiKey, DecodeProblem, ErrorCode, RequestHeader, ResponseHeader, frame};

fn body_of_response(segments: chronik_kafka::Segments, api: ApiKey, version: i16) -> Bytes {
    let mut input = BytesMut::from(&segments.into_bytes()[..]);
    let mut frame = frame::split(&mut input, usize::MAX).unwrap().unwrap();
    ResponseHeader::decode(&mut frame, api, version).unwrap();
    frame
}

/// KAFKA-18659, librdkafka#4956.
#[test]
fn produce_is_advertised_from_version_0_so_that_librdkafka_keeps_compression() {
    let response = ApiVersionsResponse::advertise(ApiKey::ALL.iter().copied());
    let produce = response.api_keys.iter().find(|row| row.api_key == 0).unwrap();
    assert_eq!((produce.min_version, produce.max_version), (0, 13));
    let refused = message::decode::<ProduceRequest>(&Bytes::new(), 2).unwrap_err();
    let problem = DecodeProblem::UnsupportedVersion { api: ApiKey::Produce, version: 2 };
    assert_eq!(refused.problem(), &problem);
}

/// KIP-511: a client asks in a version of the future; its header must be readable, and the answer too.
#[test]
fn an_unknown_api_versions_version_is_answered_in_version_0_with_the_key_list() {
    let mut request = Bytes::from_static(&[0, 18, 0, 127, 0, 0, 0, 9, 0, 2, b'm', b'e', 0, 2, b'x']);
    let header = RequestHeader::decode(&mut request).unwrap();
    assert_eq!((header.api, header.version, header.correlation_id), (ApiKey::ApiVersions, 127, 9));
    assert!(!ApiKey::ApiVersions.versions().contains(header.version));

    let answer = ApiVersionsResponse::unsupported_version(ApiKey::ALL.iter().copied());
    let sent = frame::response(header.correlation_id, 0, &answer).unwrap().into_bytes();
    // Length, correlation id, error 35, a four-byte count: no tagged fields anywhere.
    assert_eq!(sent[4..10], [0, 0, 0, 9, 0, 35]);
    assert_eq!(sent.len(), 4 + 4 + 2 + 4 + 6 * ApiKey::ALL.len());
    let body = sent.slice(8..);
    let read: ApiVersionsResponse = message::decode(&body, 0).unwrap();
    assert_eq!(read.error_code, ErrorCode::UNSUPPORTED_VERSION);
    assert_eq!(read.api_keys.len(), ApiKey::ALL.len());
}

/// The client cannot know yet whether the broker speaks flexible headers.
#[test]
fn an_api_versions_response_has_a_version_0_header_in_every_version() {
    for version in ApiKey::ApiVersions.versions().iter() {
        let sent = frame::response(1, version, &ApiVersionsResponse::default()).unwrap().into_bytes();
        // Correlation id, then at once the error code: no tag section between.
        assert_eq!(sent[4..10], [0, 0, 0, 1, 0, 0]);
    }
}

/// First flexible versions as in Kafka's schemas, written down by hand beside the table.
#[test]
fn flexible_versions_begin_where_kafka_says() {
    let first_flexible = [
        (ApiKey::Produce, 9),
        (ApiKey::Fetch, 12),
        (ApiKey::ListOffsets, 6),
        (ApiKey::Metadata, 9),
        (ApiKey::FindCoordinator, 3),
        (ApiKey::ApiVersions, 3),
        (ApiKey::CreateTopics, 5),
        (ApiKey::DeleteTopics, 4),
        (ApiKey::InitProducerId, 2),
        (ApiKey::OffsetForLeaderEpoch, 4),
    ];
    for (api, version) in first_flexible {
        assert_eq!((api.request_header_version(version - 1), api.request_header_version(version)), (1, 2));
        assert!(!api.is_flexible(version - 1) && api.is_flexible(version), "{api:?}");
    }
}

/// The client id keeps its two-byte length in the flexible header (KIP-482).
#[test]
fn the_client_id_is_never_compact() {
    let mut frame = Bytes::from_static(&[0, 3, 0, 12, 0, 0, 0, 1, 0, 1, b'c', 0, 0, 1, 0, 0]);
    let header = RequestHeader::decode(&mut frame).unwrap();
    assert_eq!(header.client_id.as_deref(), Some("c"));
    let request: MetadataRequest = message::decode(&frame, 12).unwrap();
    assert_eq!(request.topics, None);
}

/// A null array where the schema has none used to crash brokers.
#[test]
fn a_null_array_of_create_topics_is_an_error_that_names_the_field() {
    for (version, body) in [(4, &[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0][..]), (7, &[0, 0, 0, 0, 0, 0, 0])] {
        let error = message::decode::<CreateTopicsRequest>(&Bytes::from_static(body), version).unwrap_err();
        assert_eq!((error.problem(), error.field().as_str()), (&DecodeProblem::Null, "topics"));
    }
}

/// Version 0 has no null: an empty list means all topics there, and none at all from version 1 on.
#[test]
fn metadata_for_all_topics_is_empty_in_version_0_and_null_later() {
    let all = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(message::decode::<MetadataRequest>(&all, 1).unwrap().topics, None);
    assert_eq!(message::decode::<MetadataRequest>(&all, 0).unwrap_err().problem(), &DecodeProblem::Null);
    let empty = Bytes::from_static(&[0; 4]);
    assert_eq!(message::decode::<MetadataRequest>(&empty, 0).unwrap().topics, Some(Vec::new()));
}

/// Special timestamps are values like any other to the codec: they must survive it.
#[test]
fn list_offsets_keeps_negative_timestamps() {
    for timestamp in [-1, -2, -3, -4, -5] {
        let mut request = ListOffsetsRequest::default();
        let partition = message::list_offsets::ListOffsetsPartition { timestamp, ..Default::default() };
        let topic =
            message::list_offsets::ListOffsetsTopic { partitions: vec![partition], ..Default::default() };
        request.topics.push(topic);
        for version in ApiKey::ListOffsets.versions().iter() {
            let bytes = message::to_bytes(&request, version).unwrap();
            assert_eq!(message::decode::<ListOffsetsRequest>(&bytes, version).as_ref(), Ok(&request));
        }
    }
}

fn error_of<M: Message + std::fmt::Debug>(
    version: i16,
    body: &'static [u8],
) -> (String, DecodeProblem, usize) {
    let error = message::decode::<M>(&Bytes::from_static(body), version).unwrap_err();
    (error.field(), error.problem().clone(), error.at())
}

#[test]
fn a_count_beyond_the_frame_is_refused_before_anything_is_allocated() {
    let (field, problem, at) = error_of::<MetadataRequest>(1, &[0x7f, 0xff, 0xff, 0xff]);
    let count = usize::try_from(i32::MAX).unwrap();
    assert_eq!((field.as_str(), at), ("topics", 4));
    assert_eq!(problem, DecodeProblem::TooMany { count, min_size: 2, left: 0 });
}

#[test]
fn every_kind_of_bad_length_is_told_apart() {
    let negative = error_of::<MetadataRequest>(1, &[0xff, 0xff, 0xff, 0xfe]).1;
    assert_eq!(negative, DecodeProblem::NegativeLength { length: -2 });
    let overflow = error_of::<MetadataRequest>(9, &[0xff, 0xff, 0xff, 0xff, 0xff]).1;
    assert_eq!(overflow, DecodeProblem::VarintOverflow);
    let truncated = error_of::<MetadataRequest>(1, &[0, 0]);
    assert_eq!(truncated, ("topics".into(), DecodeProblem::Truncated { needed: 4, left: 2 }, 0));
    let trailing = error_of::<MetadataRequest>(1, &[0, 0, 0, 0, 9]).1;
    assert_eq!(trailing, DecodeProblem::Trailing { left: 1 });
}

/// librdkafka 2.x writes a compact null array in four bytes, and so sends three more than the request has
/// (`rd_kafka_MetadataRequest0`, "keep 0"); Kafka does not mind.
#[test]
fn bytes_behind_a_request_are_ignored() {
    let body = Bytes::from_static(&[0, 0, 0, 0, 1, 0, 0]);
    let RequestBody::Metadata(request) = RequestBody::decode(ApiKey::Metadata, 12, &body).unwrap() else {
        panic!("another request")
    };
    assert_eq!(request.topics, None, "all topics");
}

/// What is taken from a compact string is later written into records whose strings have 15 bits of length.
#[test]
fn a_compact_string_is_no_longer_than_any_other() {
    use chronik_kafka::message::HeartbeatRequest;

    let decoded = |length: usize| {
        let request = HeartbeatRequest { group_id: "g".repeat(length).into(), ..Default::default() };
        message::decode::<HeartbeatRequest>(&message::to_bytes(&request, 4).unwrap(), 4)
    };
    assert_eq!(decoded(32_767).unwrap().group_id.len(), 32_767);
    assert_eq!(decoded(32_768).unwrap_err().problem(), &DecodeProblem::StringTooLong { length: 32_768 });
}

#[test]
fn the_path_to_a_bad_string_is_named() {
    let (field, problem, _) = error_of::<MetadataRequest>(1, &[0, 0, 0, 1, 0, 3, b'a', 0xff, b'b']);
    assert_eq!((field.as_str(), problem), ("topics.name", DecodeProblem::Utf8 { valid_up_to: 1 }));
}

#[test]
fn a_tagged_field_must_use_exactly_its_size() {
    // Fetch 12: the fixed fields, empty arrays and rack, one tag: cluster_id "a", but three bytes long.
    let mut body = vec![0; 25];
    body.extend_from_slice(&[1, 1, 1, 1, 0, 3, 2, b'a', 0]);
    let error = message::decode::<FetchRequest>(&Bytes::from(body), 12).unwrap_err();
    assert_eq!(error.problem(), &DecodeProblem::TaggedFieldSize { tag: 0, left: 1 });
}

#[test]
fn an_api_that_is_not_served_is_named_by_its_key() {
    let mut frame = Bytes::from_static(&[0x03, 0xe7, 0, 4, 0, 0, 0, 1, 0xff, 0xff]);
    let error = RequestHeader::decode(&mut frame).unwrap_err();
    assert_eq!(error.problem(), &DecodeProblem::UnknownApi { key: 999, version: 4 });
}

/// Any prefix of any valid request is an error, never a panic and never accepted as whole.
#[test]
fn every_truncation_of_a_request_is_refused() {
    let mut source = chronik_kafka::sample::Source::new(11);
    for version in ApiKey::Fetch.versions().iter() {
        let request: FetchRequest = message::sample(&mut source, version);
        let bytes = message::to_bytes(&request, version).unwrap();
        for length in 0..bytes.len() {
            let cut = bytes.slice(..length);
            assert!(RequestBody::decode(ApiKey::Fetch, version, &cut).is_err(), "v{version}, {length}");
        }
    }
}

#[test]
fn a_response_round_trips_through_its_frame() {
    let answer = ApiVersionsResponse::advertise([ApiKey::Fetch, ApiKey::Metadata]);
    for version in ApiKey::ApiVersions.versions().iter() {
        let segments = frame::response(3, version, &answer).unwrap();
        let body = body_of_response(segments, ApiKey::ApiVersions, version);
        assert_eq!(message::decode::<ApiVersionsResponse>(&body, version).as_ref(), Ok(&answer));
    }
}
