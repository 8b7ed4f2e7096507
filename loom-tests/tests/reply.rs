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

#[cfg(not(loom))]
#[test]
fn a_wait_that_moves_to_another_task_is_woken_there() {
    use loom_tests::run::poll_once;
    check(|| {
        let (reply, mut answer) = reply::channel();
        let mut waits = Box::pin(async move { answer.wait().await });
        assert!(poll_once(waits.as_mut()).is_pending());
        let other_task = spawn(move || block_on(waits));
        assert_eq!(reply.send(7), Ok(()));
        assert_eq!(other_task.join(), Ok(7));
    });
}

#[cfg(not(loom))]
#[test]
fn after_a_wait_that_is_given_up_another_task_can_wait() {
    use loom_tests::run::give_up_after;
    check(|| {
        let (reply, mut answer) = reply::channel();
        let server = spawn(move || reply.send(7));
        let early = give_up_after(1, answer.wait());
        let other_task = spawn(move || block_on(answer.wait()));
        let expected = if early.is_none() { Ok(7) } else { Err(Unanswered) };
        assert_eq!(other_task.join(), expected);
        assert_eq!(server.join(), Ok(()));
    });
}
