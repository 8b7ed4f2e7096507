//! A checkpoint file before it is written: in pieces, so that what is large is shared with its owner and not copied on
//! the log's own thread. Its CRC-32C is computed by whoever writes it.

use std::io::IoSlice;

use bytes::Bytes;

use super::{MAGIC, PREFIX_BYTES, VERSION};
use crate::codec::Writer;
use crate::limits;

/// The content, which follows the prefix.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pieces: Vec<Bytes>,
    /// What comes behind the pieces.
    pub(super) last: Writer,
}

impl Encoded {
    /// A length, then the bytes, as [`Writer::bytes`] has it.
    pub(super) fn bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < limits::SHARED_PIECE_BYTES {
            return self.last.bytes(bytes);
        }
        self.last.u64(bytes.len() as u64);
        self.pieces.push(std::mem::take(&mut self.last.0).into());
        self.pieces.push(bytes.clone());
    }

    /// Bytes of the file.
    pub(super) fn len(&self) -> u64 {
        PREFIX_BYTES as u64 + self.content().map(|piece| piece.len() as u64).sum::<u64>()
    }

    /// What the file begins with: magic, version, CRC, length.
    pub(super) fn prefix(&self) -> Vec<u8> {
        let mut prefix = Writer::default();
        prefix.put(MAGIC);
        prefix.u32(VERSION);
        prefix.u32(self.content().fold(0, crc32c::crc32c_append));
        prefix.u64(self.len() - PREFIX_BYTES as u64);
        prefix.0
    }

    /// The whole file, given its prefix.
    pub(super) fn slices<'a>(&'a self, prefix: &'a [u8]) -> Vec<IoSlice<'a>> {
        std::iter::once(prefix).chain(self.content()).map(IoSlice::new).collect()
    }

    fn content(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| &piece[..]).chain([&self.last.0[..]])
    }
}
