//! What a producer has sent behind a batch that was refused.
//!
//! An idempotent producer sends the next batches before it knows what becomes of the first. If that one is refused for a reason that passes, and the reason *has* passed
//! when the next one comes, then that one follows on nothing that the log has. To say so (`OUT_OF_ORDER_SEQUENCE_NUMBER`) would be true; but librdkafka concludes that records are lost, raises the
//! producer's epoch, and sends again what is under way to other partitions, under new sequence numbers: what was there already is there twice. So a batch that is out of order behind one that was refused
//! on the same connection is refused for the same reason, and both are sent again, in order.

use std::collections::BTreeMap;
use std::time::Duration;

use chronik_kafka::ErrorCode;
use chronik_kafka::record_batch::BatchHeader;

use super::partition::TopicRef;
use super::refused::Refused;
use crate::limits;

/// A batch of an idempotent producer, by what it says of itself.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    place: Place,
    epoch: i16,
    base_sequence: i32,
}

/// Sequence numbers belong to these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    topic: TopicRef,
    partition: i32,
    producer_id: i64,
}

/// What was refused on one connection.
#[derive(Default)]
pub struct Pipeline(BTreeMap<Place, Earlier>);

/// The first batch that was refused.
struct Earlier {
    epoch: i16,
    base_sequence: i32,
    refused: Refused,
    /// Until this uptime it counts: whoever does not send it again by then has given it up.
    until: Duration,
}

impl Sent {
    /// The batch in `records`; `None` if it is none, or of no idempotent producer.
    pub(super) fn read(topic: &TopicRef, partition: i32, records: &[u8]) -> Option<Self> {
        let header = BatchHeader::parse(records).ok().filter(BatchHeader::has_producer)?;
        let place = Place { topic: topic.clone(), partition, producer_id: header.producer_id };
        Some(Self { place, epoch: header.producer_epoch, base_sequence: header.base_sequence })
    }
}

impl Place {
    /// Without the frame that its topic is named in.
    fn detached(self) -> Self {
        Self { topic: self.topic.detached(), ..self }
    }
}

impl Pipeline {
    /// Whether nothing was refused, so that nothing can be behind it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A batch comes. Why an earlier one was refused, if it is behind one; if it is that one, or one before it, then nothing is known to be refused any more.
    pub(super) fn behind(&mut self, sent: &Sent, now: Duration) -> Option<Refused> {
        let earlier = self.0.get(&sent.place)?;
        if earlier.is_before(sent) && now < earlier.until {
            return Some(earlier.refused.clone());
        }
        self.0.remove(&sent.place);
        None
    }

    /// A batch was refused. Only the first one counts, and only if the producer is to send it again.
    pub(super) fn note(&mut self, sent: Sent, refused: &Refused, now: Duration) {
        if self.0.len() >= limits::MAX_REFUSED_BATCHES {
            self.0.retain(|_, earlier| now < earlier.until);
        }
        if passes(refused.error_code) && self.0.len() < limits::MAX_REFUSED_BATCHES {
            let Sent { place, epoch, base_sequence } = sent;
            let until = now + limits::REFUSED_BATCH_COUNTS;
            let earlier = || Earlier { epoch, base_sequence, refused: refused.clone(), until };
            self.0.entry(place.detached()).or_insert_with(earlier);
        }
    }
}

impl Earlier {
    /// Sequence numbers begin anew behind the largest.
    fn is_before(&self, sent: &Sent) -> bool {
        let distance = sent.base_sequence.wrapping_sub(self.base_sequence) & i32::MAX;
        self.epoch == sent.epoch && (1..=i32::MAX / 2).contains(&distance)
    }
}

