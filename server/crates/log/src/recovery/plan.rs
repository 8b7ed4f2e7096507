//! Which WAL records still count. Pure: first all records are seen, then each append is judged.

use rustc_hash::FxHashMap;

use crate::checkpoint::PartitionState;
use crate::stage::Cut;
use crate::types::{Lsn, PartitionId};
use crate::wal::record::{Placed, WalRecord};

/// What checkpoint and WAL together say about a partition.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// LSN of the `Create` that counts.
    pub(crate) generation: Lsn,
    /// Its state at the checkpoint, unless it was created after.
    pub(crate) state: Option<PartitionState>,
    /// Truncations, ascending by LSN and by `to`: one that cuts deeper later makes an earlier one void.
    cuts: Vec<(Lsn, Cut)>,
    /// LSN of the latest `StartAt`, or 0: nothing before it counts.
    started: Lsn,
    /// Latest start of the log.
    pub(crate) log_start: i64,
    /// Segments below are deleted.
    pub(crate) first_segment: i64,
    /// Segments that were compacted, by base offset: their files may still have the other name.
    pub(crate) compacted: Vec<i64>,
    /// It was dropped, and not created again.
    pub(crate) dropped: bool,
    /// Whether any record is about it.
    pub(crate) touched: bool,
}

/// Takes note of a record above the checkpoint, in LSN order. Only a `Create` makes a partition known.
pub(crate) fn observe(
    plans: &mut FxHashMap<PartitionId, Plan>,
    id: PartitionId,
    lsn: Lsn,
    record: &WalRecord,
) {
    if matches!(record, WalRecord::Create { .. }) {
        plans.entry(id).or_default().observe(lsn, record);
    } else if let Some(plan) = plans.get_mut(&id) {
        plan.observe(lsn, record);
    }
}

impl Plan {
    pub(crate) fn at_checkpoint(state: PartitionState) -> Self {
        let first_segment = state.sealed.first().map_or(state.end.segment_base, |(base, _)| *base);
        Self {
            generation: state.generation,
            log_start: state.log_start,
            first_segment,
            state: Some(state),
            ..Self::default()
        }
    }

    /// Takes note of a record above the checkpoint, in LSN order.
    pub(crate) fn observe(&mut self, lsn: Lsn, record: &WalRecord) {
        self.touched = true;
        match *record {
            WalRecord::Create { .. } => {
                *self = Self { generation: lsn, touched: true, ..Self::default() };
            }
            WalRecord::Drop { generation, .. } if generation == self.generation => {
                *self = Self { generation, dropped: true, touched: true, ..Self::default() };
            }
            WalRecord::Truncate { generation, to, segment_base, position, .. }
                if generation == self.generation =>
            {
                let place = Cut { to, segment_base, position: position.into() };
                self.cut(lsn, place);
                self.log_start = self.log_start.min(to);
            }
            WalRecord::LogStart { generation, log_start, first_segment, .. }
                if generation == self.generation =>
            {
                self.log_start = self.log_start.max(log_start);
                self.first_segment = self.first_segment.max(first_segment);
            }
            WalRecord::StartAt { generation, offset, .. } if generation == self.generation => {
                self.start_at(lsn, offset);
            }
            WalRecord::Compacted { generation, segment_base, sealed, cleaned_offset, .. }
                if generation == self.generation =>
            {
                self.compacted.push(segment_base);
                if let Some(state) = &mut self.state {
                    state.replace_segments(segment_base, sealed, cleaned_offset);
                }
            }
            _ => {}
        }
    }

    /// The files of what was there before are no part of the log any more.
    fn start_at(&mut self, lsn: Lsn, offset: i64) {
        self.cuts.clear();
        self.compacted.clear();
        (self.started, self.log_start, self.first_segment) = (lsn, offset, offset);
        if let Some(state) = &mut self.state {
            state.start_at(offset);
        }
    }

    fn cut(&mut self, lsn: Lsn, cut: Cut) {
        // A second cut at the same offset may be at the start of a segment that the log rolled to after the first
        // one. What the checkpoint knows has to be cut where the first one was.
        let place =
            self.cuts.iter().find(|(_, earlier)| earlier.to == cut.to).map_or(cut, |(_, earlier)| *earlier);
        self.cuts.retain(|(_, earlier)| earlier.to < cut.to);
        self.cuts.push((lsn, place));
    }

    /// Whether no later record killed this append.
    pub(crate) fn is_live(&self, lsn: Lsn, append: &Placed) -> bool {
        let cut = self.cuts.iter().find(|(cut_lsn, _)| *cut_lsn > lsn);
        !self.dropped
            && lsn > self.started
            && append.generation == self.generation
            && append.segment_base >= self.first_segment
            && cut.is_none_or(|(_, cut)| append.header.base_offset < cut.to)
    }

