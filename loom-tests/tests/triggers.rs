//! Kernel `triggers`: bounded, one election for each partition and epoch, closed and then drained; nobody who sends ever waits.

use std::sync::Arc;

use concurrency_models::heartbeat_map::{Heartbeat, Suspect};
use concurrency_models::triggers::{Election, NotSent, Sent, Triggers};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

type Channel = Arc<Triggers<u32>>;

const ORDERS: u32 = 0;
const PAYMENTS: u32 = 1;

fn channel(capacity: usize) -> Channel {
    Arc::new(Triggers::new(capacity))
}

fn suspect(partition: u32, leader_epoch: i32) -> Suspect<u32> {
    Suspect { partition, last: Heartbeat { leader_epoch, at_ms: 0 } }
}

fn send(channel: &Channel, suspect: Suspect<u32>) -> Running<Result<Sent, NotSent>> {
    let channel = channel.clone();
    spawn(move || channel.try_send(suspect))
}

/// Takes elections until the channel ends, and settles each.
fn hold_all(channel: &Triggers<u32>) -> Vec<u32> {
    let mut held = Vec::new();
    while let Some(election) = block_on(channel.recv()) {
        held.push(election.suspect().partition);
        channel.settle(&election, |_| ());
    }
    held
}

/// The same on a thread of its own.
fn work(channel: &Channel) -> Running<Vec<u32>> {
    let channel = channel.clone();
    spawn(move || hold_all(&channel))
}

fn recv(channel: &Channel) -> Election<u32> {
    block_on(channel.recv()).expect("not closed")
}

#[test]
fn of_two_senders_at_once_one_starts_the_election() {
    check(|| {
        let channel = channel(2);
        let senders = [send(&channel, suspect(ORDERS, 1)), send(&channel, suspect(ORDERS, 1))];
        let election = recv(&channel);
        let by_sender = join_all(senders);
        let mut sent = by_sender;
        sent.sort_by_key(|sent| *sent == Ok(Sent::UnderWay));
        assert_eq!(sent, [Ok(Sent::Queued), Ok(Sent::UnderWay)], "one election for a partition and epoch");
        assert_eq!(channel.queued(), 0, "a second election of one partition is queued");
        channel.settle(&election, |_| ());
        by_sender
    });
}

#[test]
fn a_second_worker_finds_no_second_election_of_a_partition() {
    check(|| {
        let channel = channel(2);
        let senders = [send(&channel, suspect(ORDERS, 1)), send(&channel, suspect(ORDERS, 1))];
        let first = recv(&channel); // and it is under way
        let sent = join_all(senders);
        assert!(sent.into_iter().all(|sent| sent.is_ok()));
        channel.close();
        let second = block_on(channel.recv()).map(|election| election.suspect());
        assert_eq!(second, None, "two elections of one partition at once");
        channel.settle(&first, |_| ());
        (sent, second)
    });
}

#[test]
fn whoever_finds_it_full_is_told_so_at_once_and_there_is_room_again_when_one_is_taken() {
    check(|| {
        let channel = channel(1);
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::Queued));
        let worker = spawn({
            let channel = channel.clone();
            move || recv(&channel)
        });
        let sent = channel.try_send(suspect(PAYMENTS, 1));
        assert!(channel.queued() <= 1, "more than one waits");
        let election = worker.join();
        if sent == Err(NotSent::Full) {
            assert_eq!(channel.try_send(suspect(PAYMENTS, 1)), Ok(Sent::Queued), "it was taken");
        }
        assert_eq!(election.suspect(), suspect(ORDERS, 1));
        assert_eq!(recv(&channel).suspect(), suspect(PAYMENTS, 1));
        sent
    });
}

#[test]
fn the_queue_is_bounded_and_holds_a_partition_once() {
    check_sequence(|| {
        let channel = channel(2);
        for _ in 0..3 {
            let sent = channel.try_send(suspect(ORDERS, 1));
            assert!(sent.is_ok() && channel.queued() == 1, "one partition is queued several times");
        }
        assert_eq!(channel.try_send(suspect(PAYMENTS, 1)), Ok(Sent::Queued));
        assert_eq!(channel.try_send(suspect(2, 1)), Err(NotSent::Full), "the queue has no bound");
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::UnderWay), "that needs no room");
        let (first, second) = (recv(&channel), recv(&channel));
        assert_eq!(
            [first.suspect(), second.suspect()],
            [suspect(ORDERS, 1), suspect(PAYMENTS, 1)],
            "in order"
        );
        assert_eq!(channel.try_send(suspect(2, 1)), Ok(Sent::Queued));
        [first.suspect(), second.suspect()]
    });
}

