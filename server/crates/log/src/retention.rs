//! What may be deleted from a log's start. Pure.

use crate::partition::Partition;
use crate::segment::Sealed;
use crate::types::TopicLogConfig;

/// A new start of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewStart {
    /// First offset.
    pub(crate) log_start: i64,
    /// First segment that stays; the log end if none does.
    pub(crate) first_segment: i64,
    pub(crate) segments_deleted: usize,
}

/// `DeleteRecords`: segments wholly below `offset` go; the one that holds it, or is active, stays.
pub(crate) fn start_at(partition: &Partition, offset: i64) -> NewStart {
    let above = partition.segments.partition_point(|segment| segment.base_offset <= offset);
    let kept = above.saturating_sub(1);
    let first_segment = partition.segments.get(kept).map_or(0, |segment| segment.base_offset);
    NewStart { log_start: offset, first_segment, segments_deleted: kept }
}

/// Retention by time and by size; at most `budget` segments. Also returns whether there is more to delete.
pub(crate) fn enforce(partition: &Partition, now_ms: i64, budget: usize) -> (Option<NewStart>, bool) {
    let mut facts: Vec<Sealed> = partition.segments.iter().filter_map(|segment| segment.sealed).collect();
    facts.push(partition.end.sealed());
    let expired = expired(&facts, &partition.config, partition.bounded_high_watermark(), now_ms);
    let delete = expired.min(budget);
    if delete == 0 {
        return (None, expired > 0);
    }
    let next = partition.segments.get(delete);
    let first_segment = next.map_or(partition.end.offset, |segment| segment.base_offset);
    let log_start = partition.log_start.max(first_segment);
    (Some(NewStart { log_start, first_segment, segments_deleted: delete }), delete < expired)
}

/// Number of leading segments that are to go. The last of `segments` is the active one.
fn expired(segments: &[Sealed], config: &TopicLogConfig, high_watermark: i64, now_ms: i64) -> usize {
    if !config.cleanup_policy.delete {
        return 0;
    }
    let total: u64 = segments.iter().map(|segment| segment.size).sum();
    let mut left = total;
    let mut count = 0;
    for (index, segment) in segments.iter().enumerate() {
        let is_active = index + 1 == segments.len();
        left -= segment.size;
        let too_old = config.retention_ms.is_some_and(|retention_ms| {
            segment.max_timestamp >= 0 && now_ms.saturating_sub(segment.max_timestamp) > retention_ms
        });
        // What is left without it is still as much as is to be kept.
        let too_much = !is_active && config.retention_bytes.is_some_and(|retention| left >= retention);
        let deletable = segment.size > 0 && segment.end_offset <= high_watermark;
        let empty = segment.size == 0 && !is_active;
        if !(empty || deletable && (too_old || too_much)) {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::CleanupPolicy;

    fn segments() -> Vec<Sealed> {
        let segment = |end_offset, max_timestamp| Sealed { size: 100, end_offset, max_timestamp };
        vec![segment(10, 1000), segment(20, 2000), segment(30, 3000)]
    }

    fn config(retention_ms: Option<i64>, retention_bytes: Option<u64>) -> TopicLogConfig {
        TopicLogConfig { retention_ms, retention_bytes, ..TopicLogConfig::default() }
    }

    #[test]
    fn old_segments_go_the_active_one_too() {
        let config = config(Some(500), None);
        for (now, expected) in [(1500, 0), (1501, 1), (2501, 2), (3501, 3)] {
            assert_eq!(expired(&segments(), &config, 30, now), expected, "at {now}");
        }
        assert_eq!(expired(&segments(), &config, 19, 9999), 1, "nothing above the high watermark");
    }

    #[test]
    fn what_is_only_compacted_is_not_deleted() {
        let of = |cleanup_policy| TopicLogConfig { cleanup_policy, ..config(Some(0), Some(0)) };
        for (policy, expected) in
            [(CleanupPolicy::DELETE, 3), (CleanupPolicy::COMPACT, 0), (CleanupPolicy::COMPACT_AND_DELETE, 3)]
        {
            assert_eq!(expired(&segments(), &of(policy), 30, 9999), expected, "{policy}");
        }
    }

    #[test]
    fn excess_bytes_go_but_never_the_active_segment() {
        for (bytes, expected) in [(300, 0), (201, 0), (200, 1), (101, 1), (100, 2), (0, 2)] {
            assert_eq!(expired(&segments(), &config(None, Some(bytes)), 30, 0), expected, "{bytes} bytes");
        }
    }

    #[test]
    fn without_timestamps_nothing_is_old() {
        let segment = Sealed { size: 1, end_offset: 1, max_timestamp: -1 };
        assert_eq!(expired(&[segment, segment], &config(Some(0), None), 9, i64::MAX), 0);
    }
}
