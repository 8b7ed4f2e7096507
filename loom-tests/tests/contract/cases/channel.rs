//! The kernels that are channels: on the monitor of tasks in a plain build and under shuttle, on the one of threads under loom.

use concurrency_models::mailbox::{self, TrySendError};
use concurrency_models::reply;
use concurrency_models::watermark::Watermark;
use loom_tests::run::{block_on, spawn};

use super::super::matrix::{Blocks, Row};
use super::super::trial::Case;

use Blocks::{Always, Never};
use Case::{Alone, Among};

pub(crate) fn rows() -> Vec<Row> {
    let mailbox = |call, during, blocks, case| Row { object: "mailbox", call, during, blocks, case };
    let reply = |call, during, blocks, case| Row { object: "reply", call, during, blocks, case };
    let watermark = |call, during, blocks, case| Row { object: "watermark", call, during, blocks, case };
    vec![
        mailbox("send", "there is room", Never, Alone(send_into_room)),
        mailbox("send", "it is full", Always, Alone(send_when_full)),
        mailbox("send", "it is full and closed", Never, Alone(send_when_full_and_closed)),
        mailbox(
            "send",
            "it is full and another thread receives",
            Never,
            Among(send_when_full_and_received_from),
        ),
        mailbox("try_send", "it is full", Never, Alone(try_send_when_full)),
        mailbox("recv", "there is a message", Never, Alone(recv_a_message)),
        mailbox("recv", "it is empty and a sender lives", Always, Alone(recv_when_empty)),
        mailbox("recv", "it is empty and the senders are gone", Never, Alone(recv_when_ended)),
        mailbox("try_recv", "it is empty", Never, Alone(try_recv_when_empty)),
        reply("wait", "it is not answered", Always, Alone(wait_for_an_answer)),
        reply("wait", "it is answered", Never, Alone(wait_when_answered)),
        reply("wait", "the one who answers is gone", Never, Alone(wait_when_gone)),
        watermark("reached", "it is below", Always, Alone(reached_when_below)),
        watermark("reached", "it is there", Never, Alone(reached_when_there)),
        watermark("reached", "it is below and closed", Never, Alone(reached_when_closed)),
        watermark("advance", "another thread waits for more", Never, Among(advance_while_another_waits)),
    ]
}

fn send_into_room() {
    let (sender, _receiver) = mailbox::channel(1);
    assert!(block_on(sender.send(1)).is_ok());
}

fn send_when_full() {
    let (sender, _receiver) = mailbox::channel(1);
    assert!(sender.try_send(1).is_ok());
    assert!(block_on(sender.send(2)).is_ok());
}

fn send_when_full_and_closed() {
    let (sender, mut receiver) = mailbox::channel(1);
    assert!(sender.try_send(1).is_ok());
    receiver.close();
    assert!(block_on(sender.send(2)).is_err());
}

fn send_when_full_and_received_from() {
    let (sender, mut receiver) = mailbox::channel(1);
    assert!(sender.try_send(1).is_ok());
    let receives = spawn(move || block_on(receiver.recv()));
    let _sent_or_closed = block_on(sender.send(2));
    assert_eq!(receives.join(), Some(1));
}

fn try_send_when_full() {
    let (sender, _receiver) = mailbox::channel(1);
    assert!(sender.try_send(1).is_ok());
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
}

fn recv_a_message() {
    let (sender, mut receiver) = mailbox::channel(1);
    assert!(sender.try_send(1).is_ok());
    assert_eq!(block_on(receiver.recv()), Some(1));
}

fn recv_when_empty() {
    let (_sender, mut receiver) = mailbox::channel::<u32>(1);
    block_on(receiver.recv());
}

fn recv_when_ended() {
    let (sender, mut receiver) = mailbox::channel::<u32>(1);
    drop(sender);
    assert_eq!(block_on(receiver.recv()), None);
}

fn try_recv_when_empty() {
    let (_sender, mut receiver) = mailbox::channel::<u32>(1);
    assert_eq!(receiver.try_recv(), None);
}

fn wait_for_an_answer() {
    let (_reply, mut answer) = reply::channel::<u32>();
    let _never = block_on(answer.wait());
}

fn wait_when_answered() {
    let (reply, mut answer) = reply::channel();
    assert!(reply.send(1).is_ok());
    assert_eq!(block_on(answer.wait()), Ok(1));
}

fn wait_when_gone() {
    let (reply, mut answer) = reply::channel::<u32>();
    drop(reply);
    assert!(block_on(answer.wait()).is_err());
}

fn reached_when_below() {
    let _never = block_on(Watermark::new(0).reached(1));
}

fn reached_when_there() {
    assert_eq!(block_on(Watermark::new(1).reached(1)), Ok(1));
}

fn reached_when_closed() {
    let watermark = Watermark::new(0);
    watermark.close();
    assert!(block_on(watermark.reached(1)).is_err());
}

fn advance_while_another_waits() {
    let watermark = std::sync::Arc::new(Watermark::new(0));
    let waits = spawn({
        let watermark = watermark.clone();
        move || block_on(watermark.reached(2))
    });
    assert!(watermark.advance(1));
    assert!(watermark.advance(2));
    assert_eq!(waits.join(), Ok(2));
}
