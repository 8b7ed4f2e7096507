//! Kernel `mailbox`: bounded, in order, closed and then drained.

use concurrency_models::mailbox::{self, Closed, Sender, TrySendError};
use concurrency_models::reply::{self, Reply, Unanswered};
use loom_tests::run::{Running, block_on, join_all, spawn};
use loom_tests::{check, check_sequence};

/// Sends on a thread of its own, and ends with that.
fn send<const N: usize>(sender: Sender<u32>, messages: [u32; N]) -> Running<Result<(), Closed<u32>>> {
    spawn(move || messages.into_iter().try_for_each(|message| block_on(sender.send(message))))
}

#[test]
fn messages_come_out_in_order_then_it_ends() {
    check(|| {
        let (sender, mut receiver) = mailbox::channel(1); // the second message waits for room
        let sender = send(sender, [1, 2]);
        assert_eq!(block_on(receiver.recv()), Some(1));
        assert_eq!(block_on(receiver.recv()), Some(2));
        assert_eq!(block_on(receiver.recv()), None);
        assert_eq!(sender.join(), Ok(()));
    });
}

#[test]
fn nothing_is_lost_between_two_senders() {
    check(|| {
        let (sender, mut receiver) = mailbox::channel(1);
        let senders = [send(sender.clone(), [1]), send(sender, [2])];
        let first = block_on(receiver.recv()).expect("two were sent");
        let second = block_on(receiver.recv()).expect("two were sent");
        assert_eq!(first + second, 3);
        assert!(join_all(senders).into_iter().all(|sent| sent.is_ok()));
        first
    });
}

#[test]
fn what_got_in_before_the_close_comes_out() {
    check(|| {
        let (sender, mut receiver) = mailbox::channel(2);
        let sender = spawn(move || [1, 2].map(|message| sender.try_send(message)));
        receiver.close();
        let mut received = Vec::new();
        while let Some(message) = block_on(receiver.recv()) {
            received.push(message);
        }
        let sent = sender.join();
        let accepted: Vec<u32> = (1..=2).zip(sent).filter(|(_, sent)| sent.is_ok()).map(|(n, _)| n).collect();
        assert_eq!(received, accepted, "what was accepted and what came out differ");
        received
    });
}

#[test]
fn a_sender_that_waits_for_room_learns_of_the_end() {
    check(|| {
        let (sender, receiver) = mailbox::channel(1);
        let sender = send(sender, [1, 2]);
        drop(receiver);
        let Err(Closed(returned)) = sender.join() else { panic!("both were sent into a mailbox for one") };
        assert!(returned == 1 || returned == 2);
        returned
    });
}

#[test]
fn one_clone_ends_and_the_mailbox_stays_open() {
    check(|| {
        let (sender, mut receiver) = mailbox::channel(1);
        let clone = sender.clone();
        let ends = spawn(move || drop(clone));
        let sends = send(sender, [1]);
        assert_eq!(block_on(receiver.recv()), Some(1));
        ends.join();
        assert_eq!(sends.join(), Ok(()));
    });
}

#[test]
fn who_asks_through_a_mailbox_that_ends_is_told() {
    check(|| {
        let (sender, receiver) = mailbox::channel::<Reply<u32>>(1);
        let ends = spawn(move || drop(receiver)); // before or after the question got in
        let (reply, mut answer) = reply::channel();
        let sent = sender.try_send(reply);
        assert!(!matches!(sent, Err(TrySendError::Full(_))));
        let got_in = sent.is_ok();
        drop(sent);
        assert_eq!(block_on(answer.wait()), Err(Unanswered));
        ends.join();
        got_in
    });
}

#[test]
fn a_full_mailbox_says_so() {
    check_sequence(|| {
        let (sender, mut receiver) = mailbox::channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
        assert_eq!(receiver.try_recv(), Some(1));
        assert_eq!(receiver.try_recv(), None);
        assert_eq!(sender.try_send(3), Ok(()));
        receiver.close();
        assert_eq!(sender.try_send(4), Err(TrySendError::Closed(4)));
        assert_eq!(block_on(receiver.recv()), Some(3));
        assert_eq!(block_on(receiver.recv()), None);
    });
}

#[cfg(not(loom))]
mod given_up {
    use super::*;
    use loom_tests::run::give_up_after;

    #[test]
    fn a_send_that_is_given_up_has_sent_nothing() {
        check(|| {
            let (sender, mut receiver) = mailbox::channel(1);
            let gives_up = spawn({
                let sender = sender.clone();
                move || give_up_after(2, sender.send(1)).is_some()
            });
            let stays = send(sender, [2]);
            let mut received = Vec::new();
            while let Some(message) = block_on(receiver.recv()) {
                received.push(message);
            }
            received.sort_unstable();
            let sent = gives_up.join();
            assert_eq!(received, if sent { vec![1, 2] } else { vec![2] });
            assert_eq!(stays.join(), Ok(()));
        });
    }

    #[test]
    fn a_recv_that_is_given_up_has_taken_nothing() {
        check(|| {
            let (sender, mut receiver) = mailbox::channel(1);
            let sends = send(sender, [1, 2]);
            let mut received = Vec::new();
            while received.len() < 2 {
                if let Some(message) = give_up_after(1, receiver.recv()) {
                    received.push(message.expect("two were sent"));
                }
            }
            assert_eq!(received, [1, 2]);
            assert_eq!(sends.join(), Ok(()));
        });
    }
}
