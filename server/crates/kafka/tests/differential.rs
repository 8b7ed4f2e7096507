//! Every API in every served version against `kafka-protocol`, an independent implementation of the same schemas.
//!
//! The pairs come from the served table itself, so a new API or version is compared without anyone remembering to.
//! `CHRONIK_DIFFERENTIAL_SAMPLES` sets the number of messages per pair and direction.
#![cfg(not(any(loom, shuttle)))]

mod debug_tree;
mod vectors;

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use chronik_kafka::message::{self, Message};
use chronik_kafka::sample::Source;
use chronik_kafka::{ApiKey, with_apis};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable, Message as _, VersionRange};

use debug_tree::Tree;
use vectors::Vectors;

/// Fields of versions that the oracle does not have yet: its structs lack them, and older versions do not send them.
const NEWER_FIELDS: &[&str] =
    &["ack_when_committed", "cluster_id", "error_message", "is_cordoned", "node_id"];

fn samples_per_pair() -> u64 {
    std::env::var("CHRONIK_DIFFERENTIAL_SAMPLES").ok().and_then(|text| text.parse().ok()).unwrap_or(150)
}

fn encoded_by_oracle(message: &impl Encodable, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out, version).expect("the oracle encodes what it decoded");
    assert_eq!(out.len(), message.compute_size(version).unwrap());
    out.freeze()
}

/// One value, ours first: our bytes, its value, its bytes, our value again, our bytes again.
fn compare_one<O: Message + PartialEq + Debug, T: Encodable + Decodable + Debug>(ours: &O, version: i16) {
    let bytes = message::to_bytes(ours, version).expect("a sample can be expressed");
    let mut input = bytes.clone();
    let theirs = T::decode(&mut input, version).unwrap_or_else(|error| panic!("{error} in {ours:?}"));
    assert!(input.is_empty(), "the oracle left {} bytes of {ours:?}", input.len());
    // Same bytes could still mean two fields of one type swapped: compare field by field, by name.
    let their_tree = Tree::parse(&format!("{theirs:?}"));
    let our_tree = Tree::parse(&format!("{ours:?}")).without_fields_unknown_to(&their_tree, NEWER_FIELDS);
    assert_eq!(our_tree, their_tree);
    let their_bytes = encoded_by_oracle(&theirs, version);
    assert_eq!(bytes, their_bytes);
    let back: O = message::decode(&their_bytes, version).expect("we decode what the oracle encodes");
    assert_eq!(&back, ours);
    let segments = message::encode(&back, version).expect("what was decoded can be encoded");
    assert_eq!(segments.into_bytes(), their_bytes);
}

/// The oracle's own default value: it has the defaults of the schema, which ours must share.
fn compare_default<O: Message + PartialEq + Debug, T: Encodable + Default>(version: i16) {
    let mut out = BytesMut::new();
    T::default().encode(&mut out, version).expect("the oracle encodes its default");
    let bytes = out.freeze();
    let ours: O = message::decode(&bytes, version).expect("we decode the oracle's default");
    assert_eq!(message::to_bytes(&ours, version).unwrap(), bytes);
}

fn compare<O, T>(version: i16)
where
    O: Message + PartialEq + Debug,
    T: Encodable + Decodable + Default + Debug,
{
    compare_default::<O, T>(version);
    let mut source = Source::new(u64::from(version.cast_unsigned()));
    for _ in 0..samples_per_pair() {
        compare_one::<O, T>(&message::sample::<O>(&mut source, version), version);
    }
}

macro_rules! compare_all {
    ($(
        $name:ident = $key:literal [$min:literal - $max:literal] flexible $flexible:tt
            => $module:ident::{$request:ident, $response:ident};
    )*) => {
        fn compare_pair(api: ApiKey, version: i16) {
            match api {
                $(ApiKey::$name => {
                    compare::<message::$request, theirs::$request>(version);
                    compare::<message::$response, theirs::$response>(version);
                })*
            }
        }

        /// Whether the oracle has this version of the request's and of the response's schema. (Its list of APIs claims more.)
        fn oracle_covers(api: ApiKey, version: i16) -> bool {
            let within = |range: VersionRange| (range.min..=range.max).contains(&version);
            match api {
                $(ApiKey::$name => within(theirs::$request::VERSIONS) && within(theirs::$response::VERSIONS),)*
            }
        }
    };
}

