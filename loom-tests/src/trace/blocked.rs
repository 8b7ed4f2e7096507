//! Who is stuck at the end of a trace, and who is in the way.

use std::collections::BTreeMap;

use concurrency_models::sync::event::{Event, Kind};

use super::{Action, Trace};

/// Why a thread does not go on.
#[derive(Clone, Debug)]
pub(super) enum Blocked {
    /// It asks for a lock that these threads hold. If it is among them, it asks for what it has.
    OnLock { event: Event, holders: Vec<u32> },
    /// It sleeps until it is woken.
    Asleep(Event),
    /// It waits for the end of this thread.
    OnThread(u32),
}

/// The threads that have neither ended nor gone on after their last step.
pub(super) fn at_the_end(trace: &Trace) -> BTreeMap<u32, Blocked> {
    let mut last = BTreeMap::new();
    let mut holders: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for step in &trace.steps {
        last.insert(step.thread, step.action);
        let Action::Event(event) = step.action else { continue };
        let holding = holders.entry(event.object.serial).or_default();
        match event.kind {
            Kind::Acquired(_) => holding.push(step.thread),
            Kind::Released(_) => {
                if let Some(at) = holding.iter().position(|holder| *holder == step.thread) {
                    holding.remove(at);
                }
            }
            _ => {}
        }
    }
    let blocked = |action| match action {
        Action::Event(event) => match event.kind {
            Kind::Requested(_) => {
                let holders = holders.get(&event.object.serial).cloned().unwrap_or_default();
                Some(Blocked::OnLock { event, holders })
            }
            Kind::Waiting => Some(Blocked::Asleep(event)),
            _ => None,
        },
        Action::Joining(other) => Some(Blocked::OnThread(other)),
        _ => None,
    };
    last.into_iter().filter_map(|(thread, action)| Some((thread, blocked(action)?))).collect()
}
