//! Kernel `publication`: everything below the high watermark is in the picture.

use std::sync::Arc;

use concurrency_models::publication::{Publication, Readable};
use loom_tests::check;
use loom_tests::run::{block_on, spawn};

/// A picture of a log is here the number of records in it.
type Log = Arc<Publication<i64>>;

/// Returns where the picture ends, and the high watermark.
fn assert_no_gap(readable: &Readable<i64>) -> (i64, i64) {
    let (end, high_watermark) = (*readable.view, readable.high_watermark);
    assert!(end >= high_watermark, "readable up to {high_watermark}, and the picture ends at {end}");
    (end, high_watermark)
}

#[test]
fn there_is_no_gap_below_the_high_watermark() {
    check(|| {
        let log = Log::new(Publication::new(0, 0));
        let writer = spawn({
            let log = log.clone();
            move || {
                log.publish(1, 1);
                log.publish(3, 2); // more is written than is committed
            }
        });
        let seen = [assert_no_gap(&log.read()), assert_no_gap(&log.read())];
        writer.join();
        assert_eq!((*log.read().view, log.high_watermark()), (3, 2));
        seen
    });
}

#[test]
fn who_waits_for_an_offset_can_read_it() {
    check(|| {
        let log = Log::new(Publication::new(0, 0));
        let writer = spawn({
            let log = log.clone();
            move || log.publish(1, 1)
        });
        let readable = block_on(log.readable_to(1)).expect("not closed");
        assert!(readable.high_watermark >= 1);
        assert_no_gap(&readable);
        writer.join();
    });
}

#[test]
fn a_close_reaches_who_waits() {
    check(|| {
        let log = Log::new(Publication::new(0, 0));
        let waiter = spawn({
            let log = log.clone();
            move || block_on(log.readable_to(1)).is_err()
        });
        log.close();
        assert!(waiter.join());
    });
}
