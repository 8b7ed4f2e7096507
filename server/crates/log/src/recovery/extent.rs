//! Whether an Extent is there: its segment holds, at its place, the batch that the WAL claims.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use chronik_kafka::record_batch::{HEADER_LEN, RecordBatch};

use super::replay::Claim;
use crate::disk::{Disk, OpenMode};
use crate::files::FileKind;
use crate::segment::file_name;

/// The file that an Extent is in.
pub(super) fn path(claim: &Claim<'_>) -> String {
    segment_path(claim).display().to_string()
}

fn segment_path(claim: &Claim<'_>) -> PathBuf {
    PathBuf::from(claim.id.dir_name()).join(file_name(claim.segment_base, FileKind::Log))
}

/// Reads the batch: its header must be the claimed one, byte for byte, and its body must have the CRC that this claims.
pub(super) fn verify(disk: &dyn Disk, claim: &Claim<'_>) -> Result<(), (u64, String)> {
    let wrong = |reason: String| (claim.position, reason);
    let bytes = read(disk, claim).map_err(|error| wrong(format!("a batch cannot be read: {error}")))?;
    if bytes.len() < claim.header.total_len() {
        return Err(wrong("the file ends inside a batch".to_owned()));
    }
    if bytes[..HEADER_LEN] != claim.header.encode() {
        return Err(wrong("another batch is in its place".to_owned()));
    }
    RecordBatch { header: claim.header.clone(), body: bytes.slice(HEADER_LEN..) }
        .check_stored()
        .map_err(|error| wrong(format!("a batch is damaged: {error}")))
}

fn read(disk: &dyn Disk, claim: &Claim<'_>) -> io::Result<Bytes> {
    let file = disk.open(&segment_path(claim), OpenMode::Existing)?;
    // A file that is too short must not cost the memory of what it lacks.
    let there = file.len()?.saturating_sub(claim.position);
    let len = usize::try_from(there).unwrap_or(usize::MAX).min(claim.header.total_len());
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, claim.position)?;
    bytes.truncate(read);
    Ok(bytes.into())
}
