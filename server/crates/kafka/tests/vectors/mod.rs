//! Versions that the oracle has no schema for, as bytes.
//!
//! The bytes are those that Apache Kafka's own classes write: for each message, a program filled the generated class of
//! `kafka-clients` 4.4.0 (`OffsetCommitRequestData` and so on) with the value that stands beside them, and printed what
//! `write` made of it in that version. Every field has a value of its own, so that two fields of one type cannot be mixed up.

mod groups;
mod others;
mod voters;

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use chronik_kafka::ApiKey;
use chronik_kafka::message::{self, Message, Request, Response};
use uuid::{Uuid, uuid};

/// Two ids of topics.
const A: Uuid = uuid!("01020304-0506-0708-090a-0b0c0d0e0f10");
const B: Uuid = uuid!("11121314-1516-1718-191a-1b1c1d1e1f20");

/// What was compared: requests and responses of each pair.
#[derive(Default)]
pub(crate) struct Vectors(BTreeMap<(ApiKey, i16), [usize; 2]>);

impl Vectors {
    /// Compares all there are.
    pub(crate) fn compare() -> Self {
        let mut vectors = Self::default();
        groups::compare(&mut vectors);
        others::compare(&mut vectors);
        voters::compare(&mut vectors);
        vectors
    }

    /// Pairs of which there is a request and a response.
    pub(crate) fn pairs(&self) -> Vec<(ApiKey, i16)> {
        self.0.iter().filter(|(_, count)| !count.contains(&0)).map(|(pair, _)| *pair).collect()
    }

    /// How many vectors there are.
    pub(crate) fn count(&self) -> usize {
        self.0.values().flatten().sum()
    }

    /// A request: its default value, and one in which every field has a value of its own.
    fn request<M: Request + PartialEq + Debug>(&mut self, version: i16, default: &str, full: (&M, &str)) {
        self.0.entry((M::API, version)).or_default()[0] += 2;
        agrees(version, &M::default(), default);
        agrees(version, full.0, full.1);
    }

    /// A response, likewise.
    fn response<M: Response + PartialEq + Debug>(&mut self, version: i16, default: &str, full: (&M, &str)) {
        self.0.entry((M::API, version)).or_default()[1] += 2;
        agrees(version, &M::default(), default);
        agrees(version, full.0, full.1);
    }
}

fn agrees<M: Message + PartialEq + Debug>(version: i16, value: &M, hex: &str) {
    let bytes = bytes_of(hex);
    assert_eq!(message::decode::<M>(&bytes, version).as_ref(), Ok(value), "{:?} {version}", M::API);
    let ours = message::to_bytes(value, version).expect("the version can express it");
    assert_eq!(ours, bytes, "{value:?} in version {version}");
}

/// Spaces may stand anywhere.
fn bytes_of(hex: &str) -> Bytes {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).expect("small")).collect();
    assert_eq!(digits.len() % 2, 0, "{hex}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
