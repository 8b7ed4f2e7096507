//! What the readers of a log see: a picture of it, and how far they may read.
//!
//! The two are one claim: *everything below the high watermark is in the picture*. So a writer publishes the picture before it moves
//! the high watermark, and a reader takes the high watermark before it takes the picture. Both orders are here, and nowhere else.

use std::sync::Arc;

use crate::image::Image;
use crate::watermark::{Closed, Watermark};

/// A picture of a log and its high watermark.
#[derive(Debug)]
pub struct Publication<T> {
    view: Image<T>,
    /// Never above the end of the picture that `view` shows.
    high_watermark: Watermark,
}

/// What one reader may read: `view` up to, and without, `high_watermark`.
#[derive(Clone, Debug)]
pub struct Readable<T> {
    /// The picture. It may go further than the high watermark.
    pub view: Arc<T>,
    /// The offset of the first record that may not be read yet.
    pub high_watermark: i64,
}

impl<T> Publication<T> {
    /// Shows `view`, readable up to `high_watermark`.
    pub fn new(view: impl Into<Arc<T>>, high_watermark: i64) -> Self {
        Self { view: Image::new(view), high_watermark: Watermark::new(high_watermark) }
    }

    /// Shows `view`, then lets it be read up to `high_watermark`. A high watermark below the present one changes only the view. To
    /// be called by the one who owns the log.
    pub fn publish(&self, view: impl Into<Arc<T>>, high_watermark: i64) {
        self.view.replace(view);
        self.high_watermark.advance(high_watermark);
    }

    /// Lets the picture that is out be read up to `high_watermark`, which it already reaches. To be called by the one who owns
    /// the log.
    pub fn advance(&self, high_watermark: i64) {
        self.high_watermark.advance(high_watermark);
    }

    /// What may be read now.
    pub fn read(&self) -> Readable<T> {
        let high_watermark = self.high_watermark.get();
        Readable { view: self.view.load(), high_watermark }
    }

    /// Waits until the high watermark is at least `offset`, and returns what may be read then.
    ///
    /// *Cancel-safety*: it takes nothing; it can be dropped and called again.
    ///
    /// # Errors
    /// Closed below `offset`.
    pub async fn readable_to(&self, offset: i64) -> Result<Readable<T>, Closed> {
        let high_watermark = self.high_watermark.reached(offset).await?;
        Ok(Readable { view: self.view.load(), high_watermark })
    }

    /// The high watermark now.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark.get()
    }

    /// Ends it: nobody waits for a higher watermark any more.
    pub fn close(&self) {
        self.high_watermark.close();
    }
}