/// Whether a producer sends the same batch again.
fn passes(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NOT_LEADER_OR_FOLLOWER
            | ErrorCode::NOT_ENOUGH_REPLICAS
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::KAFKA_STORAGE_ERROR
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chronik_kafka::Str;
    use chronik_kafka::record_batch::BatchBuilder;

    use super::*;

    const REFUSED: ErrorCode = ErrorCode::NOT_ENOUGH_REPLICAS;

    fn sent(partition: i32, producer_id: i64, epoch: i16, sequence: i32) -> Sent {
        let mut batch = BatchBuilder::new().producer(producer_id, epoch, sequence);
        batch.record(0, None, None);
        let topic = TopicRef::Name("orders".into());
        Sent::read(&topic, partition, &batch.build().to_bytes()).expect("a batch of a producer")
    }

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn with_one_refused() -> Pipeline {
        let mut pipeline = Pipeline::default();
        pipeline.note(sent(0, 7, 1, 10), &Refused::new(REFUSED, None), second(0));
        pipeline
    }

    #[test]
    fn what_comes_behind_is_behind_until_the_refused_one_comes_again() {
        for (next, is_behind, goes_on_to_count) in [
            (sent(0, 7, 1, 11), true, true),
            (sent(0, 7, 1, 500), true, true),
            (sent(0, 7, 1, 10), false, false), // sent again
            (sent(0, 7, 1, 8), false, false),  // and what was before it
            (sent(0, 7, 2, 11), false, false), // its sequence numbers have begun anew
            (sent(1, 7, 1, 11), false, true),
            (sent(0, 8, 1, 11), false, true),
        ] {
            let mut pipeline = with_one_refused();
            let found = pipeline.behind(&next, second(1)).map(|refused| refused.error_code);
            assert_eq!(found, is_behind.then_some(REFUSED), "{next:?}");
            assert_eq!(!pipeline.is_empty(), goes_on_to_count, "{next:?}");
        }
    }

    #[test]
    fn the_first_one_counts_for_some_time_and_only_if_it_is_sent_again() {
        let mut pipeline = with_one_refused();
        pipeline.note(sent(0, 7, 1, 11), &Refused::new(REFUSED, None), second(1));
        assert!(pipeline.behind(&sent(0, 7, 1, 11), second(1)).is_some(), "10 is still missing");
        let end = limits::REFUSED_BATCH_COUNTS;
        assert!(pipeline.behind(&sent(0, 7, 1, 12), end).is_none() && pipeline.is_empty());
        pipeline.note(sent(0, 7, 1, 12), &Refused::new(ErrorCode::MESSAGE_TOO_LARGE, None), end);
        assert!(pipeline.is_empty(), "the producer gives that one up");
    }

    #[test]
    fn what_was_refused_does_not_keep_the_request() {
        let frame = Bytes::from(b"orders".to_vec());
        let batch = {
            let mut batch = BatchBuilder::new().producer(7, 1, 10);
            batch.record(0, None, None);
            batch.build().to_bytes()
        };
        let topic = TopicRef::Name(Str::from_utf8(frame.clone()).expect("it is"));
        let mut pipeline = Pipeline::default();
        let sent = Sent::read(&topic, 0, &batch).expect("a batch of a producer");
        drop(topic);
        pipeline.note(sent, &Refused::new(REFUSED, None), second(0));
        assert!(!pipeline.is_empty() && frame.is_unique());
    }

    #[test]
    fn who_is_refused_when_there_are_too_many_takes_the_place_of_those_that_count_no_more() {
        let mut pipeline = Pipeline::default();
        for partition in (0..).take(limits::MAX_REFUSED_BATCHES + 1) {
            pipeline.note(sent(partition, 7, 1, 10), &Refused::new(REFUSED, None), second(0));
        }
        assert_eq!(pipeline.0.len(), limits::MAX_REFUSED_BATCHES);
        pipeline.note(sent(-1, 7, 1, 10), &Refused::new(REFUSED, None), limits::REFUSED_BATCH_COUNTS);
        assert_eq!(pipeline.0.len(), 1);
    }

    #[test]
    fn sequence_numbers_go_on_at_zero_behind_the_largest() {
        let mut pipeline = Pipeline::default();
        pipeline.note(sent(0, 7, 1, i32::MAX), &Refused::new(REFUSED, None), second(0));
        assert!(pipeline.behind(&sent(0, 7, 1, 3), second(1)).is_some());
    }
}
