//! Kernel `group_commit`: the order is fixed at the append, every append completes or fails, nothing is lost at the end.

use concurrency_models::group_commit::{self, Entry, Flusher, GroupCommit, Rejected};
use concurrency_models::reply::{Answer, Unanswered};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

type Queue = GroupCommit<u32, u32>;

const ALL: usize = usize::MAX;

/// Flushes on a thread of its own until the queue has ended, answering each value with itself. Returns what was flushed, by group.
fn flush(mut flusher: Flusher<u32, u32>, max_bytes: usize) -> Running<Vec<Vec<u32>>> {
    spawn(move || {
        let mut flushed = Vec::new();
        while let Some(group) = block_on(flusher.next_group(max_bytes)) {
            flushed.push(group.iter().map(|entry| entry.value).collect());
            let answers = group.into_iter().map(|Entry { value, reply, .. }| (reply, value));
            group_commit::settle(|| {}, answers);
        }
        flushed
    })
}

fn outcome(appended: Result<Answer<u32>, Rejected<u32>>) -> Result<u32, Unanswered> {
    block_on(appended.expect("open").wait())
}

#[test]
fn every_append_completes() {
    check(|| {
        let (queue, flusher) = group_commit::new();
        let flusher = flush(flusher, ALL); // may look before anything is there
        let answer = outcome(queue.append(1, 1));
        assert_eq!(answer, Ok(1));
        queue.close();
        let flushed = flusher.join();
        assert_eq!(flushed, [[1]]);
        (answer, flushed)
    });
}

#[test]
fn appends_of_two_threads_both_complete() {
    check(|| {
        let (queue, mut flusher) = group_commit::new();
        let appends = [(queue.clone(), 1), (queue, 2)]
            .map(|(queue, value): (Queue, u32)| spawn(move || outcome(queue.append(value, 1))));
        let mut flushed: Vec<Vec<u32>> = Vec::new();
        while flushed.concat().len() < 2 {
            let group = block_on(flusher.next_group(ALL)).expect("open");
            flushed.push(group.iter().map(|entry| entry.value).collect());
            group_commit::settle(|| {}, group.into_iter().map(|entry| (entry.reply, entry.value)));
        }
        assert_eq!(join_all(appends), [Ok(1), Ok(2)], "each got the answer of its own entry");
        flushed
    });
}

#[test]
fn what_is_taken_is_no_longer_queued() {
    check(|| {
        let (queue, mut flusher) = group_commit::new();
        let appends = spawn({
            let queue: Queue = queue.clone();
            move || queue.append(1, 1).map(drop)
        });
        let before = queue.queued();
        let group = block_on(flusher.next_group(ALL)).expect("open");
        assert!(before <= group.len(), "{before} were queued and {} came out", group.len());
        assert_eq!(queue.queued(), 0, "it is in the flusher's hand and in the queue");
        assert_eq!(appends.join(), Ok(()));
        before
    });
}

#[test]
fn what_was_appended_before_the_close_is_flushed() {
    check(|| {
        let (queue, flusher) = group_commit::new();
        let mut first = queue.append(1, 1).expect("open");
        let flusher = flush(flusher, ALL);
        let second = queue.append(2, 1);
        queue.close();
        assert_eq!(block_on(first.wait()), Ok(1));
        assert_eq!(outcome(second), Ok(2));
        let flushed = flusher.join();
        assert_eq!(flushed.concat(), [1, 2], "in the order of the appends");
        flushed
    });
}

#[test]
fn an_append_and_the_close_at_once_agree() {
    check(|| {
        let (queue, flusher) = group_commit::new();
        let append = spawn({
            let queue: Queue = queue.clone();
            move || queue.append(1, 1).map(|mut answer| block_on(answer.wait()))
        });
        queue.close();
        let flushed = flush(flusher, ALL).join().concat();
        match append.join() {
            Ok(outcome) => assert!(outcome == Ok(1) && flushed == [1], "accepted, so it must be flushed"),
            Err(rejected) => {
                assert!(flushed.is_empty());
                assert!(matches!(rejected, Rejected::Closed(1)), "it was an orderly end: {rejected:?}");
            }
        }
        flushed
    });
}

#[test]
fn a_flusher_that_dies_leaves_nobody_waiting() {
    check(|| {
        let (queue, flusher) = group_commit::new::<u32, u32>();
        let dies = spawn(move || drop(flusher)); // before or after the append
        let appended = queue.append(1, 1);
        let accepted = appended.is_ok();
        match appended {
            Ok(mut answer) => assert_eq!(block_on(answer.wait()), Err(Unanswered)),
            Err(rejected) => assert_eq!(rejected, Rejected::Dead(1)),
        }
        dies.join();
        accepted
    });
}

#[test]
fn an_append_after_the_end_says_how_it_ended() {
    check_sequence(|| {
        let (queue, flusher) = group_commit::new::<u32, u32>();
        drop(flusher);
        assert_eq!(queue.append(1, 1).err(), Some(Rejected::Dead(1)), "it died");
        let (queue, flusher) = group_commit::new::<u32, u32>();
        queue.close();
        drop(flusher);
        let rejected = queue.append(1, 1).err();
        assert_eq!(rejected, Some(Rejected::Closed(1)), "it was closed and had nothing left to do");
        rejected
    });
}

#[test]
fn a_group_that_is_not_answered_fails_as_a_whole() {
    check(|| {
        let (queue, mut flusher) = group_commit::new();
        let fails = spawn(move || {
            let group: Option<Vec<Entry<u32, u32>>> = block_on(flusher.next_group(ALL));
            drop(group); // as after an error of the disk: the group first, then the flusher
        });
        let first = queue.append(1, 1).map(|mut answer| block_on(answer.wait()));
        assert_eq!(first, Ok(Err(Unanswered)));
        fails.join();
        first
    });
}

#[test]
fn a_group_is_as_large_as_may_be_and_never_empty() {
    check_sequence(|| {
        let (queue, flusher) = group_commit::new();
        let answers = [(1, 3), (2, 3), (3, 9), (4, 1)].map(|(value, bytes)| queue.append(value, bytes));
        queue.close();
        let flushed = flush(flusher, 6).join();
        assert_eq!(flushed, [vec![1, 2], vec![3], vec![4]]);
        assert!(answers.into_iter().zip(1..).all(|(answer, value)| outcome(answer) == Ok(value)));
        flushed
    });
}

#[cfg(not(loom))]
#[test]
fn a_wait_for_work_that_is_given_up_has_taken_nothing() {
    use loom_tests::run::give_up_after;
    check(|| {
        let (queue, mut flusher) = group_commit::new();
        let append = spawn(move || outcome(queue.append(1, 1)));
        let mut group = None;
        while group.is_none() {
            group = give_up_after(1, flusher.next_group(ALL));
        }
        let group = group.flatten().expect("open until it was appended");
        group_commit::settle(|| {}, group.into_iter().map(|entry| (entry.reply, entry.value)));
        assert_eq!(append.join(), Ok(1));
    });
}
