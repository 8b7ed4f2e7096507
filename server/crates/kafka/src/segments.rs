//! A message on its way out: a list of buffers, for one vectored write; and holes between them, if the sender has more than memory
//! to take bytes from.

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

/// Encoded bytes in order. One segment, unless the message carries large records: those are the very buffers that
/// the caller put into the message, or the holes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segments(SmallVec<[Segment; 3]>);

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// These bytes, of which there is at least one.
    Bytes(Bytes),
    /// Bytes that the sender has elsewhere.
    Hole(Hole),
}

/// A place in a message for bytes that are not in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// By which the sender knows where the bytes are.
    pub id: usize,
    /// How many there are.
    pub len: usize,
}

impl Segment {
    /// Bytes in it.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "none is empty")]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Hole(hole) => hole.len,
        }
    }
}

impl Segments {
    /// Cuts `out` where something is to be inserted.
    pub(crate) fn join(mut out: BytesMut, inserts: SmallVec<[(usize, Segment); 2]>) -> Self {
        let mut segments = SmallVec::new();
        let mut taken = 0;
        for (at, insert) in inserts {
            if at > taken {
                segments.push(Segment::Bytes(out.split_to(at - taken).freeze()));
                taken = at;
            }
            segments.push(insert);
        }
        if !out.is_empty() {
            segments.push(Segment::Bytes(out.freeze()));
        }
        Self(segments)
    }

    /// The parts, in order; none is empty.
    #[must_use]
    pub fn as_slice(&self) -> &[Segment] {
        &self.0
    }

    /// Bytes in all parts together.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.0.iter().map(Segment::len).sum()
    }

    /// The buffers, of a message that has no holes: one that was made of bytes only.
    ///
    /// # Panics
    /// If there is a hole.
    pub fn into_buffers(self) -> impl Iterator<Item = Bytes> {
        self.into_iter().map(|segment| match segment {
            Segment::Bytes(bytes) => bytes,
            Segment::Hole(hole) => panic!("a message with a hole has more than its buffers: {hole:?}"),
        })
    }

    /// Everything in one buffer: shared if there is one segment, else copied.
    ///
    /// # Panics
    /// If there is a hole.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let mut joined = BytesMut::new();
        let (only, total) = (self.0.len() == 1, self.total_len());
        for bytes in self.into_buffers() {
            if only {
                return bytes;
            }
            joined.reserve(total - joined.len());
            joined.extend_from_slice(&bytes);
        }
        joined.freeze()
    }
}

impl IntoIterator for Segments {
    type Item = Segment;
    type IntoIter = smallvec::IntoIter<[Segment; 3]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
