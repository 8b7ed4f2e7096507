//! A long page in pieces. As one text it would leave the allocator a hole of its own size, and the wish to keep such holes: metrics of ten thousand
//! partitions are seven megabytes, every few seconds.

use std::convert::Infallible;
use std::fmt;

use axum::body::{Body, Bytes};
use futures_util::stream;

use crate::limits::PAGE_PIECE_BYTES;

/// The page while it is written.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    full: Vec<Bytes>,
    last: String,
}

impl Pieces {
    /// Length of the whole.
    pub(super) fn bytes(&self) -> usize {
        self.full.iter().map(Bytes::len).sum::<usize>() + self.last.len()
    }

    /// The whole.
    pub(super) fn into_body(mut self) -> Body {
        self.begin_another();
        Body::from_stream(stream::iter(self.full.into_iter().map(Ok::<_, Infallible>)))
    }

    fn begin_another(&mut self) {
        let full = std::mem::take(&mut self.last);
        if !full.is_empty() {
            self.full.push(full.into());
        }
    }
}

impl fmt::Write for Pieces {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.last.len() + text.len() > PAGE_PIECE_BYTES {
            self.begin_another();
        }
        if self.last.is_empty() {
            self.last.reserve(PAGE_PIECE_BYTES);
        }
        self.last.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[tokio::test]
    async fn the_whole_is_what_was_written_and_no_piece_is_large() {
        let mut pieces = Pieces::default();
        let mut whole = String::new();
        for number in 0..100_000 {
            writeln!(pieces, "line {number}").unwrap();
            writeln!(whole, "line {number}").unwrap();
        }
        assert_eq!(pieces.bytes(), whole.len());
        assert!(pieces.full.len() > 10 && pieces.full.iter().all(|piece| piece.len() <= PAGE_PIECE_BYTES));
        let read = axum::body::to_bytes(pieces.into_body(), usize::MAX).await.unwrap();
        assert_eq!(read, whole.as_bytes());
    }
}
