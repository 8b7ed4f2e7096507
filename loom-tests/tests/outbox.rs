//! Kernel `outbox`: heartbeats and Raft messages wait for nobody, and data waits for them.

use concurrency_models::outbox::{self, Closed, Drain, Limits, Outgoing};
use loom_tests::run::{block_on, spawn};
use loom_tests::{check, check_sequence};

type Next = Outgoing<u32, u32, u32>;

fn channel(raft: usize, data: usize) -> (outbox::Outbox<u32, u32, u32>, Drain<u32, u32, u32>) {
    outbox::channel(Limits { raft, data })
}

/// Everything that leaves until the outbox is closed and empty.
fn drain(drain: &mut Drain<u32, u32, u32>) -> Vec<Next> {
    std::iter::from_fn(|| block_on(drain.recv())).collect()
}

fn raft_messages(left: &[Next]) -> Vec<u32> {
    left.iter()
        .filter_map(|next| if let Outgoing::Raft(message) = next { Some(*message) } else { None })
        .collect()
}

#[test]
fn raft_messages_leave_in_the_order_in_which_they_were_sent() {
    check(|| {
        let (outbox, mut connection) = channel(3, 1);
        let raft_loop = spawn(move || (1..=3).for_each(|message| assert_eq!(outbox.raft(message), Ok(None))));
        let left = drain(&mut connection);
        assert_eq!(raft_messages(&left), [1, 2, 3], "the order of sending is the order of leaving");
        raft_loop.join();
        left
    });
}

#[test]
fn a_full_outbox_drops_the_oldest_and_says_so() {
    check(|| {
        let (outbox, mut connection) = channel(2, 1);
        let raft_loop =
            spawn(move || (1..=3).filter_map(|message| outbox.raft(message).expect("open")).collect());
        let left = raft_messages(&drain(&mut connection));
        let dropped: Vec<u32> = raft_loop.join();
        assert!(dropped.is_empty() || dropped == [1], "only the oldest makes room: {dropped:?}");
        let expected: Vec<u32> = (1..=3).filter(|message| !dropped.contains(message)).collect();
        assert_eq!(left, expected, "what leaves and what was dropped is everything");
        (left, dropped)
    });
}

#[test]
fn data_in_the_queue_does_not_hold_up_a_heartbeat() {
    check(|| {
        let (outbox, mut connection) = channel(1, 3);
        for data in 1..=2 {
            assert_eq!(block_on(outbox.data(data)), Ok(()));
        }
        let heartbeats = spawn({
            let outbox = outbox.clone();
            move || assert_eq!(outbox.heartbeat(9), Ok(None))
        });
        let first = block_on(connection.recv()).expect("there is something");
        heartbeats.join();
        let rest: Vec<Next> = (0..2).map(|_| block_on(connection.recv()).expect("three were sent")).collect();
        if first != Outgoing::Heartbeat(9) {
            assert_eq!(rest[0], Outgoing::Heartbeat(9), "the heartbeat is behind data");
        }
        drop(outbox);
        assert_eq!(block_on(connection.recv()), None);
        (first, rest)
    });
}

/// The peer's connection is slow, and a sender of data is always waiting for room.
#[test]
fn a_waiting_sender_of_data_holds_up_neither_heartbeats_nor_raft() {
    check(|| {
        let (outbox, mut connection) = channel(1, 1);
        assert_eq!(block_on(outbox.data(1)), Ok(()));
        let sends = spawn({
            let outbox = outbox.clone();
            move || block_on(outbox.data(2))
        });
        assert_eq!(outbox.heartbeat(9), Ok(None));
        assert_eq!(outbox.raft(5), Ok(None));
        drop(outbox);
        let left = drain(&mut connection);
        let control = [Outgoing::Heartbeat(9), Outgoing::Raft(5)];
        assert_eq!(left, [&control[..], &[Outgoing::Data(1), Outgoing::Data(2)]].concat());
        assert_eq!(sends.join(), Ok(()));
        left
    });
}

#[test]
fn a_newer_heartbeat_replaces_one_that_has_not_left() {
    check(|| {
        let (outbox, mut connection) = channel(1, 1);
        let heartbeats = spawn(move || [1, 2].map(|heartbeat| outbox.heartbeat(heartbeat).expect("open")));
        let left = drain(&mut connection);
        let replaced = heartbeats.join();
        match replaced {
            [None, Some(1)] => assert_eq!(left, [Outgoing::Heartbeat(2)], "the newest leaves"),
            [None, None] => assert_eq!(left, [Outgoing::Heartbeat(1), Outgoing::Heartbeat(2)]),
            other => panic!("the newest leaves, and replaces the other: {other:?}"),
        }
        (left, replaced)
    });
}

