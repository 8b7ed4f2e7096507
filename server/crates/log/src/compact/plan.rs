//! Which part of a log is compacted, and when. Pure; the rules are Kafka's (`LogCleanerManager.cleanableOffsets`, `LogToClean`,
//! `Cleaner.groupSegmentsBySize`).

use std::ops::Range;

use crate::limits;
use crate::segment::Sealed;
use crate::types::TopicLogConfig;

/// A sealed segment, by its base offset.
pub(crate) type Candidate = (i64, Sealed);

/// Offsets that bound what may be compacted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// First offset of the log.
    pub(crate) log_start: i64,
    /// Everything below has been compacted.
    pub(crate) cleaned: i64,
    /// Nothing from here on is committed.
    pub(crate) high_watermark: i64,
    /// Segments below are as the last checkpoint has them.
    pub(crate) recovery: i64,
}

/// The part of a log that has not been compacted and could be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Dirty {
    pub(crate) first: i64,
    pub(crate) end: i64,
    /// Its share of the bytes that a compaction reads.
    pub(crate) ratio: f64,
}

/// The dirty part; `None` if there is none. `segments` are the sealed ones, ascending.
pub(crate) fn dirty(
    segments: &[Candidate],
    bounds: &Bounds,
    config: &TopicLogConfig,
    now_ms: i64,
) -> Option<Dirty> {
    let first = if bounds.cleaned > segments.last()?.1.end_offset { 0 } else { bounds.cleaned };
    let first = first.max(bounds.log_start);
    let is_dirty = |sealed: &Sealed| sealed.end_offset > first;
    let too_young = |sealed: &Sealed| {
        config.min_compaction_lag_ms > 0
            && sealed.max_timestamp > now_ms.saturating_sub(config.min_compaction_lag_ms)
    };
    let lag_bound =
        segments.iter().find(|(_, sealed)| is_dirty(sealed) && too_young(sealed)).map(|(base, _)| *base);
    let sealed_end =
        segments.iter().map(|(_, sealed)| sealed.end_offset).rfind(|end| *end <= bounds.recovery)?;
    let end = sealed_end.min(bounds.high_watermark).min(lag_bound.unwrap_or(i64::MAX));
    let bytes = |dirty: bool| -> u64 {
        let below = segments.iter().filter(|(base, _)| *base < end);
        below.filter(|(_, sealed)| is_dirty(sealed) == dirty).map(|(_, sealed)| sealed.size).sum()
    };
    let (clean_bytes, dirty_bytes) = (bytes(false), bytes(true));
    if end <= first || dirty_bytes == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let ratio = dirty_bytes as f64 / (clean_bytes + dirty_bytes) as f64;
    Some(Dirty { first, end, ratio })
}

impl Dirty {
    /// Whether it is time. `first_ms` is the time of its first record, if that is known (`max.compaction.lag.ms` is about it).
    pub(crate) fn is_due(&self, config: &TopicLogConfig, now_ms: i64, first_ms: Option<i64>) -> bool {
        let too_old = config.max_compaction_lag_ms < i64::MAX
            && first_ms.is_some_and(|first_ms| {
                first_ms >= 0 && now_ms.saturating_sub(first_ms) > config.max_compaction_lag_ms
            });
        too_old || self.ratio > config.min_cleanable_dirty_ratio
    }
}

