//! The records of one commit, encoded but not written. Bodies are borrowed, never copied.

use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;

use super::record::{WalRecord, seal};
use crate::types::Lsn;

/// Zeros to pad with.
static PADDING: [u8; super::record::ALIGN] = [0; super::record::ALIGN];

/// Records in LSN order.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Encoded headers, one after the other.
    arena: Vec<u8>,
    records: Vec<Encoded>,
    bytes: u64,
}

#[derive(Debug)]
struct Encoded {
    header: Range<usize>,
    body: Bytes,
    padding: usize,
}

impl Group {
    pub(crate) fn push(&mut self, lsn: Lsn, record: &WalRecord, body: Bytes) {
        let start = self.arena.len();
        let padding = record.encode(lsn, &body, &mut self.arena);
        let header = start..self.arena.len();
        self.bytes += (header.len() + body.len() + padding) as u64;
        self.records.push(Encoded { header, body, padding });
    }

    /// Bytes in the WAL.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn records(&self) -> u64 {
        self.records.len() as u64
    }

    /// Completes the headers for the place they are about to be written to.
    pub(crate) fn seal(&mut self, salt: u32, synced_lsn: Lsn, attempt: u32) {
        for record in &self.records {
            seal(&mut self.arena[record.header.clone()], salt, synced_lsn, attempt);
        }
    }

    /// What is to be written, in order. Neighbours in the arena become one slice.
    pub(crate) fn slices<'a>(&'a self, out: &mut Vec<IoSlice<'a>>) {
        out.reserve(self.records.len() * 3);
        let mut run = 0..0;
        for record in &self.records {
            run.end = record.header.end;
            if record.body.is_empty() && record.padding == 0 {
                continue;
            }
            out.push(IoSlice::new(&self.arena[run.clone()]));
            run.start = run.end;
            if !record.body.is_empty() {
                out.push(IoSlice::new(&record.body));
            }
            if record.padding > 0 {
                out.push(IoSlice::new(&PADDING[..record.padding]));
            }
        }
        if !run.is_empty() {
            out.push(IoSlice::new(&self.arena[run]));
        }
    }

    /// Empties the group and keeps its memory, unless that is unusually much.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.arena.clear();
        self.arena.shrink_to(1 << 20);
        self.bytes = 0;
    }
}
