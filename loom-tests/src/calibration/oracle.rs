//! The judge: explores every sequentially consistent execution of a program by brute force, as a function of values. It knows nothing of the
//! checkers, and leaves nothing out: no reduction, each operation a step of its own.

use std::collections::BTreeSet;

use super::program::{Access, CELLS, Program, Step, changed, noted};

/// How a program can end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// What all cells hold and all threads have noted in the end.
    pub outcomes: BTreeSet<(Vec<u32>, Vec<u64>)>,
    /// Whether threads can be left that wait for ever.
    pub deadlock: bool,
}

/// All endings of `program`.
pub fn endings(program: &Program) -> Endings {
    let code: Vec<Vec<Op>> = program.threads.iter().map(|steps| flatten(steps)).collect();
    let threads = code.len();
    let start = State {
        at: vec![0; threads],
        asleep: vec![Sleep::Awake; threads],
        notes: vec![0; threads],
        values: [0; CELLS],
        writer: [false; CELLS],
        readers: [0; CELLS],
    };
    let mut endings = Endings::default();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        let mut next: Vec<State> = (0..threads).flat_map(|thread| state.step(thread, &code)).collect();
        if next.is_empty() {
            if (0..threads).all(|thread| state.at[thread] == code[thread].len()) {
                endings.outcomes.insert((state.values.to_vec(), state.notes));
            } else {
                endings.deadlock = true;
            }
            continue;
        }
        next.retain(|state| seen.insert(state.clone()));
        open.append(&mut next);
    }
    endings
}

/// An operation that nothing can come into.
#[derive(Clone, Copy, Debug)]
enum Op {
    Acquire(usize, Access),
    SleepWhileZero(usize),
    Note(usize),
    Change(usize, u32),
    Release(usize, Access),
    Wake(usize),
    Store(usize, u32),
    Add(usize, u32),
}

