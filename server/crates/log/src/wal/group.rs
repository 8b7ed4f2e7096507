//! The records of one commit, encoded but not written. Bodies are borrowed, never copied.

use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;

use super::record::{WalRecord, make_extent, seal};
use crate::types::{Lsn, PartitionId};

/// Zeros to pad with.
static PADDING: [u8; super::record::ALIGN] = [0; super::record::ALIGN];

/// Records in LSN order.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Encoded headers, one after the other.
    arena: Vec<u8>,
    records: Vec<Encoded>,
    bytes: u64,
    /// Bytes of bodies that are in segments only.
    extent_bytes: u64,
}

#[derive(Debug)]
struct Encoded {
    /// Whose append it is, if it is one.
    append_to: Option<PartitionId>,
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
        let append_to = if let WalRecord::Append(placed) = record { Some(placed.id) } else { None };
        self.records.push(Encoded { append_to, header, body, padding });
    }

    /// Bytes in the WAL.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes in the WAL, at most, if all of them were Extents.
    pub(crate) fn bytes_as_extents(&self) -> u64 {
        (self.arena.len() + self.records.len() * super::record::ALIGN) as u64
    }

    pub(crate) fn records(&self) -> u64 {
        self.records.len() as u64
    }

    /// Bytes of bodies that are in segments only, and must be read by a recovery.
    pub(crate) fn extent_bytes(&self) -> u64 {
        self.extent_bytes
    }

    /// The appends to these partitions are in their segments: their records become Extents, and let go of the bodies.
    pub(crate) fn make_extents(&mut self, ids: &[PartitionId]) {
        for record in &mut self.records {
            if record.append_to.take_if(|id| ids.contains(id)).is_none() {
                continue;
            }
            let body = std::mem::take(&mut record.body);
            let padding = make_extent(&mut self.arena[record.header.clone()]);
            self.bytes -= (body.len() + record.padding) as u64;
            self.bytes += padding as u64;
            self.extent_bytes += body.len() as u64;
            record.padding = padding;
        }
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
        self.extent_bytes = 0;
    }
}
