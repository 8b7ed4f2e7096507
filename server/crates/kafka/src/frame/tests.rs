use super::*;
use crate::message::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};
use crate::message::{MetadataRequest, ProduceRequest, ProduceResponse};
use crate::sample::Source;
use crate::{ApiKey, EncodeProblem, Hole, Records, Segment, Str};

fn fetch_response(records: &Bytes) -> FetchResponse {
    fetch_response_of(&Records::Here(records.clone()))
}

fn fetch_response_of(records: &Records) -> FetchResponse {
    let partition = |index| PartitionData {
        partition_index: index,
        records: Some(records.clone()),
        ..PartitionData::default()
    };
    let topic = FetchableTopicResponse { partitions: vec![partition(0), partition(1)], ..Default::default() };
    FetchResponse { responses: vec![topic], ..FetchResponse::default() }
}

#[test]
fn large_records_of_a_fetch_leave_without_a_copy() {
    let records = Bytes::from(vec![7; 100_000]);
    let segments = response(1, 12, &fetch_response(&records)).unwrap();
    let is_shared =
        |segment: &&Segment| matches!(segment, Segment::Bytes(bytes) if bytes.as_ptr() == records.as_ptr());
    let shared = segments.as_slice().iter().filter(is_shared).count();
    assert_eq!((shared, segments.as_slice().len()), (2, 5));
}

#[test]
fn a_hole_is_where_the_bytes_would_be() {
    let records = Bytes::from(vec![7; 100_000]);
    let hole = Hole { id: 3, len: records.len() };
    for version in ApiKey::Fetch.versions().iter() {
        let whole = response(1, version, &fetch_response(&records)).unwrap();
        let holed = response(1, version, &fetch_response_of(&Records::Elsewhere(hole))).unwrap();
        assert_eq!(whole.total_len(), holed.total_len());
        let filled = holed.into_iter().map(|segment| match segment {
            Segment::Hole(found) if found == hole => Segment::Bytes(records.clone()),
            other => other,
        });
        assert!(whole.into_iter().eq(filled), "version {version}");
    }
}

#[test]
fn a_hole_cannot_be_copied() {
    let body = fetch_response_of(&Records::Elsewhere(Hole { id: 0, len: 5 }));
    let problem = message::to_bytes(&body, 12).unwrap_err().problem;
    assert_eq!(problem, EncodeProblem::NotHere { length: 5 });
}

#[test]
fn shared_and_copied_records_give_the_same_bytes() {
    for length in [0, 1, 100, 5_000, 70_000] {
        let body = fetch_response(&Bytes::from(vec![3; length]));
        for version in ApiKey::Fetch.versions().iter() {
            let shared = message::encode(&body, version).unwrap().into_bytes();
            assert_eq!(shared, message::to_bytes(&body, version).unwrap());
        }
    }
}

#[test]
fn records_of_a_produce_are_not_copied() {
    let mut source = Source::new(3);
    let mut request: ProduceRequest = message::sample(&mut source, 9);
    while request.topic_data.first().is_none_or(|topic| topic.partition_data.is_empty()) {
        request = message::sample(&mut source, 9);
    }
    request.topic_data[0].partition_data[0].records = Some(Bytes::from(vec![9; 4000]));
    let body = message::to_bytes(&request, 9).unwrap();
    let decoded: ProduceRequest = message::decode(&body, 9).unwrap();
    let records = decoded.topic_data[0].partition_data[0].records.as_ref().unwrap();
    assert!(body.as_ptr_range().contains(&records.as_ptr()));
}

#[test]
fn a_frame_states_its_length() {
    let mut input = BytesMut::new();
    let body = fetch_response(&Bytes::from(vec![1; 9000]));
    response(5, 11, &body).unwrap().into_buffers().for_each(|buffer| input.extend_from_slice(&buffer));
    let mut frame = split(&mut input, 1 << 20).unwrap().unwrap();
    assert!(input.is_empty());
    let header = ResponseHeader::decode(&mut frame, ApiKey::Fetch, 11).unwrap();
    assert_eq!(header.correlation_id, 5);
    assert_eq!(message::decode::<FetchResponse>(&frame, 11), Ok(body));
}

#[test]
fn a_request_is_framed_with_its_header() {
    let header = RequestHeader {
        api: ApiKey::Metadata,
        version: 12,
        correlation_id: 4,
        client_id: Some(Str::from("chronik")),
    };
    let mut input = BytesMut::from(&request(&header, &MetadataRequest::default()).unwrap().into_bytes()[..]);
    let mut frame = split(&mut input, 100).unwrap().unwrap();
    assert_eq!(RequestHeader::decode(&mut frame), Ok(header));
    assert_eq!(message::decode(&frame, 12), Ok(MetadataRequest::default()));
}

#[test]
fn partial_frames_wait_and_bad_lengths_are_refused() {
    let mut input = BytesMut::from(&[0, 0, 0, 3, b'a', b'b'][..]);
    assert_eq!(split(&mut input, 3), Ok(None));
    input.extend_from_slice(b"cd");
    assert_eq!(split(&mut input, 3), Ok(Some(Bytes::from_static(b"abc"))));
    assert_eq!(split(&mut input, 3), Ok(None));
    assert_eq!(length([0xff; 4], 100), Err(FrameError::Negative { length: -1 }));
    assert_eq!(length([0, 0, 0, 101], 100), Err(FrameError::OverLimit { length: 101, limit: 100 }));
}

#[test]
fn what_a_version_cannot_say_is_an_error_that_names_the_field() {
    let error = message::encode(&MetadataRequest { topics: None, ..Default::default() }, 0).unwrap_err();
    assert_eq!((error.field, error.problem), ("MetadataRequest.topics", EncodeProblem::Null));
    let long = ProduceRequest { transactional_id: Some("x".repeat(40_000).into()), ..Default::default() };
    let error = message::encode(&long, 8).unwrap_err();
    assert_eq!(error.field, "ProduceRequest.transactional_id");
    assert_eq!(error.problem, EncodeProblem::TooLong { length: 40_000 });
    assert!(message::encode(&long, 9).is_ok(), "compact lengths have room");
    let error = response(1, 14, &ProduceResponse::default()).unwrap_err();
    assert_eq!(error.problem, EncodeProblem::UnsupportedVersion { api: ApiKey::Produce, version: 14 });
}