fn flatten(steps: &[Step]) -> Vec<Op> {
    let mut ops = Vec::new();
    for step in steps {
        match step {
            Step::Load(cell) => ops.push(Op::Note(*cell)),
            Step::Store(cell, value) => ops.push(Op::Store(*cell, *value)),
            Step::Add(cell, value) => ops.push(Op::Add(*cell, *value)),
            Step::Section { cell, access, by, sleeps, wakes, inside } => {
                ops.push(Op::Acquire(*cell, *access));
                ops.extend(sleeps.then_some(Op::SleepWhileZero(*cell)));
                ops.push(Op::Note(*cell));
                ops.extend((*access == Access::Exclusive).then_some(Op::Change(*cell, *by)));
                ops.extend(flatten(inside));
                ops.push(Op::Release(*cell, *access));
                ops.extend(wakes.then_some(Op::Wake(*cell)));
            }
        }
    }
    ops
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sleep {
    Awake,
    /// Until somebody wakes it: by itself it never does.
    Asleep,
    /// Woken, and without its lock yet.
    Woken,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// The next operation of each thread.
    at: Vec<usize>,
    asleep: Vec<Sleep>,
    notes: Vec<u64>,
    values: [u32; CELLS],
    writer: [bool; CELLS],
    readers: [u32; CELLS],
}

impl State {
    /// Where the next operation of a thread leads: to one state, to none if it cannot be done now, to several if it wakes one of many.
    fn step(&self, thread: usize, code: &[Vec<Op>]) -> Vec<Self> {
        let Some(op) = code[thread].get(self.at[thread]) else { return Vec::new() };
        let mut next = self.clone();
        next.at[thread] += 1;
        match *op {
            Op::Acquire(cell, access) => {
                if !next.acquire(cell, access) {
                    return Vec::new();
                }
            }
            Op::SleepWhileZero(cell) => match self.asleep[thread] {
                Sleep::Asleep => return Vec::new(),
                Sleep::Woken if !next.acquire(cell, Access::Exclusive) => return Vec::new(),
                Sleep::Woken => {
                    next.asleep[thread] = Sleep::Awake;
                    next.at[thread] -= 1; // it looks again
                }
                Sleep::Awake if self.values[cell] == 0 => {
                    next.writer[cell] = false;
                    next.asleep[thread] = Sleep::Asleep;
                    next.at[thread] -= 1;
                }
                Sleep::Awake => {}
            },
            Op::Note(cell) => next.note(thread, cell),
            Op::Change(cell, by) => next.values[cell] = changed(self.values[cell], by),
            Op::Release(cell, Access::Exclusive) => next.writer[cell] = false,
            Op::Release(cell, Access::Shared) => next.readers[cell] -= 1,
            Op::Wake(cell) => return next.wake_one(cell, code),
            Op::Store(cell, value) => next.values[cell] = value,
            Op::Add(cell, value) => {
                next.note(thread, cell);
                next.values[cell] = self.values[cell] + value;
            }
        }
        vec![next]
    }

    fn note(&mut self, thread: usize, cell: usize) {
        self.notes[thread] = noted(self.notes[thread], self.values[cell]);
    }

    /// Takes a lock, if it is free.
    fn acquire(&mut self, cell: usize, access: Access) -> bool {
        let free = !self.writer[cell] && (access == Access::Shared || self.readers[cell] == 0);
        if free {
            match access {
                Access::Exclusive => self.writer[cell] = true,
                Access::Shared => self.readers[cell] += 1,
            }
        }
        free
    }

    /// Wakes any one of those who sleep at `cell`; nobody, if nobody does.
    fn wake_one(self, cell: usize, code: &[Vec<Op>]) -> Vec<Self> {
        let sleeps = |thread: &usize| {
            let op = code[*thread].get(self.at[*thread]);
            self.asleep[*thread] == Sleep::Asleep && matches!(op, Some(Op::SleepWhileZero(at)) if *at == cell)
        };
        let sleepers: Vec<usize> = (0..code.len()).filter(sleeps).collect();
        if sleepers.is_empty() {
            return vec![self];
        }
        let woken = |thread| {
            let mut next = self.clone();
            next.asleep[thread] = Sleep::Woken;
            next
        };
        sleepers.into_iter().map(woken).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibration::program::Fragment;

    fn section(cell: usize, by: u32, inside: Vec<Step>) -> Step {
        Step::Section { cell, access: Access::Exclusive, by, sleeps: false, wakes: false, inside }
    }

    fn endings_of(threads: Vec<Vec<Step>>) -> Endings {
        endings(&Program { fragment: Fragment::Mutex, threads })
    }

    #[test]
    fn both_orders_of_two_changes_are_outcomes() {
        let endings = endings_of(vec![vec![section(0, 1, vec![])], vec![section(0, 2, vec![])]]);
        assert!(!endings.deadlock);
        // 0 -> 1 -> 4 and 0 -> 2 -> 5; the second has seen what the first left.
        let expected = [(vec![4, 0], vec![0, 1]), (vec![5, 0], vec![2, 0])];
        assert!(endings.outcomes.into_iter().eq(expected));
    }

    #[test]
    fn locks_taken_in_both_orders_are_a_deadlock() {
        let nested = |outer: usize| vec![section(outer, 1, vec![section(1 - outer, 1, vec![])])];
        assert!(endings_of(vec![nested(0), nested(1)]).deadlock);
        assert!(!endings_of(vec![nested(0), nested(0)]).deadlock);
    }

    #[test]
    fn a_sleeper_that_nobody_wakes_is_a_deadlock() {
        let sleeps = Step::Section {
            cell: 0,
            access: Access::Exclusive,
            by: 1,
            sleeps: true,
            wakes: false,
            inside: vec![],
        };
        let wakes = |wakes| Step::Section {
            cell: 0,
            access: Access::Exclusive,
            by: 1,
            sleeps: false,
            wakes,
            inside: vec![],
        };
        assert!(!endings_of(vec![vec![sleeps.clone()], vec![wakes(true)]]).deadlock);
        assert!(endings_of(vec![vec![sleeps], vec![wakes(false)]]).deadlock);
    }

    #[test]
    fn store_buffering_is_not_sequentially_consistent() {
        let threads = vec![vec![Step::Store(0, 1), Step::Load(1)], vec![Step::Store(1, 1), Step::Load(0)]];
        let notes: BTreeSet<_> = endings_of(threads).outcomes.into_iter().map(|(_, notes)| notes).collect();
        assert!(notes.into_iter().eq([vec![0, 1], vec![1, 0], vec![1, 1]]));
    }
}