    /// The latest cut before `lsn`. Inside a gap, it left the log's end behind the last batch.
    pub(crate) fn cut_before(&self, lsn: Lsn) -> Option<Cut> {
        let before = self.cuts.iter().rev().find(|(cut_lsn, _)| *cut_lsn < lsn);
        before.map(|(_, cut)| *cut)
    }

    /// The deepest cut, if it is below `offset`.
    pub(crate) fn cut_below(&self, offset: i64) -> Option<Cut> {
        self.cuts.first().map(|(_, cut)| *cut).filter(|cut| cut.to < offset)
    }
}

#[cfg(test)]
mod tests {
    use chronik_kafka::record_batch::BatchBuilder;
    use uuid::Uuid;

    use super::*;

    const ID: PartitionId = PartitionId { topic_id: Uuid::nil(), partition: 0 };

    fn plan(records: &[(Lsn, WalRecord)]) -> Plan {
        let mut plan = Plan::default();
        for (lsn, record) in records {
            plan.observe(*lsn, record);
        }
        plan
    }

    fn truncate(to: i64) -> WalRecord {
        WalRecord::Truncate { id: ID, generation: 1, to, segment_base: 0, position: 0, leader_epoch: 0 }
    }

    fn live(plan: &Plan, lsn: Lsn, generation: Lsn, base_offset: i64) -> bool {
        plan.is_live(lsn, &append(generation, 0, base_offset))
    }

    fn append(generation: Lsn, segment_base: i64, base_offset: i64) -> Placed {
        let mut batch = BatchBuilder::new().base_offset(base_offset);
        batch.record(0, None, None);
        let (header, follows) = (batch.build().header, base_offset);
        Placed { id: ID, generation, segment_base, position: 0, now_ms: 0, header, follows }
    }

    #[test]
    fn a_truncation_kills_only_what_came_before_it() {
        let plan = plan(&[
            (1, WalRecord::Create { id: ID }),
            (10, truncate(70)),
            (20, truncate(50)),
            (30, truncate(60)),
        ]);
        for (lsn, offset, expected) in [
            (5, 49, true),
            (5, 50, false),
            (15, 55, false),
            (25, 55, true),
            (25, 60, false),
            (35, 60, true),
            (35, 90, true),
        ] {
            assert_eq!(live(&plan, lsn, 1, offset), expected, "offset {offset} at LSN {lsn}");
        }
        assert_eq!(plan.cut_below(100).map(|cut| cut.to), Some(50));
        assert_eq!(plan.cut_below(50), None);
    }

    #[test]
    fn a_second_cut_at_the_same_offset_keeps_the_place_of_the_first() {
        let at = |segment_base, position| WalRecord::Truncate {
            id: ID,
            generation: 1,
            to: 50,
            segment_base,
            position,
            leader_epoch: 0,
        };
        let plan = plan(&[(1, WalRecord::Create { id: ID }), (10, at(0, 700)), (20, at(50, 0))]);
        assert_eq!(plan.cut_below(100), Some(Cut { to: 50, segment_base: 0, position: 700 }));
        assert!(!live(&plan, 15, 1, 50) && live(&plan, 25, 1, 50));
    }

    #[test]
    fn a_drop_kills_its_generation_only() {
        let dropped = [(1, WalRecord::Create { id: ID }), (5, WalRecord::Drop { id: ID, generation: 1 })];
        assert!(!live(&plan(&dropped), 3, 1, 0));
        assert!(plan(&dropped).dropped);
        let [create, drop] = dropped;
        let again = plan(&[create, drop, (6, WalRecord::Create { id: ID })]);
        assert!(!again.dropped && !live(&again, 3, 1, 0) && live(&again, 7, 6, 0));
    }

    #[test]
    fn nothing_before_a_log_began_anew_counts() {
        let start_at = WalRecord::StartAt { id: ID, generation: 1, offset: 100 };
        let records =
            [(1, WalRecord::Create { id: ID }), (10, truncate(50)), (20, start_at), (40, truncate(105))];
        let plan = plan(&records);
        for (lsn, offset, expected) in
            [(5, 49, false), (15, 55, false), (30, 100, true), (30, 105, false), (50, 105, true)]
        {
            let live = plan.is_live(lsn, &append(1, 100, offset));
            assert_eq!(live, expected, "offset {offset} at LSN {lsn}");
        }
        assert_eq!((plan.log_start, plan.cut_below(101)), (100, None), "the earlier cut is void");
        assert!(!plan.is_live(30, &append(1, 50, 100)), "not in a segment of the log as it is now");
    }

    #[test]
    fn a_log_start_kills_whole_segments() {
        let start = WalRecord::LogStart { id: ID, generation: 1, log_start: 30, first_segment: 20 };
        let plan = plan(&[(1, WalRecord::Create { id: ID }), (9, start)]);
        assert!(plan.is_live(5, &append(1, 20, 25)), "below the start, but in a segment that stays");
        assert!(!plan.is_live(5, &append(1, 10, 25)));
    }
}
