//! The same calls in the same order give the same results as the plain model, whatever the calls: drawn from fixed seeds, so that a checker sees
//! the same ones every time.

use concurrency_models::mailbox::{self, Receiver, Sender, TrySendError};
use concurrency_models::sync::sharded_map::Backing;
use concurrency_models::sync::sharded_map::stand_in::{Placement, Shards};
use loom_tests::check_sequence;

use super::cases::Map;
use super::models::{Call, Channel, Outcome, PlainMailbox, PlainMap};

/// Sequences that each suite tries; loom keeps every step of an execution.
const SEEDS: u64 = if cfg!(loom) { 15 } else { 200 };
/// Calls of a sequence.
const CALLS: usize = 60;
/// Few, so that calls meet.
const KEYS: u32 = 4;

/// Numbers that look random (xorshift; Marsaglia, 2003).
pub(crate) struct Drawn(u64);

impl Drawn {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Below `end`.
    fn below(&mut self, end: u32) -> u32 {
        for (left, shift) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << shift } else { self.0 >> shift };
        }
        let high = u32::try_from(self.0 >> 32).expect("32 bits are left");
        high % end
    }
}

/// A call on a map, by numbers.
#[derive(Clone, Copy, Debug)]
enum MapCall {
    View(u32),
    Update(u32, u32),
    Upsert(u32, u32),
    /// Removes if the value is below.
    RemoveIf(u32, u32),
    ForEach,
    Len,
}

impl MapCall {
    fn drawn(from: &mut Drawn) -> Self {
        let (key, number) = (from.below(KEYS), from.below(100));
        match from.below(6) {
            0 => Self::View(key),
            1 => Self::Update(key, number),
            2 | 3 => Self::Upsert(key, number),
            4 => Self::RemoveIf(key, number),
            _ if number < 50 => Self::ForEach,
            _ => Self::Len,
        }
    }

    /// All that can be seen of what it does, in the order of keys.
    fn on(self, map: &impl Backing<u32, u32>) -> Vec<(u32, u32)> {
        let mut seen = Vec::new();
        match self {
            Self::View(key) => seen.extend(map.view(&key, |value| (key, *value))),
            Self::Update(key, number) => {
                seen.extend(map.update(&key, |value| (key, std::mem::replace(value, number))));
            }
            Self::Upsert(key, number) => map.upsert(key, number, |present, new| {
                seen.push((*present, new));
                *present = *present / 2 + new;
            }),
            Self::RemoveIf(key, number) => {
                let removed = map.remove_if(&key, |value| {
                    seen.push((key, *value));
                    *value < number
                });
                seen.extend(removed.map(|value| (key, value)));
            }
            Self::ForEach => map.for_each(|key, value| seen.push((*key, *value))),
            Self::Len => seen.push((0, u32::try_from(map.count()).expect("a few"))),
        }
        seen.sort_unstable();
        seen
    }
}

/// The first call of a sequence that has another result on `map` than on the model, and both results.
pub(crate) fn first_difference_of_map(seed: u64, map: &impl Backing<u32, u32>) -> Option<String> {
    let (mut drawn, model) = (Drawn::from_seed(seed), PlainMap::default());
    (0..CALLS).find_map(|at| {
        let call = MapCall::drawn(&mut drawn);
        let (right, seen) = (call.on(&model), call.on(map));
        (right != seen).then(|| format!("seed {seed}, call {at}, {call:?}: {seen:?} for {right:?}"))
    })
}

fn same_as_a_plain_map<M: Backing<u32, u32>>(make: impl Fn() -> M) {
    for seed in 0..SEEDS {
        assert_eq!(first_difference_of_map(seed, &make()), None);
    }
}

#[test]
fn the_map_of_this_build_gives_what_a_plain_map_gives() {
    check_sequence(|| same_as_a_plain_map(Map::default));
}

#[test]
fn shards_give_what_a_plain_map_gives_however_keys_are_placed() {
    for placement in Placement::all(usize::try_from(KEYS).expect("a few")) {
        check_sequence(move || same_as_a_plain_map(|| Shards::new(placement.clone())));
    }
}

/// The mailbox of this build, with the ends that are still there.
struct Real {
    senders: Vec<Sender<u32>>,
    receiver: Receiver<u32>,
}

/// The output of a future of the mailbox; `None` if it waits.
///
/// On the monitor of threads a call that waits would never return: there it is not made, and the model is believed. What it does is measured by the
/// matrix.
fn polled<F: Future>(future: F, waits: bool) -> Option<F::Output> {
    if cfg!(loom) && waits {
        return None;
    }
    match loom_tests::run::poll_once(std::pin::pin!(future).as_mut()) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

impl Channel for Real {
    fn with_capacity(capacity: usize) -> Self {
        let (sender, receiver) = mailbox::channel(capacity);
        Self { senders: vec![sender], receiver }
    }

    fn call(&mut self, call: Call, waits: bool) -> Outcome {
        match (call, self.senders.last()) {
            (Call::TrySend(message) | Call::Send(message), None) => Outcome::Closed(message), // nobody can ask
            (Call::TrySend(message), Some(sender)) => match sender.try_send(message) {
                Ok(()) => Outcome::Sent,
                Err(TrySendError::Full(message)) => Outcome::Full(message),
                Err(TrySendError::Closed(message)) => Outcome::Closed(message),
            },
            (Call::Send(message), Some(sender)) => match polled(sender.send(message), waits) {
                Some(Ok(())) => Outcome::Sent,
                Some(Err(mailbox::Closed(message))) => Outcome::Closed(message),
                None => Outcome::Waits,
            },
            (Call::TryRecv, _) => self.receiver.try_recv().map_or(Outcome::Empty, Outcome::Received),
            (Call::Recv, _) => match polled(self.receiver.recv(), waits) {
                Some(received) => received.map_or(Outcome::Ended, Outcome::Received),
                None => Outcome::Waits,
            },
            (Call::CloneSender, sender) => {
                let clone = sender.cloned();
                self.senders.extend(clone);
                Outcome::Done
            }
            (Call::DropSender, _) => {
                drop(self.senders.pop());
                Outcome::Done
            }
            (Call::Close, _) => {
                self.receiver.close();
                Outcome::Done
            }
        }
    }
}

fn drawn_call(from: &mut Drawn) -> Call {
    let message = from.below(1000);
    match from.below(40) {
        0..10 => Call::TrySend(message),
        10..18 => Call::Send(message),
        18..26 => Call::TryRecv,
        26..33 => Call::Recv,
        33..36 => Call::CloneSender,
        36..39 => Call::DropSender,
        _ => Call::Close,
    }
}

/// The first call of a sequence that has another result on `C` than on the model, and both results.
pub(crate) fn first_difference_of_channel<C: Channel>(seed: u64) -> Option<String> {
    let mut drawn = Drawn::from_seed(seed);
    let capacity = usize::try_from(1 + drawn.below(3)).expect("a few");
    let (mut model, mut channel) = (PlainMailbox::with_capacity(capacity), C::with_capacity(capacity));
    (0..CALLS).find_map(|at| {
        let call = drawn_call(&mut drawn);
        let right = model.call(call, false);
        let seen = channel.call(call, right == Outcome::Waits);
        (right != seen).then(|| format!("seed {seed}, call {at}, {call:?}: {seen:?} for {right:?}"))
    })
}

#[test]
fn the_mailbox_gives_what_a_plain_queue_gives() {
    check_sequence(|| {
        for seed in 0..SEEDS {
            assert_eq!(first_difference_of_channel::<Real>(seed), None);
        }
    });
}