/// Neighbouring segments below `end` that fit into one of `segment_bytes` as they are now; a larger one stays alone.
pub(crate) fn groups(segments: &[Candidate], end: i64, segment_bytes: u64) -> Vec<Range<usize>> {
    let count = segments.partition_point(|(base, _)| *base < end);
    let mut groups: Vec<Range<usize>> = Vec::new();
    let (mut base, mut bytes) = (0, 0);
    for (index, (segment_base, sealed)) in segments[..count].iter().enumerate() {
        let fits = bytes + sealed.size <= segment_bytes && sealed.end_offset - base <= i64::from(i32::MAX);
        match groups.last_mut() {
            Some(group) if fits && group.len() < limits::COMPACTION_GROUP_SEGMENTS => {
                group.end = index + 1;
                bytes += sealed.size;
            }
            _ => {
                groups.push(index..index + 1);
                (base, bytes) = (*segment_base, sealed.size);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0..10, 10..20, 20..30 of 100 bytes each, at 1000, 2000, 3000 ms.
    fn segments() -> Vec<Candidate> {
        let segment =
            |n: i64| (n * 10, Sealed { size: 100, end_offset: n * 10 + 10, max_timestamp: n * 1000 + 1000 });
        vec![segment(0), segment(1), segment(2)]
    }

    const BOUNDS: Bounds = Bounds { log_start: 0, cleaned: 0, high_watermark: 99, recovery: 30 };

    fn found(bounds: Bounds, min_compaction_lag_ms: i64) -> Option<(i64, i64)> {
        let config = TopicLogConfig { min_compaction_lag_ms, ..TopicLogConfig::default() };
        dirty(&segments(), &bounds, &config, 3500).map(|dirty| (dirty.first, dirty.end))
    }

    #[test]
    fn the_dirty_part_is_between_what_is_clean_and_what_is_not_settled() {
        for (what, bounds, expected) in [
            ("all", BOUNDS, Some((0, 30))),
            ("behind what is clean", Bounds { cleaned: 10, ..BOUNDS }, Some((10, 30))),
            ("from inside a segment", Bounds { cleaned: 15, ..BOUNDS }, Some((15, 30))),
            ("nothing", Bounds { cleaned: 30, ..BOUNDS }, None),
            ("the log was cut below what was clean", Bounds { cleaned: 31, ..BOUNDS }, Some((0, 30))),
            ("the log starts later", Bounds { log_start: 12, ..BOUNDS }, Some((12, 30))),
            ("committed", Bounds { high_watermark: 17, ..BOUNDS }, Some((0, 17))),
            ("in the checkpoint", Bounds { recovery: 20, ..BOUNDS }, Some((0, 20))),
            ("nothing in the checkpoint", Bounds { recovery: 0, ..BOUNDS }, None),
        ] {
            assert_eq!(found(bounds, 0), expected, "{what}");
        }
        assert_eq!(dirty(&[], &BOUNDS, &TopicLogConfig::default(), 0), None);
    }

    #[test]
    fn young_segments_wait() {
        for (lag_ms, expected) in
            [(499, Some((0, 30))), (501, Some((0, 20))), (1501, Some((0, 10))), (2501, None)]
        {
            assert_eq!(found(BOUNDS, lag_ms), expected, "{lag_ms}");
        }
    }

    #[test]
    fn the_ratio_or_the_age_of_the_first_record_makes_it_due() {
        let config = TopicLogConfig { max_compaction_lag_ms: 1000, ..TopicLogConfig::default() };
        for (cleaned, ratio, due) in [(0, 1.0, true), (10, 2.0 / 3.0, true), (20, 1.0 / 3.0, false)] {
            let dirty = dirty(&segments(), &Bounds { cleaned, ..BOUNDS }, &config, 9000).unwrap();
            assert!((dirty.ratio - ratio).abs() < 1e-9, "{cleaned}");
            assert_eq!(dirty.is_due(&config, 3500, Some(2500)), due, "{cleaned}");
            assert!(dirty.is_due(&config, 3501, Some(2500)), "{cleaned}");
            assert_eq!(dirty.is_due(&config, 9000, None), due, "{cleaned}");
            assert_eq!(
                dirty.is_due(&TopicLogConfig::default(), i64::MAX, Some(0)),
                due,
                "no limit by default"
            );
        }
    }

    #[test]
    fn neighbours_that_fit_share_a_segment() {
        for (end, segment_bytes, expected) in [
            (30, 300, vec![0..3]),
            (30, 299, vec![0..2, 2..3]),
            (30, 1, vec![0..1, 1..2, 2..3]),
            (20, 300, vec![0..2]),
            (21, 300, vec![0..3]),
            (0, 300, vec![]),
        ] {
            assert_eq!(groups(&segments(), end, segment_bytes), expected, "{end} {segment_bytes}");
        }
        let mut far = segments();
        far[2].1.end_offset = i64::from(i32::MAX) + 1;
        assert_eq!(groups(&far, 30, 300), [0..2, 2..3], "offsets are 31 bits from the base");
        let many: Vec<Candidate> =
            (0..1000).map(|n| (n, Sealed { size: 1, end_offset: n + 1, max_timestamp: 1 })).collect();
        assert_eq!(groups(&many, 1000, 1 << 20).len(), 1000usize.div_ceil(limits::COMPACTION_GROUP_SEGMENTS));
    }
}
