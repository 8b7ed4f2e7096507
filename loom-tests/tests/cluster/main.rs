//! Three members of a Raft group, each with the real `RawNode`, the real loop and a WAL thread of its own, over a network that loses, doubles and
//! reorders messages, with power cuts, changes of membership and logs that are compacted all the time. Then the faults stop, and the group must do its work.
//!
//! Not for loom, which would not come to an end: that explores one member at a time, whole.
//!
//! The same seed gives the same run, under shuttle: raft's maps are of a hasher without a random seed; of its own random numbers, which are
//! election timeouts, none is ever used (`ElectionTimeouts`); time is the number of ticks; and faults are drawn from the seed.
#![cfg(not(loom))]

mod faults;
mod group;
mod history;
mod machine;
mod network;
mod seed;
mod wal;

use loom_tests::check;

use faults::Story;
use history::Seen;

/// What makes a story of compactions.
const EVERYTHING: Seen =
    Seen { restart_from_a_snapshot: true, caught_up_by_a_snapshot: true, cut_short: true };

#[test]
fn what_is_acknowledged_survives_and_the_group_goes_on_when_the_faults_stop() {
    let explored = check(|| {
        let mut story = Story::new(seed::draw());
        story.faults();
        story.recovery();
        story.end()
    });
    if cfg!(shuttle) {
        let everything = format!("{EVERYTHING:?}"); // on real threads it depends on how busy the machine is
        assert!(explored.final_states.contains(&everything), "no story had it all: {explored:?}");
    }
}
