//! How an execution ends: who is stuck, at what, and because of whom.

use super::super::trace::{Action, Blocked, Trace, Why};
use super::names::Names;
use super::rows::thread_name;
use super::short_site;

/// A thread that is stuck, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) thread: usize,
    /// What it wants: `wants write RawNode`.
    pub(super) wants: String,
    /// Why it does not get it: `and holds it itself since run.rs:143`.
    pub(super) because: String,
    /// Whom it waits for.
    pub(super) on: Vec<usize>,
}

/// All who are stuck at the end of a trace.
pub(super) fn stuck(trace: &Trace) -> Vec<Stuck> {
    let names = Names::of(trace);
    trace.blocked.iter().map(|blocked| of(trace, &names, blocked)).collect()
}

fn of(trace: &Trace, names: &Names, blocked: &Blocked) -> Stuck {
    let thread = blocked.thread;
    let object = blocked.place.as_ref().map(|place| (place.object, names.of_object(place.object)));
    let (wants, because, on) = match (&blocked.why, object) {
        (Why::Lock(holders), Some((object, name))) => {
            let access = last_access(trace, thread).unwrap_or("lock");
            let because = match holders.as_slice() {
                [] => "nobody holds it, others are before it".to_owned(),
                holders if holders.contains(&thread) => {
                    format!("and holds it itself{}", since(trace, thread, object))
                }
                [holder] => {
                    format!("{} holds it{}", thread_name(trace, *holder), since(trace, *holder, object))
                }
                several => format!("{} threads hold it", several.len()),
            };
            (format!("wants {access} {name}"), because, holders.clone())
        }
        (Why::Asleep, Some((_, name))) => {
            (format!("sleeps on {name}"), "nobody wakes it".to_owned(), Vec::new())
        }
        (Why::Join(threads), _) => {
            let name = threads.first().map(|other| thread_name(trace, *other)).unwrap_or_default();
            (format!("waits for {name}"), "which does not end".to_owned(), threads.clone())
        }
        (Why::Lock(_) | Why::Asleep, None) => ("is stuck".to_owned(), String::new(), Vec::new()),
    };
    Stuck { thread, wants, because, on }
}

/// How `thread` asked for what it asked for last.
fn last_access(trace: &Trace, thread: usize) -> Option<&str> {
    trace.steps.iter().rev().filter(|step| step.thread == thread).find_map(|step| match &step.action {
        Action::Requested(access) => Some(access.as_str()),
        _ => None,
    })
}

/// Where `thread` has taken `object`, which it still holds.
fn since(trace: &Trace, thread: usize, object: usize) -> String {
    let taken = trace.steps.iter().rev().find_map(|step| {
        let place = step.place.as_ref().filter(|place| place.object == object && step.thread == thread)?;
        matches!(step.action, Action::Acquired(_)).then(|| short_site(&place.site))
    });
    taken.map(|site| format!(" since {site}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::super::trace::Place;
    use super::super::rows::tests::trace;
    use super::*;

    #[test]
    fn a_thread_that_waits_for_itself_says_so_and_where_it_took_the_lock() {
        let mut trace = trace(&[(1, "requested", 0), (1, "acquired", 0), (1, "requested", 0)]);
        let place = Place { object: 0, guards: "T0".to_owned(), site: "b.rs:9".to_owned() };
        trace.blocked.push(Blocked { thread: 1, why: Why::Lock(vec![1]), place: Some(place) });
        trace.blocked.push(Blocked { thread: 0, why: Why::Join(vec![1]), place: None });
        let stuck = stuck(&trace);
        assert_eq!(stuck[0].wants, "wants lock T0");
        assert_eq!(stuck[0].because, "and holds it itself since a.rs:0");
        assert_eq!((stuck[1].wants.as_str(), stuck[1].on.as_slice()), ("waits for thread 1", [1].as_slice()));
    }
}
