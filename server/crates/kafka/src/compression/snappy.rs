//! Snappy as Kafka has it: the framing of `snappy-java` (xerial), which the Java client writes and brokers read; and bare
//! snappy, which librdkafka writes and everyone reads.

use super::CompressionError;
use crate::record_batch::Compression;

/// What a xerial stream begins with, before two version numbers.
const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
/// Version written, and the oldest version that can read it.
const VERSIONS: &[u8; 8] = b"\0\0\0\x01\0\0\0\x01";
const HEADER_BYTES: usize = MAGIC.len() + VERSIONS.len();
/// Plain bytes of a block, as `SnappyOutputStream` has by default.
const BLOCK_BYTES: usize = 32 << 10;

/// Either framing, by how it begins.
pub(super) fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, CompressionError> {
    let mut plain = Vec::new();
    if !body.starts_with(MAGIC) {
        append_block(&mut plain, body, limit)?;
        return Ok(plain);
    }
    let mut rest = body.get(HEADER_BYTES..).ok_or_else(|| malformed("it ends inside its header"))?;
    while !rest.is_empty() {
        let (length, after) =
            rest.split_first_chunk::<4>().ok_or_else(|| malformed("it ends inside a block's length"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (block, after) =
            after.split_at_checked(length).ok_or_else(|| malformed("it ends inside a block"))?;
        append_block(&mut plain, block, limit)?;
        rest = after;
    }
    Ok(plain)
}

/// A block says first how long it is: that is looked at before memory is asked for.
fn append_block(plain: &mut Vec<u8>, block: &[u8], limit: usize) -> Result<(), CompressionError> {
    let length = snap::raw::decompress_len(block).map_err(malformed)?;
    let start = plain.len();
    if length > limit - start {
        return Err(CompressionError::TooLarge { limit });
    }
    plain.resize(start + length, 0);
    snap::raw::Decoder::new().decompress(block, &mut plain[start..]).map_err(malformed)?;
    Ok(())
}

pub(super) fn compress(plain: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut out = Vec::with_capacity(HEADER_BYTES + plain.len() / 2);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(VERSIONS);
    let mut encoder = snap::raw::Encoder::new();
    for block in plain.chunks(BLOCK_BYTES) {
        let block = encoder.compress_vec(block).map_err(malformed)?;
        let length = u32::try_from(block.len()).map_err(malformed)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(out)
}

fn malformed(reason: impl ToString) -> CompressionError {
    CompressionError::malformed(Compression::Snappy, reason)
}
