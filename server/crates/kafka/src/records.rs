//! Records of a fetch: the one field whose bytes need not be in memory.

use bytes::Bytes;

use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::DecodeError;
use crate::sample::Source;
use crate::segments::Hole;
use crate::wire::{Format, Wire};

/// Record batches, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// In memory. What is decoded always is.
    Here(Bytes),
    /// Where the sender will take them from.
    Elsewhere(Hole),
}

impl Records {
    /// Bytes of records.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Here(bytes) => bytes.len(),
            Self::Elsewhere(hole) => hole.len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, if they are here.
    #[must_use]
    pub fn here(self) -> Option<Bytes> {
        match self {
            Self::Here(bytes) => Some(bytes),
            Self::Elsewhere(_) => None,
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::Here(Bytes::new())
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self::Here(bytes)
    }
}

impl Wire for Option<Records> {
    fn decode(input: &mut Decoder<'_>, format: Format) -> Result<Self, DecodeError> {
        Ok(Option::<Bytes>::decode(input, format)?.map(Records::Here))
    }

    fn encode(&self, out: &mut Encoder, format: Format) {
        match self {
            None => out.bytes(None, format),
            Some(Records::Here(bytes)) => out.bytes(Some(bytes), format),
            Some(Records::Elsewhere(hole)) => out.hole(*hole, format),
        }
    }

    fn min_size(format: Format) -> usize {
        Option::<Bytes>::min_size(format)
    }

    fn sample(source: &mut Source, format: Format) -> Self {
        Option::<Bytes>::sample(source, format).map(Records::Here)
    }
}
