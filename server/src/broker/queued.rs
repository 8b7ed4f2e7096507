//! A batch of a producer from its place in the log to its acknowledgement.

use std::time::Duration;

use chronik_log::{Appended, OpError};
use concurrency_models::isr;

use super::partition::Led;
use super::refused::{self, Refused};
use crate::clock::Clock;
use crate::storage::{self, OpAnswer, StorageError};

/// A batch that has its place in the log.
pub(super) struct Queued {
    /// Held until it is committed: the partition is not deleted before.
    pub(super) led: Led,
    pub(super) place: OpAnswer,
    pub(super) appended: isr::Appended<()>,
    /// Why one was refused that the producer has sent before it.
    pub(super) behind: Option<Refused>,
}

impl Queued {
    /// Waits until the batch is in the log, and, with `acks=all`, in that of every in-sync replica. The time that the request has is for the replicas, as with Kafka: until this
    /// node's own log has the batch, that takes memory which the request accounts for.
    ///
    /// # Errors
    /// The log refuses it, or it is not, or not yet, on the in-sync replicas.
    pub(super) async fn settle(
        self,
        acks_all: bool,
        clock: &Clock,
        deadline: Duration,
    ) -> Result<Appended, Refused> {
        let Self { led, place, appended, behind } = self;
        let place = match (storage::appended(place).await, behind) {
            (Err(StorageError::Op(OpError::OutOfOrderSequence { .. })), Some(earlier)) => {
                return Err(earlier);
            }
            (placed, _) => placed?,
        };
        if acks_all {
            let min_in_sync = appended.min_in_sync();
            tokio::select! {
                biased;
                committed = led.partition.isr().committed(&appended, place.last_offset + 1) => {
                    committed.map_err(|why| refused::not_committed(why, min_in_sync))?;
                }
                () = clock.sleep(deadline.saturating_sub(clock.uptime())) => return Err(refused::timed_out()),
            }
        }
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use chronik_kafka::ErrorCode;
    use chronik_log::disk::SimDisk;
    use chronik_log::{Outcome, PartitionId};
    use concurrency_models::reply;
    use uuid::Uuid;

    use super::*;

    const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };

    /// The log has not answered yet when the time of the request is up.
    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_request_does_not_end_the_wait_for_the_log_but_that_for_the_replicas() {
        let clock = Clock::starting_at(0);
        let storage = storage::example::running(1, &clock, SimDisk::new(1));
        let partition = storage::example::led(&storage, ID, 1).await;
        for (acks_all, expected) in [(false, Ok(7)), (true, Err(ErrorCode::REQUEST_TIMED_OUT))] {
            let (log, place) = reply::channel();
            let led = Led { id: ID, partition: storage.partition(&ID).unwrap(), leader_epoch: 1 };
            let ((), appended) = partition.isr().append(1, 0, || ()).unwrap().split();
            let queued = Queued { led, place, appended, behind: None };
            let mut settling = pin!(queued.settle(acks_all, &clock, clock.uptime()));
            let early = tokio::time::timeout(Duration::from_secs(3_600), &mut settling).await;
            assert!(early.is_err(), "acks_all={acks_all}: the log has the batch, or will have it");

            let place = Appended {
                base_offset: 7,
                last_offset: 7,
                log_append_time_ms: -1,
                log_start_offset: 0,
                duplicate: false,
            };
            log.send(Ok(Outcome::Appended(place))).unwrap();
            let settled = settling.await.map(|appended| appended.base_offset);
            assert_eq!(settled.map_err(|refused| refused.error_code), expected, "acks_all={acks_all}");
        }
    }
}
