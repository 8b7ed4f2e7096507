//! Zeroing WAL segments ahead of their use, off the hot path: overwriting zeroed blocks changes no metadata, so a sync
//! of them is one write to the device.

use std::io::{self, IoSlice};
use std::sync::Arc;

use super::{WalFile, file_path};
use crate::disk::{Disk, OpenMode};

/// Bytes zeroed per write.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A WAL segment to be zeroed, on any thread.
#[derive(Debug)]
pub struct WalPrepareJob {
    disk: Arc<dyn Disk>,
    number: u64,
    bytes: u64,
}

/// A WAL segment that is ready, or failed.
#[derive(Debug)]
pub struct WalPrepareDone {
    pub(crate) result: io::Result<WalFile>,
}

impl WalPrepareJob {
    pub(crate) fn new(disk: Arc<dyn Disk>, number: u64, bytes: u64) -> Self {
        Self { disk, number, bytes }
    }

    /// Creates the file, zeroes and syncs it. What is left of a failed one is removed.
    #[must_use]
    pub fn run(self) -> WalPrepareDone {
        let result = self.prepare();
        if result.is_err() {
            let _ = self.disk.unlink(&file_path(self.number));
        }
        WalPrepareDone { result }
    }

    fn prepare(&self) -> io::Result<WalFile> {
        let file = self.disk.open(&file_path(self.number), OpenMode::Create)?;
        let mut position = 0;
        let zeros: [&[u8]; 16] = [&ZEROS; 16];
        while position < self.bytes {
            let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(zeros.len());
            for slice in zeros {
                let left = usize::try_from(self.bytes - position).unwrap_or(usize::MAX);
                slices.push(IoSlice::new(&slice[..slice.len().min(left)]));
                position += slice.len().min(left) as u64;
            }
            let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
            file.write_all_at(&mut slices, position - bytes as u64)?;
        }
        file.sync_data()?;
        self.disk.sync_dir(super::DIR.as_ref())?;
        Ok(WalFile { number: self.number, file, bytes: self.bytes })
    }
}
