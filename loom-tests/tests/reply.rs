//! Kernel `reply`: one answer, or the knowledge that there will be none.

use concurrency_models::reply::{self, Unanswered};
use loom_tests::check;
use loom_tests::run::{block_on, spawn};

#[test]
fn the_answer_arrives() {
    check(|| {
        let (reply, mut answer) = reply::channel();
        let server = spawn(move || reply.send(7));
        assert_eq!(block_on(answer.wait()), Ok(7));
        assert_eq!(server.join(), Ok(()));
    });
}

#[test]
fn a_reply_dropped_without_an_answer_is_noticed() {
    check(|| {
        let (reply, mut answer) = reply::channel::<u32>();
        let server = spawn(move || drop(reply));
        assert_eq!(block_on(answer.wait()), Err(Unanswered));
        server.join();
    });
}

#[test]
fn an_answer_is_given_once() {
    check(|| {
        let (reply, mut answer) = reply::channel();
        let server = spawn(move || reply.send(7));
        assert_eq!(block_on(answer.wait()), Ok(7));
        assert_eq!(block_on(answer.wait()), Err(Unanswered));
        assert_eq!(server.join(), Ok(()));
    });
}

#[test]
fn an_answer_that_nobody_wants_is_not_kept() {
    check(|| {
        let message = std::sync::Arc::new(());
        let (reply, answer) = reply::channel();
        let server = spawn({
            let message = message.clone();
            move || drop(reply.send(message))
        });
        drop(answer);
        server.join();
        assert_eq!(std::sync::Arc::strong_count(&message), 1, "the answer is still kept somewhere");
    });
}

#[test]
fn who_answers_can_ask_whether_it_is_still_wanted() {
    check(|| {
        let (reply, answer) = reply::channel::<u32>();
        let client = spawn(move || drop(answer));
        let wanted = reply.is_wanted();
        client.join();
        assert!(!reply.is_wanted());
        assert_eq!(reply.send(1), Err(1), "wanted before: {wanted}");
        wanted
    });
}

#[cfg(not(loom))]
#[test]
fn a_wait_that_is_given_up_leaves_the_answer() {
    use loom_tests::run::give_up_after;
    check(|| {
        let (reply, mut answer) = reply::channel();
        let server = spawn(move || reply.send(7));
        let seen = match give_up_after(2, answer.wait()) {
            Some(outcome) => outcome,
            None => block_on(answer.wait()),
        };
        assert_eq!(seen, Ok(7));
        assert_eq!(server.join(), Ok(()));
    });
}
