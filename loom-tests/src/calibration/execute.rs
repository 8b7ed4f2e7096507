//! Runs a program under the checker that this build was made for. With the checker's own types, not with the facade's: lockdep, which is below the
//! facade under shuttle, would object to two orders of locks before the checker sees them deadlock.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

#[cfg(loom)]
use loom::{
    sync::{Condvar, Mutex, RwLock, atomic::AtomicU32},
    thread,
};
#[cfg(shuttle)]
use shuttle::{
    sync::{Condvar, Mutex, RwLock, atomic::AtomicU32},
    thread,
};

use super::program::{Access, CELLS, Fragment, Program, Step, changed, noted};

/// What the threads of a program share.
struct Memory(Vec<Cell>);

enum Cell {
    Mutex(Mutex<u32>, Condvar),
    RwLock(RwLock<u32>),
    Atomic(AtomicU32),
}

impl Cell {
    fn of(fragment: Fragment) -> Self {
        match fragment {
            Fragment::Mutex | Fragment::Condvar => Self::Mutex(Mutex::new(0), Condvar::new()),
            Fragment::RwLock => Self::RwLock(RwLock::new(0)),
            Fragment::Atomic => Self::Atomic(AtomicU32::new(0)),
        }
    }

    fn value(&self) -> u32 {
        match self {
            Self::Mutex(lock, _) => *lock.lock().expect("nobody panics"),
            Self::RwLock(lock) => *lock.read().expect("nobody panics"),
            Self::Atomic(atomic) => atomic.load(SeqCst),
        }
    }

    fn atomic(&self) -> &AtomicU32 {
        match self {
            Self::Atomic(atomic) => atomic,
            _ => unreachable!("a program is made of one fragment"),
        }
    }
}

/// Executes the program once, and returns what all cells hold and all threads have noted in the end.
pub(super) fn execute(program: &Program) -> (Vec<u32>, Vec<u64>) {
    let memory = Arc::new(Memory((0..CELLS).map(|_| Cell::of(program.fragment)).collect()));
    let threads: Vec<_> = program
        .threads
        .iter()
        .map(|steps| {
            let (steps, memory) = (steps.clone(), memory.clone());
            thread::spawn(move || {
                let mut notes = 0;
                memory.take(&steps, &mut notes);
                notes
            })
        })
        .collect();
    let notes = threads.into_iter().map(|thread| thread.join().expect("nobody panics")).collect();
    (memory.0.iter().map(Cell::value).collect(), notes)
}

impl Memory {
    fn take(&self, steps: &[Step], notes: &mut u64) {
        for step in steps {
            match step {
                Step::Load(cell) => *notes = noted(*notes, self.0[*cell].atomic().load(SeqCst)),
                Step::Store(cell, value) => self.0[*cell].atomic().store(*value, SeqCst),
                Step::Add(cell, value) => {
                    *notes = noted(*notes, self.0[*cell].atomic().fetch_add(*value, SeqCst));
                }
                Step::Section { .. } => self.enter(step, notes),
            }
        }
    }

    fn enter(&self, section: &Step, notes: &mut u64) {
        let Step::Section { cell, access, by, sleeps, wakes, inside } = section else { return };
        match (&self.0[*cell], access) {
            (Cell::Mutex(lock, bell), _) => {
                let mut value = lock.lock().expect("nobody panics");
                while *sleeps && *value == 0 {
                    value = bell.wait(value).expect("nobody panics");
                }
                *notes = noted(*notes, *value);
                *value = changed(*value, *by);
                self.take(inside, notes);
                drop(value);
                if *wakes {
                    bell.notify_one();
                }
            }
            (Cell::RwLock(lock), Access::Exclusive) => {
                let mut value = lock.write().expect("nobody panics");
                *notes = noted(*notes, *value);
                *value = changed(*value, *by);
                self.take(inside, notes);
            }
            (Cell::RwLock(lock), Access::Shared) => {
                let value = lock.read().expect("nobody panics");
                *notes = noted(*notes, *value);
                self.take(inside, notes);
            }
            (Cell::Atomic(_), _) => unreachable!("a program is made of one fragment"),
        }
    }
}