/// The outbox stays open: it is not its end that wakes the connection.
fn wakes(
    send: impl FnOnce(&outbox::Outbox<u32, u32, u32>) + Send + 'static,
    expected: &Next,
) -> Option<Next> {
    let (outbox, mut connection) = channel(1, 1);
    let sends = spawn({
        let outbox = outbox.clone();
        move || send(&outbox)
    });
    let left = block_on(connection.recv());
    assert_eq!(left.as_ref(), Some(expected));
    sends.join();
    drop(outbox); // open until here
    left
}

#[test]
fn a_heartbeat_wakes_a_connection_that_waits() {
    check(|| wakes(|outbox| assert_eq!(outbox.heartbeat(9), Ok(None)), &Outgoing::Heartbeat(9)));
}

#[test]
fn a_raft_message_wakes_a_connection_that_waits() {
    check(|| wakes(|outbox| assert_eq!(outbox.raft(5), Ok(None)), &Outgoing::Raft(5)));
}

#[test]
fn data_wakes_a_connection_that_waits() {
    check(|| wakes(|outbox| assert_eq!(block_on(outbox.data(1)), Ok(())), &Outgoing::Data(1)));
}

#[test]
fn what_got_in_before_the_close_leaves() {
    check(|| {
        let (outbox, mut connection) = channel(1, 1);
        let closes = spawn({
            let outbox = outbox.clone();
            move || outbox.close()
        });
        let raft = outbox.raft(5);
        let data = block_on(outbox.data(1));
        let left = drain(&mut connection);
        closes.join();
        let entered = [raft.is_ok().then_some(Outgoing::Raft(5)), data.is_ok().then_some(Outgoing::Data(1))];
        assert_eq!(left, entered.into_iter().flatten().collect::<Vec<Next>>());
        (left, raft, data)
    });
}

#[test]
fn a_close_ends_the_connection_and_whoever_waits_for_room() {
    check(|| {
        let (outbox, mut connection) = channel(1, 1);
        assert_eq!(block_on(outbox.data(1)), Ok(()));
        let waits = spawn({
            let outbox = outbox.clone();
            move || block_on(outbox.data(2))
        });
        outbox.close();
        let sent = waits.join();
        assert_eq!(sent, Err(Closed(2)), "there was no room before the close");
        let left = drain(&mut connection);
        assert_eq!(left, [Outgoing::Data(1)]);
        (left, sent)
    });
}

#[test]
fn a_broken_connection_ends_whoever_waits_for_room() {
    check(|| {
        let (outbox, connection) = channel(1, 1);
        assert_eq!(block_on(outbox.data(1)), Ok(()));
        let breaks = spawn(move || drop(connection));
        let sent = block_on(outbox.data(2));
        assert_eq!(sent, Err(Closed(2)));
        breaks.join();
        assert_eq!(outbox.heartbeat(9), Err(Closed(9)));
        assert_eq!(outbox.raft(5), Err(Closed(5)));
        sent
    });
}

#[test]
fn control_comes_before_data_and_all_in_order() {
    check_sequence(|| {
        let (outbox, mut connection) = channel(2, 2);
        for data in 1..=2 {
            assert_eq!(block_on(outbox.data(data)), Ok(()));
        }
        assert_eq!(outbox.raft(5), Ok(None));
        assert_eq!(outbox.raft(6), Ok(None));
        assert_eq!(outbox.raft(7), Ok(Some(5)));
        assert_eq!(outbox.heartbeat(8), Ok(None));
        assert_eq!(outbox.heartbeat(9), Ok(Some(8)));
        outbox.close();
        let left = drain(&mut connection);
        let control = [Outgoing::Heartbeat(9), Outgoing::Raft(6), Outgoing::Raft(7)];
        assert_eq!(left, [&control[..], &[Outgoing::Data(1), Outgoing::Data(2)]].concat());
        left
    });
}

#[cfg(not(loom))]
mod given_up {
    use super::*;
    use loom_tests::run::give_up_after;

    #[test]
    fn data_that_is_given_up_has_not_been_sent() {
        check(|| {
            let (outbox, mut connection) = channel(1, 1);
            assert_eq!(block_on(outbox.data(1)), Ok(()));
            let gives_up = spawn(move || give_up_after(2, outbox.data(2)).is_some());
            let left = drain(&mut connection);
            let all = [Outgoing::Data(1), Outgoing::Data(2)];
            assert_eq!(left, if gives_up.join() { &all[..] } else { &all[..1] });
        });
    }

    #[test]
    fn a_drain_that_is_given_up_has_taken_nothing() {
        check(|| {
            let (outbox, mut connection) = channel(2, 1);
            let raft_loop =
                spawn(move || (1..=2).for_each(|message| assert_eq!(outbox.raft(message), Ok(None))));
            let mut left = Vec::new();
            while left.len() < 2 {
                left.extend(give_up_after(1, connection.recv()).flatten());
            }
            assert_eq!(raft_messages(&left), [1, 2]);
            raft_loop.join();
        });
    }
}
