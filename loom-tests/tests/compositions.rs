//! Kernels together, as the server puts them together.

use std::sync::Arc;

use concurrency_models::gate::Gate;
use concurrency_models::group_commit::{self, Entry, Flusher};
use concurrency_models::image::Image;
use concurrency_models::mailbox::{self, TrySendError};
use concurrency_models::pending::Pending;
use concurrency_models::publication::Publication;
use concurrency_models::reply::{self, Reply, Unanswered};
use concurrency_models::watermark::Watermark;
use loom_tests::check;
use loom_tests::run::{Running, block_on, join_all, spawn};

/// The picture of a partition's log: its records, in order.
type Log = Arc<Publication<Vec<u32>>>;

/// The flusher of the server: append the group to the log, publish what the log has become, answer with the offsets. Returns the log.
fn flush(mut flusher: Flusher<u32, i64>, published: Log) -> Running<Vec<u32>> {
    spawn(move || {
        let mut log = Vec::new();
        while let Some(group) = block_on(flusher.next_group(usize::MAX)) {
            let mut answers = Vec::new();
            for Entry { value, reply, .. } in group {
                answers.push((reply, log.len() as i64));
                log.push(value);
            }
            group_commit::settle(|| published.publish(log.clone(), log.len() as i64), answers);
        }
        log
    })
}

/// A produce request is acknowledged -> a consumer can read it.
#[test]
fn an_acknowledged_append_is_readable() {
    check(|| {
        let log = Log::new(Publication::new(Vec::new(), 0));
        let (queue, flusher) = group_commit::new();
        let flusher = flush(flusher, log.clone());
        let offset = block_on(queue.append(7, 1).expect("open").wait()).expect("flushed");
        let readable = log.read();
        assert!(readable.high_watermark > offset, "acknowledged, and not readable yet");
        assert_eq!(readable.view.get(usize::try_from(offset).expect("not negative")), Some(&7));
        queue.close();
        assert_eq!(flusher.join(), [7]);
    });
}

/// A consumer waits for the next record (long poll) -> it is woken when the record can be read.
#[test]
fn who_is_woken_by_the_high_watermark_reads_the_record() {
    check(|| {
        let log = Log::new(Publication::new(Vec::new(), 0));
        let (queue, flusher) = group_commit::new();
        let flusher = flush(flusher, log.clone());
        let appended = queue.append(7, 1);
        queue.close();
        let readable = block_on(log.readable_to(1)).expect("not closed");
        assert_eq!(readable.view[0], 7);
        assert_eq!(flusher.join(), [7]);
        drop(appended);
    });
}

/// Shutdown: close the gate, wait for the handlers inside, close the log, wait for the flusher.
#[test]
fn nothing_is_appended_after_the_seal_and_nothing_is_lost() {
    check(|| {
        let gate = Gate::new();
        let (queue, mut flusher) = group_commit::new::<u32, ()>();
        let handler = spawn({
            let (gate, queue) = (gate.clone(), queue.clone());
            move || {
                let inside = gate.enter()?;
                let answer = queue.append(7, 1).expect("a handler that is inside appends after the seal");
                drop(inside);
                Some(answer)
            }
        });
        gate.close();
        block_on(gate.drained());
        queue.close(); // the seal
        let mut flushed = 0;
        while let Some(group) = block_on(flusher.next_group(usize::MAX)) {
            flushed += group.len();
            group_commit::settle(|| {}, group.into_iter().map(|entry| (entry.reply, ())));
        }
        match handler.join() {
            Some(mut answer) => assert_eq!((flushed, block_on(answer.wait())), (1, Ok(()))),
            None => assert_eq!(flushed, 0),
        }
        flushed
    });
}

/// A task ends: its mailbox is drained, then dropped. A request that comes meanwhile must not wait for it.
#[test]
fn a_request_to_a_task_that_ends_is_answered_or_refused() {
    check(|| {
        let (sender, mut receiver) = mailbox::channel::<Reply<u32>>(1);
        let task = spawn(move || {
            receiver.close();
            while let Some(request) = block_on(receiver.recv()) {
                let _unwanted = request.send(7);
            }
        });
        let (reply, mut answer) = reply::channel();
        let sent = sender.try_send(reply);
        assert!(!matches!(sent, Err(TrySendError::Full(_))));
        let accepted = sent.is_ok();
        drop(sent); // if it was refused, the reply ends here
        assert_eq!(block_on(answer.wait()), if accepted { Ok(7) } else { Err(Unanswered) });
        task.join();
        accepted
    });
}

/// The same with a table of requests: what is registered while the one who would complete it ends.
#[test]
fn a_request_registered_while_its_server_ends_is_completed_or_refused() {
    check(|| {
        let table = Pending::<u64, &str>::new();
        let (sender, mut receiver) = mailbox::channel::<u64>(1);
        let server = spawn({
            let table = table.clone();
            move || {
                receiver.close();
                while let Some(key) = block_on(receiver.recv()) {
                    table.complete(key, "done");
                }
                table.close(|_| "shut down");
            }
        });
        let outcome = table.open().ok().map(|mut request| {
            let sent = sender.try_send(request.key()).is_ok();
            let outcome = block_on(request.outcome()).expect("completed");
            assert!(outcome == "done" || !sent, "sent and drained, but {outcome}");
            outcome
        });
        server.join();
        outcome
    });
}

/// The metadata image: two writers, and a reader that waits for an applied index and then reads.
#[test]
fn who_waits_for_an_applied_index_reads_what_was_applied() {
    check(|| {
        let image = Arc::new(Image::new(0_i64));
        let applied = Arc::new(Watermark::new(0));
        let writers =
            [(image.clone(), applied.clone()), (image.clone(), applied.clone())].map(|(image, applied)| {
                spawn(move || {
                    let version = image.update(|now| now + 1);
                    applied.advance(version);
                })
            });
        let index = block_on(applied.reached(1)).expect("not closed");
        assert!(*image.load() >= index, "woken at {index}, and the picture shows {}", *image.load());
        join_all(writers);
        assert_eq!(*image.load(), 2);
        index
    });
}
