//! The bodies of batches, compressed and plain (KIP-98; KIP-110 for zstd). What a body decompresses to is bounded by the
//! caller: a body that claims or holds more costs an error, not the memory.

mod snappy;

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use lz4_flex::frame::{FrameDecoder, FrameEncoder};

use crate::record_batch::Compression;

/// What a body is expected to grow by, at first: a larger one is given memory as it shows.
const FIRST_GUESS: usize = 4;

/// Why a body could not be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    /// There is more in it than the caller wants.
    #[error("more than {limit} bytes when decompressed")]
    TooLarge {
        /// Bytes that the caller wants at most.
        limit: usize,
    },
    /// The bytes are not what the codec makes.
    #[error("not what {codec:?} makes: {reason}")]
    Malformed {
        /// The codec.
        codec: Compression,
        /// What the codec says.
        reason: String,
    },
}

impl CompressionError {
    fn malformed(codec: Compression, reason: impl ToString) -> Self {
        Self::Malformed { codec, reason: reason.to_string() }
    }
}

/// Decompresses a body of at most `limit` bytes.
///
/// # Errors
/// It has more than `limit` bytes, or is malformed.
pub fn decompress(codec: Compression, body: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
    let plain = match codec {
        Compression::None => read_bounded(body, 0, limit),
        Compression::Gzip => read_bounded(MultiGzDecoder::new(body), body.len(), limit),
        Compression::Lz4 => read_bounded(FrameDecoder::new(body), body.len(), limit),
        Compression::Zstd => zstd::stream::read::Decoder::with_buffer(body)
            .and_then(|decoder| read_bounded(decoder, body.len(), limit)),
        Compression::Snappy => return snappy::decompress(body, limit),
        Compression::Unknown(code) => return Err(no_codec(code)),
    };
    plain
        .map_err(|error| CompressionError::malformed(codec, error))?
        .ok_or(CompressionError::TooLarge { limit })
}

/// Compresses a body, as a producer with the codec's default level does.
///
/// # Errors
/// There is no such codec.
pub fn compress(codec: Compression, plain: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let malformed = |error: io::Error| CompressionError::malformed(codec, error);
    match codec {
        Compression::None => Ok(plain.to_vec()),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(plain).and_then(|()| encoder.finish()).map_err(malformed)
        }
        Compression::Lz4 => {
            let mut encoder = FrameEncoder::new(Vec::new());
            encoder.write_all(plain).map_err(malformed)?;
            encoder.finish().map_err(|error| CompressionError::malformed(codec, error))
        }
        Compression::Zstd => zstd::stream::encode_all(plain, 0).map_err(malformed),
        Compression::Snappy => snappy::compress(plain),
        Compression::Unknown(code) => Err(no_codec(code)),
    }
}

fn no_codec(code: u8) -> CompressionError {
    CompressionError::malformed(Compression::Unknown(code), "there is no such codec")
}

/// Reads to the end; `None` if that is beyond `limit` bytes.
fn read_bounded(reader: impl Read, compressed: usize, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut plain = Vec::with_capacity(compressed.saturating_mul(FIRST_GUESS).min(limit));
    reader.take((limit as u64).saturating_add(1)).read_to_end(&mut plain)?;
    Ok((plain.len() <= limit).then_some(plain))
}

#[cfg(test)]
mod tests;
