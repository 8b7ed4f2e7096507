//! A log in a temporary folder with one partition.
#![allow(dead_code, reason = "each bench uses its part")]

use std::sync::Arc;

use chronik_kafka::record_batch::{BatchBuilder, RecordBatch};
use chronik_log::disk::RealDisk;
use chronik_log::{Log, LogConfig, LogView, Op, Origin, PartitionId, TopicLogConfig};
use uuid::Uuid;

/// The partition.
const ID: PartitionId = PartitionId { topic_id: Uuid::from_u128(1), partition: 0 };

pub(crate) struct TestLog {
    log: Log,
    _folder: tempfile::TempDir,
}

impl TestLog {
    pub(crate) fn new() -> Self {
        // Beside the build, not in a folder that may be kept in memory: a sync shall cost what it costs.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let disk = RealDisk::open(folder.path()).expect("a data directory");
        let (mut log, _) = Log::open(Arc::new(disk), LogConfig::default(), &mut |_| {}).expect("a new log");
        let config = Arc::new(TopicLogConfig { max_message_bytes: 2 << 20, ..TopicLogConfig::default() });
        log.stage(Op::Create { id: ID, config }).expect("a new partition");
        log.commit().expect("created");
        Self { log, _folder: folder }
    }

    pub(crate) fn append(&mut self, batches: Vec<RecordBatch>) {
        for batch in batches {
            self.log
                .stage(Op::Append { id: ID, batch, origin: Origin::Leader { epoch: 0 }, now_ms: 0 })
                .expect("valid");
        }
        self.log.commit().expect("space on the disk");
        self.prepare();
    }

    /// What the server's file worker does.
    fn prepare(&mut self) {
        if let Some(job) = self.log.wal_prepare_job() {
            let done = job.run();
            self.log.finish_wal_prepare(done);
        }
        if self.log.wal_bytes_since_checkpoint() > 256 << 20
            && let Some(job) = self.log.begin_checkpoint()
        {
            self.log.finish_checkpoint(job.run()).expect("space on the disk");
        }
    }

    pub(crate) fn view(&self) -> (Arc<LogView>, i64) {
        (self.log.view(ID).expect("online"), self.log.log_end_offset(ID).expect("known"))
    }
}

pub(crate) fn batch(bytes: usize) -> RecordBatch {
    let value = vec![7; 1_000];
    let mut batch = BatchBuilder::new();
    for _ in 0..(bytes / value.len()).max(1) {
        batch.record(0, None, Some(&value));
    }
    batch.build()
}
