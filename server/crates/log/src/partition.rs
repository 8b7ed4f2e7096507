//! A partition, as its owner holds it. Small when idle: no open file, no buffer.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::end::LogEnd;
use crate::epoch::EpochCache;
use crate::files::FileCache;
use crate::producer::ProducerTable;
use crate::room::Room;
use crate::segment::Segment;
use crate::staged::StagedAppends;
use crate::types::{Lsn, PartitionId, TopicLogConfig};
use crate::view::LogView;

/// A partition's committed state, and what the current group is about to change.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) config: Arc<TopicLogConfig>,
    /// LSN of its `Create`.
    pub(crate) generation: Lsn,
    pub(crate) log_start: i64,
    /// As told by the server; `None` until then.
    pub(crate) high_watermark: Option<i64>,
    /// Committed end.
    pub(crate) end: LogEnd,
    /// Ascending, never empty; all but the last are sealed.
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) epochs: EpochCache,
    pub(crate) producers: ProducerTable,
    /// Everything below has been compacted.
    pub(crate) cleaned_offset: i64,
    /// Below, offsets may be missing between batches.
    pub(crate) gaps_below: i64,
    /// Where the active segment began at the last checkpoint: segments below are in it.
    pub(crate) recovery_offset: i64,
    /// The same of a checkpoint that is being written.
    pub(crate) next_recovery_offset: Option<i64>,
    /// LSN of the last cut, and of the last `Compacted`, of this run.
    pub(crate) cut_lsn: Lsn,
    pub(crate) swap_lsn: Lsn,
    /// A compaction failed in a way that will not pass.
    pub(crate) uncleanable: bool,
    /// Compactions since the last one that came to something: an open transaction may be in the way, or a full disk. Others go first.
    pub(crate) fruitless_compactions: u32,
    /// What the next checkpoint must sync.
    pub(crate) dirty: Dirty,
    /// Set aside for bulk.
    pub(crate) room: Room,
    /// The name of the active segment, or of the directory, may not be durable.
    pub(crate) names_unsynced: bool,
    /// What readers get.
    pub(crate) view: Arc<LogView>,
    /// Why nothing is served, if so.
    pub(crate) offline: Option<String>,
    /// The disk was full at the last append: whatever a producer has sent behind it follows on what is not there.
    pub(crate) refused: bool,
    /// What the current group is about to change. Dropped if the group fails.
    pub(crate) staged: Option<Box<StagedChange>>,
}

/// What a group does to a partition: appends, or one other thing.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "always behind a Box")]
pub(crate) enum StagedChange {
    Appends(StagedAppends),
    Alone,
}

/// Files written since the last checkpoint.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Dirty {
    /// Base offsets.
    pub(crate) segments: BTreeSet<i64>,
    /// Names in the directory changed.
    pub(crate) dir: bool,
}

impl Dirty {
    pub(crate) fn merge(&mut self, other: Self) {
        self.segments.extend(other.segments);
        self.dir |= other.dir;
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.segments.is_empty() && !self.dir
    }
}

impl Partition {
    pub(crate) fn new(
        files: &Arc<FileCache>,
        id: PartitionId,
        generation: Lsn,
        config: Arc<TopicLogConfig>,
    ) -> Self {
        let segments = vec![Arc::new(Segment::new(files, id, 0, None))];
        Self::of(id, generation, config, 0, LogEnd::empty(0), segments, EpochCache::default())
    }

    pub(crate) fn of(
        id: PartitionId,
        generation: Lsn,
        config: Arc<TopicLogConfig>,
        log_start: i64,
        end: LogEnd,
        segments: Vec<Arc<Segment>>,
        epochs: EpochCache,
    ) -> Self {
        let view =
            LogView { id, log_start_offset: log_start, segments: segments.clone(), epochs: epochs.clone() };
        Self {
            id,
            config,
            generation,
            log_start,
            high_watermark: None,
            end,
            segments,
            epochs,
            producers: ProducerTable::default(),
            cleaned_offset: 0,
            gaps_below: 0,
            recovery_offset: 0,
            next_recovery_offset: None,
            cut_lsn: 0,
            swap_lsn: 0,
            uncleanable: false,
            fruitless_compactions: 0,
            dirty: Dirty::default(),
            room: Room::default(),
            names_unsynced: false,
            view: Arc::new(view),
            offline: None,
            refused: false,
            staged: None,
        }
    }

    /// Makes a new view of the committed state.
    pub(crate) fn refresh_view(&mut self) {
        self.view = Arc::new(LogView {
            id: self.id,
            log_start_offset: self.log_start,
            segments: self.segments.clone(),
            epochs: self.epochs.clone(),
        });
    }

    /// A segment that ends at `end_offset` was compacted, and with it everything below `cleaned_offset`.
    pub(crate) fn note_compacted(&mut self, end_offset: i64, cleaned_offset: Option<i64>) {
        self.gaps_below = self.gaps_below.max(end_offset);
        self.cleaned_offset = cleaned_offset.unwrap_or(self.cleaned_offset);
    }

    /// The log was cut to this offset, which may be in a gap behind its last batch.
    pub(crate) fn end_at_cut(&mut self, to: i64) {
        if self.end.offset < to {
            self.end.offset = to;
            self.gaps_below = self.gaps_below.max(to);
        }
    }

    pub(crate) fn active(&self) -> Option<&Arc<Segment>> {
        self.segments.last()
    }

    pub(crate) fn segment(&self, base_offset: i64) -> Option<&Arc<Segment>> {
        let index = self.segments.binary_search_by_key(&base_offset, |segment| segment.base_offset).ok()?;
        self.segments.get(index)
    }

    /// End of the log with what is staged.
    pub(crate) fn staged_end(&self) -> LogEnd {
        match self.staged.as_deref() {
            Some(StagedChange::Appends(appends)) => appends.end,
            Some(StagedChange::Alone) | None => self.end,
        }
    }

    /// The high watermark, at most the log end.
    pub(crate) fn bounded_high_watermark(&self) -> i64 {
        self.high_watermark.unwrap_or(self.end.offset).clamp(self.log_start, self.end.offset)
    }
}
