//! Room for bulk: blocks that the file system sets aside behind the end of a log file, whose length stays. A write then finds its blocks, and the sync
//! behind it has none to look for. It is a hint: without it everything is as right, and slower.

use std::io;

use crate::disk::OpenMode;
use crate::files::FileKind;
use crate::limits;
use crate::partition::Partition;
use crate::segment::Segment;

/// What is set aside for the active segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Room {
    /// Which segment that is.
    segment_base: i64,
    /// Byte of its log file up to which there is room; 0 if none was set aside.
    end: u64,
}

impl Room {
    /// What to set aside once `size` bytes of the segment are written: as much again, so that of a small segment little is wasted; nothing as long as
    /// half of that is left.
    fn next(self, segment_base: i64, size: u64, segment_bytes: u64) -> Option<Self> {
        let ahead = size.min(limits::MAX_ROOM_BYTES).min(segment_bytes.saturating_sub(size));
        let left = if self.segment_base == segment_base { self.end.saturating_sub(size) } else { 0 };
        (left < ahead / 2).then_some(Self { segment_base, end: size + ahead })
    }
}

impl Partition {
    /// Sets room aside for what follows the staged bulk, which has been written.
    pub(crate) fn make_room(&mut self) {
        let end = self.staged_end();
        let Some(room) = self.room.next(end.segment_base, end.position, self.config.segment_bytes) else {
            return;
        };
        let Some(segment) = self.segment(end.segment_base) else { return };
        let allocated = segment
            .open(FileKind::Log, OpenMode::Existing)
            .and_then(|file| file.allocate(end.position, room.end - end.position));
        if let Err(error) = allocated {
            tracing::debug!(partition = %self.id, %error, "no room could be set aside");
        }
        self.room = room; // also after a failure: not tried again at once
    }

    /// Gives back what is left of the room behind a segment that is `size` bytes long and full.
    pub(crate) fn give_back_room(&mut self, segment: &Segment, size: u64) -> io::Result<()> {
        if self.room.segment_base != segment.base_offset || self.room.end <= size {
            return Ok(());
        }
        self.room = Room::default();
        segment.open(FileKind::Log, OpenMode::Existing)?.set_len(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_again_is_set_aside_when_half_of_it_is_gone() {
        const MIB: u64 = 1 << 20;
        let (none, segment) = (Room::default(), 1024 * MIB);
        for (end, base, size, segment_bytes, expected) in [
            (0, 0, MIB, segment, Some(2 * MIB)),
            (2 * MIB, 0, MIB, segment, None),
            (2 * MIB, 0, 2 * MIB, segment, Some(4 * MIB)),
            (0, 0, 500 * MIB, segment, Some(532 * MIB)),
            (532 * MIB, 0, 516 * MIB, segment, None),
            (532 * MIB, 0, 517 * MIB, segment, Some(549 * MIB)),
            (532 * MIB, 7, MIB, segment, Some(2 * MIB)), // another segment has begun
            (0, 0, 3 * MIB, 4 * MIB, Some(4 * MIB)),
            (4 * MIB, 0, 4 * MIB, 4 * MIB, None),
            (0, 0, 5 * MIB, 4 * MIB, None), // one batch larger than a segment
        ] {
            let next = Room { end, ..none }.next(base, size, segment_bytes);
            assert_eq!(next.map(|room| room.end), expected, "{size} of {segment_bytes}, room up to {end}");
        }
    }
}
