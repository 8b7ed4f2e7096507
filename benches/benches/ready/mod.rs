//! Futures that have nothing to wait for.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The output of a future that is ready when it is first polled. `block_on` would allocate a waker for it, and the bench would measure that.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has something to wait for"),
    }
}
