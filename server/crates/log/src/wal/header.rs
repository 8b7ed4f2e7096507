//! The header of a WAL segment file: its first block. A file is used again and again; its header says for what now.

use bytes::Bytes;
use uuid::Uuid;

use crate::codec::{Reader, Short, Writer};
use crate::error::LogError;
use crate::limits;
use crate::types::Lsn;

const MAGIC: &[u8; 8] = b"CHRNKWAL";
/// Newest format known. Each has records that a reader of the one before would take for the log's torn end: 2 metadata snapshots, 3 logs that start
/// anew.
pub(crate) const VERSION: u32 = 3;
/// Bytes of the header that carry something.
const USED_BYTES: usize = 56;

/// What a WAL segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Data directory it belongs to.
    pub(crate) dir_id: Uuid,
    /// Number of the run that wrote it (see the checkpoint): two runs never use the same one.
    pub(crate) run: u64,
    /// Number of the segment: ascending in the order of writing.
    pub(crate) seq: u64,
    /// LSN of its first record. Everything before it was synced before this was written.
    pub(crate) start_lsn: Lsn,
}

impl SegmentHeader {
    /// Where the records begin.
    pub(crate) const BYTES: u64 = limits::BLOCK_BYTES;

    /// Seeds the CRCs of the records, so that bytes of an earlier use are never taken for records of this one.
    pub(crate) fn salt(&self) -> u32 {
        let mut writer = Writer::default();
        self.put_identity(&mut writer);
        crc32c::crc32c(&writer.0)
    }

    /// The whole block.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(MAGIC);
        writer.u32(VERSION);
        self.put_identity(&mut writer);
        writer.u64(self.start_lsn);
        let crc = crc32c::crc32c(&writer.0);
        writer.u32(crc);
        debug_assert_eq!(writer.0.len(), USED_BYTES);
        writer.0.resize(usize::try_from(Self::BYTES).unwrap_or(0), 0);
        writer.0
    }

    fn put_identity(&self, writer: &mut Writer) {
        writer.put(self.dir_id.as_bytes());
        writer.u64(self.run);
        writer.u64(self.seq);
    }

    /// `None` if this is no header (a zeroed file, or a torn one that nothing was acknowledged in).
    pub(crate) fn decode(file: &str, block: &Bytes) -> Result<Option<Self>, LogError> {
        let mut reader = Reader(block);
        let parse = |reader: &mut Reader<'_>| -> Result<(bool, u32, Self, u32), Short> {
            let magic = reader.array::<8>()? == *MAGIC;
            let version = reader.u32()?;
            let header = Self {
                dir_id: Uuid::from_bytes(reader.array()?),
                run: reader.u64()?,
                seq: reader.u64()?,
                start_lsn: reader.u64()?,
            };
            Ok((magic, version, header, reader.u32()?))
        };
        let Ok((true, version, header, crc)) = parse(&mut reader) else { return Ok(None) };
        if version > VERSION {
            return Err(LogError::NewerFormat { file: file.to_owned(), found: version, supported: VERSION });
        }
        let sound = crc32c::crc32c(&block[..USED_BYTES - 4]) == crc;
        Ok(sound.then_some(header))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: SegmentHeader = SegmentHeader { dir_id: Uuid::from_u128(5), run: 2, seq: 3, start_lsn: 4 };

    #[test]
    fn a_header_survives() {
        assert_eq!(SegmentHeader::decode("f", &HEADER.encode().into()).unwrap(), Some(HEADER));
        assert_ne!(HEADER.salt(), SegmentHeader { run: 3, ..HEADER }.salt());
        assert_ne!(HEADER.salt(), SegmentHeader { seq: 4, ..HEADER }.salt());
    }

    #[test]
    fn zeros_and_torn_headers_are_no_header() {
        assert_eq!(SegmentHeader::decode("f", &vec![0; 4096].into()).unwrap(), None);
        assert_eq!(SegmentHeader::decode("f", &Bytes::new()).unwrap(), None);
        let mut torn = HEADER.encode();
        torn[40] ^= 1;
        assert_eq!(SegmentHeader::decode("f", &torn.into()).unwrap(), None);
    }

    #[test]
    fn a_newer_format_is_refused() {
        let mut newer = HEADER.encode();
        newer[8] = 9;
        let error = SegmentHeader::decode("wal/1.wal", &newer.into()).unwrap_err();
        assert!(matches!(error, LogError::NewerFormat { found: 9, .. }), "{error}");
    }
}
