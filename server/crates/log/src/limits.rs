//! Every bound of this crate, by name. Units last.

/// Bytes of a block: file headers take one, so that records never share a sector with a header.
pub const BLOCK_BYTES: u64 = 4096;
/// Bytes of the first WAL segment: small, so that start-up is quick.
pub const FIRST_WAL_SEGMENT_BYTES: u64 = 4 << 20;
/// Bytes of the later WAL segments.
pub const WAL_SEGMENT_BYTES: u64 = 64 << 20;
/// Zeroed or recycled WAL segments kept ready; more are unlinked.
pub const MAX_SPARE_WAL_SEGMENTS: usize = 4;
/// WAL bytes staged in one group, beyond which `stage` asks for a commit first.
pub const MAX_GROUP_BYTES: u64 = 48 << 20;
/// Bytes that one group appends to a partition, from which on they are written to its segment alone, without a copy in
/// the WAL: an extra sync costs about as much as writing this.
pub const BULK_BYTES: u64 = 512 << 10;
/// Partitions of a group that are written that way at most, since each takes a sync of its own.
pub const MAX_BULK_PARTITIONS: usize = 4;
/// Operations staged in one group, beyond which `stage` asks for a commit first.
pub const MAX_GROUP_OPS: usize = 64 << 10;
/// Bytes of a metadata record.
pub const MAX_METADATA_BYTES: usize = 16 << 20;
/// Bytes of a metadata snapshot. One that is longer than what a group or a WAL segment holds has both for itself.
pub const MAX_METADATA_SNAPSHOT_BYTES: usize = 64 << 20;
/// Bytes of the metadata records since the last snapshot, default: they are kept in memory and in every checkpoint.
pub const MAX_METADATA_RECORDS_BYTES: u64 = 256 << 20;
/// Bytes from which on a piece of a checkpoint is shared with its owner; smaller ones are copied.
pub(crate) const SHARED_PIECE_BYTES: usize = 64 << 10;
/// Bytes of a WAL record's header, batch header included.
pub const MAX_WAL_HEADER_BYTES: usize = 256;
/// Bytes of a batch, and of the body of any WAL record, that recovery and readers believe in. Kafka's own bound is `i32::MAX`.
pub const MAX_BATCH_BYTES: usize = 512 << 20;

/// Bytes that are set aside behind the end of a segment that gets bulk, at most.
pub const MAX_ROOM_BYTES: u64 = 32 << 20;
/// Bytes of a partition segment (`segment.bytes`), default and ceiling. Positions are `u32`; Kafka's are `i32`.
pub const SEGMENT_BYTES: u64 = 1 << 30;
/// Ceiling of `segment.bytes`.
pub const MAX_SEGMENT_BYTES: u64 = i32::MAX as u64;
/// Bytes between two index entries (`index.interval.bytes`).
pub const INDEX_INTERVAL_BYTES: u64 = 4096;
/// Open partition files kept by the cache.
pub const MAX_OPEN_FILES: usize = 1024;

/// Batches remembered per producer id (KIP-98: five requests in flight).
pub const PRODUCER_BATCHES: usize = 5;
/// Producer ids remembered per partition; the least recently used one goes first.
pub const MAX_PRODUCERS_PER_PARTITION: usize = 100_000;
/// Bytes below a truncation point that are searched for the last batches of producers that lost all theirs.
pub const PRODUCER_REBUILD_BYTES: u64 = 64 << 20;
/// `producer.id.expiration.ms`, default: a day.
pub const PRODUCER_ID_EXPIRATION_MS: i64 = 86_400_000;

/// Segments that one retention operation deletes at most; the rest waits for the next.
pub const RETENTION_SEGMENTS_PER_OP: usize = 256;
/// Bytes that a compaction reads, or writes, at once.
pub const COMPACTION_BUFFER_BYTES: usize = 1 << 20;
/// Bytes that one step of a compaction reads, about: who bounds its rate has a say in between.
pub const COMPACTION_STEP_BYTES: u64 = 2 << 20;
/// Segments that a compaction makes one of at most: each is renamed on the log's own thread.
pub const COMPACTION_GROUP_SEGMENTS: usize = 64;
/// Hundredths of the offset map's slots that are used: the fuller it is, the longer a look-up.
pub const DEDUPE_LOAD_PERCENT: usize = 80;
/// Bytes of a control batch's records that are looked at: a marker has fewer.
pub const MAX_CONTROL_BYTES: usize = 4096;
/// Transaction markers that a compaction keeps in mind; where there are more, it ends.
pub const MAX_COMPACTION_MARKERS: usize = 1 << 20;
/// Bytes that the records of a batch may come to when they are decompressed. A batch is 1 MiB by default, before which
/// codecs save up to 99 % of ordinary data.
pub const MAX_DECOMPRESSED_BYTES: usize = 64 << 20;
/// Bytes that a scan over a segment reads at once.
pub const SCAN_CHUNK_BYTES: usize = 256 << 10;
/// Bytes that a look-up reads at once while it walks from an index entry to its batch.
pub const LOCATE_CHUNK_BYTES: usize = 8 << 10;
/// Slices of one vectored write (`IOV_MAX`).
pub const MAX_IO_SLICES: usize = 1024;
/// Damage entries kept in a report.
pub const MAX_REPORTED_DAMAGE: usize = 1000;
/// Bytes of a checkpoint file that recovery believes in.
pub const MAX_CHECKPOINT_BYTES: u64 = 4 << 30;
const _: () = assert!(
    MAX_METADATA_BYTES <= MAX_METADATA_SNAPSHOT_BYTES && MAX_METADATA_SNAPSHOT_BYTES <= MAX_BATCH_BYTES,
    "recovery must believe in every metadata record that is accepted"
);
const _: () = assert!(
    MAX_METADATA_SNAPSHOT_BYTES as u64 + MAX_METADATA_RECORDS_BYTES < MAX_CHECKPOINT_BYTES / 2,
    "a checkpoint must have room for the metadata and the partitions"
);
/// LSNs that one damaged stretch of WAL may span before recovery gives up resynchronising.
pub const MAX_DAMAGED_LSNS: u64 = 1 << 24;
/// A batch from this length on may be sent from its file; smaller ones are copied.
pub(crate) const REGION_BATCH_BYTES: usize = 64 << 10;
/// Batches in one region, at most.
pub(crate) const REGION_BATCHES: usize = 64;
/// Bytes between two looks whether a region is in the page cache.
pub(crate) const REGION_LOOK_BYTES: usize = 128 << 10;
