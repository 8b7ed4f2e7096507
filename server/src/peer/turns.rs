//! The two directions of a connection take turns.

use crate::limits;

/// Counts what one direction does, and has it stand back once in a while. Both directions are one task, and tokio gives a task a number of reads and writes
/// before it must rest: a direction that is never at rest by itself would use them all, each time.
#[derive(Debug, Default)]
pub(super) struct Turns(u32);

impl Turns {
    /// Something was read or written.
    pub(super) async fn next(&mut self) {
        self.0 = (self.0 + 1) % limits::PEER_TURN;
        if self.0 == 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, repeat};

    use crate::clock::Clock;
    use crate::peer::reader::FrameReader;

    #[tokio::test]
    async fn a_direction_that_is_never_at_rest_leaves_the_other_its_turn() {
        let silence = Duration::from_secs(3);
        let mut reader =
            FrameReader::new(Box::new(repeat(0)), Clock::starting_at(0), silence, Default::default());
        let busy = async {
            for _ in 0..10_000 {
                let _kilobyte: [u8; 1_000] = reader.exactly().await.expect("there is no end");
            }
        };
        let (mut other, mut byte) = (repeat(1), [0]);
        tokio::select! {
            biased;
            () = busy => panic!("the other direction had no turn"),
            read = other.read_exact(&mut byte) => assert_eq!(read.expect("there is no end"), 1),
        }
    }
}
