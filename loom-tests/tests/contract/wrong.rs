//! Stand-ins that are wrong, each in one way that a hurried editor would think harmless: the suites tell each from the real thing.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use concurrency_models::sync::sharded_map::Backing;

use super::cases::{HERE, remove_while_iterating};
use super::matrix::{Blocks, Row};
use super::models::{Call, Channel, Outcome, PlainMailbox, PlainMap};
use super::sequence::{first_difference_of_channel, first_difference_of_map};
use super::trial::{self, Case};

/// A way to be wrong.
#[derive(Clone, Copy)]
enum Fault {
    /// Nothing is wrong.
    None,
    /// Removes whatever the condition says.
    RemovesBlindly,
    /// Replaces what it should merge with.
    Overwrites,
    /// Does not show the entry with the smallest key.
    SkipsTheFirst,
}

/// A map that is right but for one fault.
struct Faulty(PlainMap, Fault);

impl Backing<u32, u32> for Faulty {
    fn view<R>(&self, key: &u32, look: impl FnOnce(&u32) -> R) -> Option<R> {
        self.0.view(key, look)
    }

    fn update<R>(&self, key: &u32, change: impl FnOnce(&mut u32) -> R) -> Option<R> {
        self.0.update(key, change)
    }

    fn upsert(&self, key: u32, value: u32, merge: impl FnOnce(&mut u32, u32)) {
        match self.1 {
            Fault::Overwrites => self.0.upsert(key, value, |present, new| *present = new),
            _ => self.0.upsert(key, value, merge),
        }
    }

    fn remove_if(&self, key: &u32, condition: impl FnOnce(&u32) -> bool) -> Option<u32> {
        match self.1 {
            Fault::RemovesBlindly => self.0.remove_if(key, |_| true),
            _ => self.0.remove_if(key, condition),
        }
    }

    fn for_each(&self, mut look: impl FnMut(&u32, &u32)) {
        let mut skip = matches!(self.1, Fault::SkipsTheFirst);
        self.0.for_each(|key, value| {
            if !std::mem::take(&mut skip) {
                look(key, value);
            }
        });
    }

    fn count(&self) -> usize {
        self.0.count()
    }
}

/// How many of some sequences show a difference.
fn seeds_that_notice(fault: Fault) -> usize {
    (0..20)
        .filter(|seed| first_difference_of_map(*seed, &Faulty(PlainMap::default(), fault)).is_some())
        .count()
}

#[test]
fn a_map_that_is_wrong_gives_another_result_and_one_that_is_right_does_not() {
    assert_eq!(seeds_that_notice(Fault::None), 0);
    for (fault, name) in
        [(Fault::RemovesBlindly, "blind"), (Fault::Overwrites, "overwrites"), (Fault::SkipsTheFirst, "skips")]
    {
        assert!(seeds_that_notice(fault) > 0, "{name} passes for a map");
    }
}

/// A mailbox that hands out the newest message first.
struct Stack(PlainMailbox, VecDeque<u32>);

impl Channel for Stack {
    fn with_capacity(capacity: usize) -> Self {
        Self(PlainMailbox::with_capacity(capacity), VecDeque::new())
    }

    fn call(&mut self, call: Call, waits: bool) -> Outcome {
        match self.0.call(call, waits) {
            Outcome::Sent => {
                let (Call::TrySend(message) | Call::Send(message)) = call else { return Outcome::Sent };
                self.1.push_front(message);
                Outcome::Sent
            }
            Outcome::Received(_) => Outcome::Received(self.1.pop_front().expect("as many as the model has")),
            other => other,
        }
    }
}

/// A mailbox with room for one more.
struct Roomy(PlainMailbox);

impl Channel for Roomy {
    fn with_capacity(capacity: usize) -> Self {
        Self(PlainMailbox::with_capacity(capacity + 1))
    }

    fn call(&mut self, call: Call, waits: bool) -> Outcome {
        self.0.call(call, waits)
    }
}

#[test]
fn a_mailbox_that_is_wrong_gives_another_result_and_one_that_is_right_does_not() {
    let notice = |difference: fn(u64) -> Option<String>| (0..20).any(|seed| difference(seed).is_some());
    assert!(!notice(first_difference_of_channel::<PlainMailbox>));
    assert!(notice(first_difference_of_channel::<Stack>));
    assert!(notice(first_difference_of_channel::<Roomy>));
}

/// A map that iterates over a copy: a removal inside of the iteration does not block, and fix #3 looks as if it were not needed.
#[derive(Default)]
struct IteratesOverACopy(RefCell<BTreeMap<u32, u32>>);

impl Backing<u32, u32> for IteratesOverACopy {
    fn view<R>(&self, key: &u32, look: impl FnOnce(&u32) -> R) -> Option<R> {
        self.0.borrow().get(key).map(look)
    }

    fn update<R>(&self, key: &u32, change: impl FnOnce(&mut u32) -> R) -> Option<R> {
        self.0.borrow_mut().get_mut(key).map(change)
    }

    fn upsert(&self, key: u32, value: u32, _: impl FnOnce(&mut u32, u32)) {
        self.0.borrow_mut().insert(key, value);
    }

    fn remove_if(&self, key: &u32, _: impl FnOnce(&u32) -> bool) -> Option<u32> {
        self.0.borrow_mut().remove(key)
    }

    fn for_each(&self, mut look: impl FnMut(&u32, &u32)) {
        let copy = self.0.borrow().clone();
        copy.iter().for_each(|(key, value)| look(key, value));
    }

    fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

fn remove_inside_of_the_iteration_over_a_copy() {
    let map = IteratesOverACopy::default();
    map.upsert(HERE, 1, |_, _| ());
    remove_while_iterating(&map, HERE);
}

/// The row of the real map, tried on the wrong one.
pub(crate) fn row() -> Row {
    Row {
        object: "a map that iterates over a copy",
        call: "remove_if",
        during: "for_each shows that entry",
        blocks: Blocks::Always,
        case: Case::Alone(remove_inside_of_the_iteration_over_a_copy),
    }
}

#[test]
fn a_map_that_does_not_block_where_the_real_one_does_is_noticed() {
    let row = row();
    assert!(!row.agrees(trial::blocks(&row.name())), "it passes for a map");
}