with_apis!(compare_all);

#[test]
fn every_api_in_every_version_agrees_with_the_oracle_or_with_vectors() {
    let pairs = ApiKey::ALL.iter().flat_map(|&api| api.versions().iter().map(move |version| (api, version)));
    let (covered, uncovered): (Vec<_>, Vec<_>) =
        pairs.partition(|&(api, version)| oracle_covers(api, version));
    for &(api, version) in &covered {
        compare_pair(api, version);
    }
    let vectors = Vectors::compare();
    println!(
        "differential: {} (API, version) pairs; {} compared with the oracle, requests and responses, both ways, {} samples \
         each; {} with {} vectors: {uncovered:?}",
        covered.len() + uncovered.len(),
        covered.len(),
        samples_per_pair(),
        uncovered.len(),
        vectors.count()
    );
    assert_eq!(
        vectors.pairs(),
        uncovered,
        "pairs that the oracle does not know need a request and a response"
    );
}

#[test]
fn header_versions_agree_with_the_oracle() {
    for &api in ApiKey::ALL {
        let key = theirs::ApiKey::try_from(api.code()).unwrap();
        for version in api.versions().iter() {
            assert_eq!(api.request_header_version(version), key.request_header_version(version));
            assert_eq!(api.response_header_version(version), key.response_header_version(version));
        }
    }
}

#[test]
fn headers_agree_with_the_oracle() {
    use chronik_kafka::encoder::Encoder;
    use chronik_kafka::{RequestHeader, ResponseHeader, Str};
    for &api in ApiKey::ALL {
        for version in api.versions().iter() {
            for client_id in [None, Some(Str::from("")), Some(Str::from("rdkafka"))] {
                let ours = RequestHeader { api, version, correlation_id: -7, client_id: client_id.clone() };
                let mut out = Encoder::copying(BytesMut::new());
                ours.encode(&mut out);
                let mut bytes = out.finish().unwrap().into_bytes();
                let theirs = theirs::RequestHeader::default()
                    .with_request_api_key(api.code())
                    .with_request_api_version(version)
                    .with_correlation_id(-7)
                    .with_client_id(client_id.map(|id| id.to_string().into()));
                assert_eq!(bytes, encoded_by_oracle(&theirs, api.request_header_version(version)));
                assert_eq!(RequestHeader::decode(&mut bytes), Ok(ours));
                assert!(bytes.is_empty());
            }
            let ours = ResponseHeader { correlation_id: 77 };
            let mut out = Encoder::copying(BytesMut::new());
            ours.encode(&mut out, api, version);
            let mut bytes = out.finish().unwrap().into_bytes();
            let theirs = theirs::ResponseHeader::default().with_correlation_id(77);
            assert_eq!(bytes, encoded_by_oracle(&theirs, api.response_header_version(version)));
            assert_eq!(ResponseHeader::decode(&mut bytes, api, version), Ok(ours));
        }
    }
}

/// A later client may send tags that this schema does not know: they are skipped, wherever they stand.
#[test]
fn unknown_tagged_fields_are_skipped() {
    let unknown = || [(9_000, Bytes::from_static(b"from the future"))].into_iter().collect();
    let topic = theirs::metadata_request::MetadataRequestTopic::default()
        .with_name(Some(kafka_protocol::protocol::StrBytes::from_static_str("t").into()))
        .with_unknown_tagged_fields(unknown());
    let request = theirs::MetadataRequest::default()
        .with_topics(Some(vec![topic]))
        .with_unknown_tagged_fields(unknown());
    let bytes = encoded_by_oracle(&request, 12);
    let ours: message::MetadataRequest = message::decode(&bytes, 12).unwrap();
    assert_eq!(ours.topics.unwrap()[0].name.as_deref(), Some("t"));
}
