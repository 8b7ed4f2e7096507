//! A message on its way out: a list of buffers, for one vectored write.

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

/// Encoded bytes in order. One segment, unless the message carries large records: those are the very buffers that
/// the caller put into the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segments(SmallVec<[Bytes; 3]>);

impl Segments {
    /// Cuts `out` where something is to be inserted.
    pub(crate) fn join(mut out: BytesMut, inserts: SmallVec<[(usize, Bytes); 2]>) -> Self {
        let mut segments = SmallVec::new();
        let mut taken = 0;
        for (at, bytes) in inserts {
            if at > taken {
                segments.push(out.split_to(at - taken).freeze());
                taken = at;
            }
            segments.push(bytes);
        }
        if !out.is_empty() {
            segments.push(out.freeze());
        }
        Self(segments)
    }

    /// The buffers, in order; none is empty.
    #[must_use]
    pub fn as_slice(&self) -> &[Bytes] {
        &self.0
    }

    /// Bytes in all buffers together.
    #[must_use]
    pub fn total_len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// Everything in one buffer: shared if there is one segment, else copied.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        if let [only] = self.0.as_slice() {
            return only.clone();
        }
        let mut joined = BytesMut::with_capacity(self.total_len());
        self.0.iter().for_each(|segment| joined.extend_from_slice(segment));
        joined.freeze()
    }
}

impl IntoIterator for Segments {
    type Item = Bytes;
    type IntoIter = smallvec::IntoIter<[Bytes; 3]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
