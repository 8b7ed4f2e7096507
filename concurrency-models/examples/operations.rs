//! One operation of a kernel, again and again on one thread: what instructions are counted of.
//! `cargo run --release -p concurrency-models --example operations mailbox 10000`

use std::hint::black_box;

use concurrency_models::image::Image;
use concurrency_models::sync::block_on;
use concurrency_models::watermark::Watermark;
use concurrency_models::{mailbox, reply};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let operation = arguments.next().unwrap_or_default();
    let times = arguments.next().and_then(|times| times.parse().ok()).unwrap_or(0);
    run(&operation, times);
}

fn run(operation: &str, times: u64) {
    match operation {
        "mailbox" => {
            let (sender, mut receiver) = mailbox::channel(64);
            for message in 0..times {
                block_on(sender.send(black_box(message))).expect("there is room");
                black_box(block_on(receiver.recv()));
            }
        }
        "reply" => {
            for answered in 0..times {
                let (reply, mut answer) = reply::channel();
                reply.send(black_box(answered)).expect("it is wanted");
                let _ = black_box(block_on(answer.wait()));
            }
        }
        "watermark" => {
            let watermark = Watermark::new(0);
            for position in (1..).take(usize::try_from(times).unwrap_or(0)) {
                watermark.advance(black_box(position));
                let _ = black_box(block_on(watermark.reached(position)));
            }
        }
        "image" => {
            let image = Image::new(0);
            for picture in 0..times {
                image.replace(black_box(picture));
                black_box(image.load());
            }
        }
        other => panic!("no operation is called {other:?}"),
    }
}
