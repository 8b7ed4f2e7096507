//! What can be wrong with bytes that claim to be a message, where, and why.

use std::fmt;

use smallvec::SmallVec;

use crate::ApiKey;

/// Why bytes are not a valid message. Names the field by its path, and the position in the body.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Details>);

#[derive(Clone, PartialEq, Eq)]
struct Details {
    problem: DecodeProblem,
    /// Bytes before the place where decoding stopped.
    at: usize,
    /// Innermost field first.
    path: SmallVec<[&'static str; 6]>,
}

/// The reason in a [`DecodeError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeProblem {
    /// A fixed-size value or a length reaches beyond the end.
    #[error("needs {needed} bytes, {left} are left")]
    Truncated {
        /// Bytes needed from here.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// A length or count below -1, or below 0 where null has no meaning.
    #[error("length is {length}")]
    NegativeLength {
        /// The value found.
        length: i32,
    },
    /// A string longer than 32767 bytes. A compact length could say more; Kafka allows no more in any version.
    #[error("a string of {length} bytes; 32767 is the most")]
    StringTooLong {
        /// The value found.
        length: usize,
    },
    /// Null in a version that does not allow it.
    #[error("null is not allowed in this version")]
    Null,
    /// More elements than the rest of the frame can hold.
    #[error("claims {count} elements of at least {min_size} bytes, {left} bytes are left")]
    TooMany {
        /// Elements claimed.
        count: usize,
        /// The least number of bytes an element takes in this version.
        min_size: usize,
        /// Bytes left.
        left: usize,
    },
    /// A string is not UTF-8.
    #[error("is not UTF-8 from its byte {valid_up_to} on")]
    Utf8 {
        /// Valid bytes of the string.
        valid_up_to: usize,
    },
    /// A varint has more bits than its type.
    #[error("varint does not fit its type")]
    VarintOverflow,
    /// A tagged field's value is shorter than its declared size.
    #[error("tag {tag} has {left} bytes left over")]
    TaggedFieldSize {
        /// The tag.
        tag: u32,
        /// Declared bytes that the value did not use.
        left: usize,
    },
    /// Bytes are left over behind the message.
    #[error("{left} bytes are left over behind the message")]
    Trailing {
        /// How many.
        left: usize,
    },
    /// The API is served, but not in this version.
    #[error("{api:?} is not served in version {version}")]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// No such API is served.
    #[error("API {key} (version {version}) is not served")]
    UnknownApi {
        /// The key asked for.
        key: i16,
        /// The version asked for.
        version: i16,
    },
}

impl DecodeError {
    #[cold]
    pub(crate) fn new(problem: DecodeProblem, at: usize) -> Self {
        Self(Box::new(Details { problem, at, path: SmallVec::new() }))
    }

    /// Adds the field that was being decoded, on the way out.
    #[cold]
    pub(crate) fn inside(mut self, field: &'static str) -> Self {
        self.0.path.push(field);
        self
    }

    /// The reason.
    #[must_use]
    pub fn problem(&self) -> &DecodeProblem {
        &self.0.problem
    }

    /// Bytes of the body (or header) before the place where decoding stopped.
    #[must_use]
    pub fn at(&self) -> usize {
        self.0.at
    }

    /// Path of the field, outermost first: `topics.partitions.fetch_offset`. Empty if no field is to blame.
    #[must_use]
    pub fn field(&self) -> String {
        let names: Vec<&str> = self.0.path.iter().rev().copied().collect();
        names.join(".")
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}, ", self.field())?;
        }
        write!(f, "byte {}: {}", self.0.at, self.0.problem)
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

impl std::error::Error for DecodeError {}

/// Why a message cannot be expressed in the version asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct EncodeError {
    /// `Struct.field`, or the empty string if no field is to blame.
    pub field: &'static str,
    /// The reason.
    pub problem: EncodeProblem,
}

/// The reason in an [`EncodeError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeProblem {
    /// Null in a version that does not allow it.
    #[error("null is not allowed in this version")]
    Null,
    /// A string, byte string, array or frame is longer than its length field can say.
    #[error("length {length} does not fit the length field")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// Records that are not in memory are to be copied.
    #[error("{length} bytes of records are not in memory")]
    NotHere {
        /// How many bytes.
        length: usize,
    },
    /// The API is known, but not in this version.
    #[error("{api:?} has no version {version}")]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// The version asked for.
        version: i16,
    },
}
