//! Frames of the inter-node protocol, version 1: a kind, and bytes that are somebody else's.
//!
//! ```text
//! | length u32 | kind u8 | CRC-32C of kind and payload u32 | payload: `length` bytes |      numbers are big-endian
//! ```

use crate::limits;

/// Bytes before a payload.
pub const HEADER_BYTES: usize = 9;

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])+ $kind:ident = $code:literal, $name:literal, $most:expr; )+) => {
        /// What a frame is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind { $( $(#[doc = $doc])+ $kind = $code, )+ }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Self] = &[ $( Self::$kind, )+ ];

            /// As it is called in messages.
            pub fn name(self) -> &'static str {
                match self { $( Self::$kind => $name, )+ }
            }

            /// Bytes of the largest payload.
            pub fn max_bytes(self) -> usize {
                match self { $( Self::$kind => $most, )+ }
            }
        }
    };
}

kinds! {
    /// The first frame in each direction: who speaks. Every version of the protocol has it.
    Hello = 1, "hello", limits::MAX_PEER_HELLO_BYTES;
    /// Instead of a hello: why there will be no connection. Every version of the protocol has it.
    Refusal = 2, "refusal", limits::MAX_PEER_HELLO_BYTES;
    /// Nothing, so that the other side hears something.
    Keepalive = 3, "keepalive", 0;
    /// A heartbeat; a later one makes it worthless.
    Heartbeat = 4, "heartbeat", limits::MAX_PEER_HEARTBEAT_BYTES;
    /// A Raft message, in order.
    Raft = 5, "raft", limits::MAX_PEER_RAFT_BYTES;
    /// A request, which has an answer.
    Request = 6, "request", limits::MAX_PEER_REQUEST_BYTES;
    /// The answer.
    Response = 7, "response", limits::MAX_PEER_REQUEST_BYTES;
    /// A piece of a stream, in order.
    Data = 8, "data", limits::MAX_PEER_DATA_BYTES;
}

impl Kind {
    /// As it stands on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No version that this node speaks has it.
    #[error("there is no frame of kind {code}")]
    UnknownKind {
        /// The kind.
        code: u8,
    },
    /// It would be refused, or has been.
    #[error("a {} frame of {length} bytes; the largest has {}", .kind.name(), .kind.max_bytes())]
    TooLarge {
        /// Its kind.
        kind: Kind,
        /// Bytes of its payload, as it says.
        length: usize,
    },
    /// It has been damaged on its way.
    #[error("a {} frame of {length} bytes has the checksum {found:08x}, but its bytes have {expected:08x}: they are not those that were sent", .kind.name())]
    Checksum {
        /// Its kind.
        kind: Kind,
        /// Bytes of its payload.
        length: usize,
        /// What its bytes come to.
        expected: u32,
        /// What it says.
        found: u32,
    },
    /// It is too short for what it should be.
    #[error("a {} frame of {length} bytes, which is too short", .kind.name())]
    TooShort {
        /// Its kind.
        kind: Kind,
        /// Bytes of its payload.
        length: usize,
    },
}

/// What stands before a payload. Nothing in it is believed before [`check`](Self::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the frame is.
    pub kind: Kind,
    /// Bytes of its payload, within the limit of its kind.
    pub length: usize,
    checksum: u32,
}

