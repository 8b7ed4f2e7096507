//! Kernel `pending`: every request completes exactly once, with the outcome of the one who completed it.

use concurrency_models::pending::{Pending, Refused};
use loom_tests::run::{block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Committed,
    TimedOut,
    ShutDown,
}
use Outcome::{Committed, ShutDown, TimedOut};

type Table = Pending<u64, Outcome>;

#[test]
fn a_request_completes_exactly_once_with_the_right_outcome() {
    check(|| {
        let table = Table::new();
        let mut request = table.register(1).expect("open");
        let commit = spawn(move || table.complete(1, Committed));
        let expired = request.expire(TimedOut);
        let outcome = block_on(request.outcome());
        let committed = commit.join();
        assert!(expired != committed, "decided by the timeout: {expired}, by the commit: {committed}");
        assert_eq!(outcome, Ok(if committed { Committed } else { TimedOut }));
        outcome
    });
}

#[test]
fn of_two_commits_one_counts() {
    check(|| {
        let table = Table::new();
        let mut request = table.register(1).expect("open");
        let commits = [table.clone(), table].map(|table| spawn(move || table.complete(1, Committed)));
        assert_eq!(block_on(request.outcome()), Ok(Committed));
        let [first, second] = join_all(commits);
        assert!(first != second);
        first
    });
}

#[test]
fn an_early_completion_is_not_lost() {
    check(|| {
        let table = Table::new();
        let mut request = table.register(1).expect("open");
        let commit = spawn(move || table.complete(1, Committed)); // as soon as the work is started
        let outcome = block_on(request.outcome());
        assert_eq!(outcome, Ok(Committed));
        assert!(commit.join());
        outcome
    });
}

#[test]
fn nobody_registers_after_the_close_and_waits() {
    check(|| {
        let table = Table::new();
        let shutdown = spawn({
            let table = table.clone();
            move || table.close(|_| ShutDown)
        });
        match table.register(1) {
            Ok(mut request) => {
                assert_eq!(block_on(request.outcome()), Ok(ShutDown));
                assert_eq!(shutdown.join(), 1);
                true
            }
            Err(refused) => {
                assert_eq!(refused, Refused::Closed);
                assert_eq!(shutdown.join(), 0);
                false
            }
        }
    });
}

#[test]
fn the_end_of_a_request_does_not_touch_the_next_of_its_key() {
    check(|| {
        let table = Table::new();
        let first = table.register(1).expect("open");
        let first_ends = spawn(move || drop(first));
        let committed = table.complete(1, Committed);
        let mut second = table.register(1).expect("the key is free");
        assert!(table.complete(1, TimedOut), "the second request has gone from the table");
        let outcome = block_on(second.outcome());
        assert_eq!(outcome, Ok(TimedOut));
        first_ends.join();
        (committed, outcome)
    });
}

#[test]
fn who_gives_up_and_the_commit_agree() {
    check(|| {
        let table = Table::new();
        let request = table.register(1).expect("open");
        let gives_up = spawn(move || drop(request));
        let again = table.register(1);
        assert!(matches!(again, Ok(_) | Err(Refused::Duplicate)));
        let was_free = again.is_ok();
        drop(again);
        gives_up.join();
        assert!(table.is_empty(), "a request that nobody waits for is still in the table");
        was_free
    });
}

#[test]
fn an_acknowledged_offset_is_synced() {
    check(|| {
        let table = Table::new();
        let mut synced = table.register(6).expect("open"); // an append that was synced: offsets up to 6
        let later = spawn({
            let table = table.clone();
            move || {
                let request = table.register(7).expect("open"); // and one in the next group, not synced yet
                !request.expire(TimedOut)
            }
        });
        let completed = table.complete_through(6, |_| Committed);
        let outcome = block_on(synced.outcome());
        assert_eq!(outcome, Ok(Committed));
        assert!(!later.join(), "offset 7 was acknowledged by the sync of offset 6");
        (completed, outcome)
    });
}

#[test]
fn a_range_completes_everyone_in_it() {
    check_sequence(|| {
        let table = Table::new();
        let requests = [3, 5, 7].map(|key| table.register(key).expect("open"));
        assert_eq!(table.complete_through(5, |_| Committed), 2);
        assert_eq!(table.len(), 1);
        assert_eq!(table.close(|_| ShutDown), 1);
        let outcomes = requests.map(|mut request| block_on(request.outcome()));
        assert_eq!(outcomes, [Ok(Committed), Ok(Committed), Ok(ShutDown)]);
        outcomes
    });
}

#[test]
fn numbers_of_the_table_are_never_given_twice() {
    check(|| {
        let table = Table::new();
        let openers =
            [table.clone(), table.clone()].map(|table| spawn(move || table.open().map(|it| it.key())));
        let [first, second] = join_all(openers);
        assert!(first.expect("open") != second.expect("open"));
        assert!(table.is_empty());
        (first, second)
    });
}

#[cfg(not(loom))]
#[test]
fn a_wait_that_is_given_up_leaves_the_outcome() {
    use loom_tests::run::give_up_after;
    check(|| {
        let table = Table::new();
        let mut request = table.register(1).expect("open");
        let commit = spawn(move || table.complete(1, Committed));
        let outcome = match give_up_after(1, request.outcome()) {
            Some(outcome) => outcome,
            None => block_on(request.outcome()),
        };
        assert_eq!(outcome, Ok(Committed));
        assert!(commit.join());
    });
}
