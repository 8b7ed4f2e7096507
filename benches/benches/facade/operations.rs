//! One operation of a primitive or a kernel, again and again on one thread: what instructions are counted of. Included twice, over the facade and
//! over the raw locks.

use std::hint::black_box;
use std::sync::Arc;
use std::task::Poll;

use super::{Image, Mutex, RwLock, Watermark, mailbox, reply};
use crate::ready::ready;

/// Its name, and what repeats it so many times.
type Operation = (&'static str, fn(u64));

/// All of them.
pub(crate) const ALL: [Operation; 8] = [
    ("mutex", mutex),
    ("rwlock", rwlock),
    ("mailbox", mailbox),
    ("mailbox, waiting", mailbox_waiting),
    ("reply", reply),
    ("reply, waiting", reply_waiting),
    ("watermark", watermark),
    ("image", image),
];

fn mutex(times: u64) {
    let lock = Mutex::new(0);
    for number in 0..times {
        *black_box(&lock).lock() += number;
    }
}

fn rwlock(times: u64) {
    let lock = RwLock::new(0);
    for number in 0..times {
        *black_box(&lock).write() += number;
        black_box(*black_box(&lock).read());
    }
}

fn mailbox(times: u64) {
    let (sender, mut receiver) = mailbox::channel(64);
    for message in 0..times {
        ready(sender.send(black_box(message))).expect("there is room");
        black_box(ready(receiver.recv()));
    }
}

/// The receiver is there first: it is queued, woken and served.
fn mailbox_waiting(times: u64) {
    let (sender, mut receiver) = mailbox::channel(64);
    for message in 0..times {
        let sent = black_box(message);
        let served = first_waits(receiver.recv(), || sender.try_send(sent).is_ok());
        assert_eq!(served, Some(message));
    }
}

fn reply(times: u64) {
    for answered in 0..times {
        let (reply, mut answer) = reply::channel();
        reply.send(black_box(answered)).expect("it is wanted");
        assert_eq!(ready(answer.wait()), Ok(answered));
    }
}

fn reply_waiting(times: u64) {
    for answered in 0..times {
        let (reply, mut answer) = reply::channel();
        let given = black_box(answered);
        assert_eq!(first_waits(answer.wait(), || reply.send(given).is_ok()), Ok(answered));
    }
}

fn watermark(times: u64) {
    let watermark = Watermark::new(0);
    for position in (1..).take(usize::try_from(times).expect("a count")) {
        watermark.advance(black_box(position));
        let _ = black_box(ready(watermark.reached(position)));
    }
}

fn image(times: u64) {
    let image = Image::new(0);
    let picture = Arc::new(1);
    for _ in 0..times {
        image.replace(black_box(&picture).clone());
        black_box(image.load());
    }
}

/// Polls `future`, which is not ready, lets `happen` do what makes it ready, and polls it again.
fn first_waits<T>(future: impl Future<Output = T>, happen: impl FnOnce() -> bool) -> T {
    let mut future = std::pin::pin!(future);
    let polled = ready(std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))));
    assert!(polled.is_pending() && happen());
    ready(future)
}