impl Header {
    /// The header of a payload that is in pieces.
    ///
    /// # Errors
    /// The payload is larger than its kind may be.
    pub fn of(kind: Kind, pieces: &[&[u8]]) -> Result<Self, FrameError> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        within_limit(kind, length)?;
        Ok(Self { kind, length, checksum: checksum(kind, pieces) })
    }

    /// As it stands on the wire.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        let length = u32::try_from(self.length).expect("within the limit of its kind");
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        bytes[4] = self.kind.code();
        bytes[5..].copy_from_slice(&self.checksum.to_be_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Errors
    /// There is no such kind, or its payload would be too large.
    pub fn decode(bytes: [u8; HEADER_BYTES]) -> Result<Self, FrameError> {
        let [a, b, c, d, code, e, f, g, h] = bytes;
        let kind = Kind::from_code(code).ok_or(FrameError::UnknownKind { code })?;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        within_limit(kind, length)?;
        Ok(Self { kind, length, checksum: u32::from_be_bytes([e, f, g, h]) })
    }

    /// Whether `payload` is what was sent.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, payload: &[u8]) -> Result<(), FrameError> {
        let (expected, found) = (checksum(self.kind, &[payload]), self.checksum);
        if expected == found {
            return Ok(());
        }
        Err(FrameError::Checksum { kind: self.kind, length: payload.len(), expected, found })
    }
}

/// Whether a payload of this length may be sent, and is read.
///
/// # Errors
/// It is larger than its kind may be.
pub fn within_limit(kind: Kind, length: usize) -> Result<(), FrameError> {
    if length <= kind.max_bytes() { Ok(()) } else { Err(FrameError::TooLarge { kind, length }) }
}

/// The kind is part of it: no damage turns a Raft message into a heartbeat.
fn checksum(kind: Kind, pieces: &[&[u8]]) -> u32 {
    pieces
        .iter()
        .fold(crc32c::crc32c(&[kind.code()]), |checksum, piece| crc32c::crc32c_append(checksum, piece))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frame_looks_like_this() {
        let header = Header::of(Kind::Raft, &[b"ab", b"c"]).expect("small");
        let checksum = crc32c::crc32c(b"\x05abc").to_be_bytes();
        assert_eq!(header.encode(), *[&[0, 0, 0, 3, 5][..], &checksum].concat());
        assert_eq!(Header::decode(header.encode()), Ok(header));
        assert_eq!(header.check(b"abc"), Ok(()));
    }

    #[test]
    fn every_kind_has_a_limit_and_a_code_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(*kind));
            let length = kind.max_bytes() + 1;
            assert_eq!(within_limit(*kind, length - 1), Ok(()));
            assert_eq!(within_limit(*kind, length), Err(FrameError::TooLarge { kind: *kind, length }));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let told = |bytes: [u8; 9]| Header::decode(bytes).expect_err("not a header").to_string();
        assert_eq!(told([0, 0, 0, 1, 77, 0, 0, 0, 0]), "there is no frame of kind 77");
        let largest = limits::MAX_PEER_RAFT_BYTES;
        assert_eq!(
            told([255, 255, 255, 255, 5, 0, 0, 0, 0]),
            format!("a raft frame of 4294967295 bytes; the largest has {largest}")
        );
        assert_eq!(told([0, 0, 0, 1, 3, 0, 0, 0, 0]), "a keepalive frame of 1 bytes; the largest has 0");
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_an_error(bytes: [u8; HEADER_BYTES]) {
            if let Ok(header) = Header::decode(bytes) {
                prop_assert!(header.length <= header.kind.max_bytes());
                prop_assert_eq!(header.encode(), bytes);
            }
        }

        #[test]
        fn one_wrong_bit_is_noticed(payload in prop::collection::vec(any::<u8>(), 1..300), bit: prop::sample::Index) {
            let mut frame = Header::of(Kind::Data, &[&payload]).expect("small").encode().to_vec();
            frame.extend_from_slice(&payload);
            let bit = bit.index(frame.len() * 8);
            frame[bit / 8] ^= 1 << (bit % 8);
            let (header, damaged) = frame.split_at(HEADER_BYTES);
            let header = Header::decode(header.try_into().expect("as long as a header"));
            // A length that differs is noticed where the next frame should begin; here, as bytes that are missing or left over.
            let noticed = |header: Header| header.length != damaged.len() || header.check(damaged).is_err();
            prop_assert!(header.map_or(true, noticed));
        }
    }
}