#[test]
fn what_got_in_before_the_close_comes_out_and_nothing_gets_in_after() {
    check(|| {
        let channel = channel(2);
        let worker = work(&channel);
        let sender = send(&channel, suspect(ORDERS, 1));
        channel.close();
        assert_eq!(channel.try_send(suspect(PAYMENTS, 1)), Err(NotSent::Closed));
        let sent = sender.join();
        let expected = match sent {
            Ok(_) => vec![ORDERS],
            Err(error) => {
                assert_eq!(error, NotSent::Closed);
                Vec::new()
            }
        };
        let held = worker.join();
        assert_eq!(held, expected, "what got in comes out");
        assert!(block_on(channel.recv()).is_none());
        (sent, held)
    });
}

#[test]
fn a_close_ends_every_worker() {
    check(|| {
        let channel = channel(1);
        let workers = [work(&channel), work(&channel)];
        channel.close();
        let held = join_all(workers);
        assert_eq!(held, [[0; 0]; 2]);
        held
    });
}

#[test]
fn two_workers_hold_each_election_once() {
    check(|| {
        let channel = channel(2);
        let worker = work(&channel);
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::Queued));
        assert_eq!(channel.try_send(suspect(PAYMENTS, 1)), Ok(Sent::Queued));
        channel.close();
        let by_worker = [hold_all(&channel), worker.join()];
        let mut held = by_worker.concat();
        held.sort_unstable();
        assert_eq!(held, [ORDERS, PAYMENTS]);
        by_worker
    });
}

#[test]
fn a_newer_epoch_takes_the_place_of_an_older_one() {
    check_sequence(|| {
        let channel = channel(1);
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::Queued));
        let older = recv(&channel);
        assert_eq!(channel.try_send(suspect(ORDERS, 2)), Ok(Sent::Queued));
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::UnderWay), "its epoch is over");
        let newer = recv(&channel);
        assert_eq!((channel.last_heard(&older), newer.suspect()), (None, suspect(ORDERS, 2)));
        channel.settle(&older, |_| panic!("the older election ends the newer one"));
        assert!(channel.has(&ORDERS), "the older election ends the newer one");
        let mut last_heard = None;
        channel.settle(&newer, |heard| last_heard = Some(heard));
        assert_eq!((last_heard, channel.has(&ORDERS)), (Some(suspect(ORDERS, 2).last), false));
        last_heard
    });
}

/// An older epoch may still be in the queue when a newer one comes.
#[test]
fn an_older_epoch_leaves_the_queue_with_its_trigger() {
    check_sequence(|| {
        let channel = channel(2);
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::Queued));
        assert_eq!(channel.try_send(suspect(ORDERS, 2)), Ok(Sent::Queued));
        assert_eq!(channel.queued(), 1, "one partition is queued several times");
        let suspected = recv(&channel).suspect();
        assert_eq!(suspected, suspect(ORDERS, 2));
        suspected
    });
}

#[test]
fn what_is_heard_after_the_trigger_is_seen_by_the_worker() {
    check(|| {
        let channel = channel(1);
        assert_eq!(channel.try_send(suspect(ORDERS, 1)), Ok(Sent::Queued));
        let newer = Heartbeat { leader_epoch: 1, at_ms: 7 };
        let leader = spawn({
            let channel = channel.clone();
            move || (channel.heard(&ORDERS, newer), channel.heard(&ORDERS, suspect(ORDERS, 1).last))
        });
        let election = recv(&channel);
        assert_eq!(leader.join(), (true, true));
        let last_heard = channel.last_heard(&election);
        assert_eq!(last_heard, Some(newer), "a heartbeat is lost");
        channel.settle(&election, |heard| assert_eq!(heard, newer));
        assert!(!channel.heard(&ORDERS, newer), "it has no election any more");
        (election.suspect(), last_heard)
    });
}

#[cfg(not(loom))]
#[test]
fn a_worker_that_gives_up_leaves_the_election_to_the_next() {
    use loom_tests::run::give_up_after;
    check(|| {
        let channel = channel(1);
        let gives_up = spawn({
            let channel = channel.clone();
            move || give_up_after(1, channel.recv()).flatten().map(|election| election.suspect())
        });
        let sender = send(&channel, suspect(ORDERS, 1));
        assert_eq!(sender.join(), Ok(Sent::Queued));
        let taken = gives_up.join();
        channel.close();
        let left = block_on(channel.recv()).map(|election| election.suspect());
        assert_eq!(taken.or(left), Some(suspect(ORDERS, 1)), "the election is lost");
        assert!(taken.is_none() || left.is_none(), "it came out twice");
    });
}
