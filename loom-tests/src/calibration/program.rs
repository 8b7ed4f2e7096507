//! Small random programs, each the same for the same seed.

/// What a program is made of: the question is whether a checker is complete for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// Mutexes, one inside of another too.
    Mutex,
    /// Readers and writers, one inside of another too.
    RwLock,
    /// Mutexes with one thread that sleeps until another has changed a value.
    Condvar,
    /// Sequentially consistent atomics.
    Atomic,
}

impl Fragment {
    /// Its name in summaries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutex => "Mutex",
            Self::RwLock => "RwLock",
            Self::Condvar => "Condvar",
            Self::Atomic => "SeqCst atomics",
        }
    }
}

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody else is inside.
    Exclusive,
    /// Other readers may be.
    Shared,
}

/// What a thread does with one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Takes the lock of `cell`, notes its value, changes it (if exclusive), takes the steps of `inside`, and gives the lock back.
    Section {
        /// Which.
        cell: usize,
        /// How.
        access: Access,
        /// What is changed: see [`changed`].
        by: u32,
        /// Sleeps first while the value is 0.
        sleeps: bool,
        /// Wakes one thread that sleeps at this cell, after the lock was given back.
        wakes: bool,
        /// What is done while the lock is held.
        inside: Vec<Step>,
    },
    /// Notes the value of an atomic.
    Load(usize),
    /// Stores a value into an atomic.
    Store(usize, u32),
    /// Adds to an atomic and notes what was there.
    Add(usize, u32),
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is made of.
    pub fragment: Fragment,
    /// The steps of each thread.
    pub threads: Vec<Vec<Step>>,
}

/// Cells of a program. All hold 0 at first.
pub const CELLS: usize = 2;

/// What a thread notes: all that it has seen, in order.
pub fn noted(before: u64, value: u32) -> u64 {
    before * 32 + u64::from(value)
}

/// The next value of a cell: the order of two changes can be told from the outcome.
pub fn changed(value: u32, by: u32) -> u32 {
    (value * 2 + by) % 8
}

impl Program {
    /// The program of a seed, with at most so many steps.
    pub fn random(fragment: Fragment, seed: u64, steps: usize) -> Self {
        let mut draw = Draw(seed ^ 0x0c4c_0a1c);
        let threads = if fragment == Fragment::Condvar { 2 } else { 2 + draw.below(2) };
        let each = (steps / threads).max(1);
        let threads = (0..threads).map(|thread| steps_of(fragment, thread, each, &mut draw)).collect();
        Self { fragment, threads }
    }
}

fn steps_of(fragment: Fragment, thread: usize, at_most: usize, draw: &mut Draw) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut left = 1 + draw.below(at_most);
    while left > 0 {
        let (cell, by) = (draw.below(CELLS), draw.value());
        if fragment == Fragment::Atomic {
            steps.push([Step::Load(cell), Step::Store(cell, by), Step::Add(cell, by)][draw.below(3)].clone());
        } else {
            let inside = if left > 1 && draw.below(4) != 0 {
                left -= 1;
                vec![section(fragment, thread, 1 - cell, draw)] // never the same lock again: RwLocks differ in what that means
            } else {
                Vec::new()
            };
            let Step::Section { access, by, sleeps, wakes, .. } = section(fragment, thread, cell, draw)
            else {
                unreachable!("a section")
            };
            steps.push(Step::Section { cell, access, by, sleeps, wakes, inside });
        }
        left -= 1;
    }
    steps
}

/// A section with nothing inside. Of a condition variable the first thread sleeps and the other wakes, or forgets to.
fn section(fragment: Fragment, thread: usize, cell: usize, draw: &mut Draw) -> Step {
    let shared = fragment == Fragment::RwLock && draw.below(3) == 0;
    let condvar = fragment == Fragment::Condvar;
    Step::Section {
        cell,
        access: if shared { Access::Shared } else { Access::Exclusive },
        by: draw.value(),
        sleeps: condvar && thread == 0 && draw.below(2) == 0,
        wakes: condvar && thread != 0 && draw.below(4) != 0,
        inside: Vec::new(),
    }
}

/// A source of numbers (splitmix64, by Steele, Lea and Flood, 2014).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64).try_into().expect("it is below a usize")
    }

    /// What is stored or added: 1, 2 or 3.
    fn value(&mut self) -> u32 {
        [1, 2, 3][self.below(3)]
    }
}
