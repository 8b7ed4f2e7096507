//! From steps to rows: what a thread does without anything in between is one row.

use super::super::trace::{Action, Step, Trace};
use super::names::Names;
use super::{Kind, Row, short_site};

/// The rows of a trace, in order.
pub(super) fn rows(trace: &Trace) -> Vec<Row> {
    let names = Names::of(trace);
    let mut rows = Vec::new();
    let mut at = 0;
    while let Some(step) = trace.steps.get(at) {
        let (kind, length) = shape(&trace.steps[at..]);
        rows.push(Row {
            thread: step.thread,
            kind,
            object: step.place.as_ref().map(|place| place.object),
            text: text(trace, &names, step, kind),
            site: step.place.as_ref().map(|place| short_site(&place.site).to_owned()).unwrap_or_default(),
            steps: at..at + length,
        });
        at += length;
    }
    rows
}

/// What the first of these steps is the beginning of, and how many steps that has.
fn shape(steps: &[Step]) -> (Kind, usize) {
    let [first, rest @ ..] = steps else { return (Kind::Other, 0) };
    match &first.action {
        Action::Requested(_)
            if is_next(first, rest.first(), |action| matches!(action, Action::Acquired(_))) =>
        {
            let released = is_next(first, rest.get(1), |action| matches!(action, Action::Released(_)));
            if released { (Kind::Section, 3) } else { (Kind::Takes, 2) }
        }
        Action::Requested(_) => (Kind::Asks, 1),
        Action::Acquired(_) => (Kind::Takes, 1),
        Action::Released(_) => (Kind::Gives, 1),
        Action::Waiting => (Kind::Sleeps, 1),
        Action::Woken => (Kind::Wakes, 1),
        Action::Notified => (Kind::Notifies, 1),
        Action::Spawned(other) => (Kind::Spawns(*other), 1),
        Action::Called(_) => match shape(rest) {
            // an operation that is one critical section is named after the operation
            (Kind::Section, length) if is_next(first, rest.first(), |_| true) => (Kind::Section, length + 1),
            _ => (Kind::Other, 1),
        },
        Action::Joining(_) | Action::Joined(_) | Action::Ended => (Kind::Other, 1),
    }
}

/// Whether the next step is of the same thread and the same object, and of the kind that is looked for.
fn is_next(first: &Step, next: Option<&Step>, is: impl Fn(&Action) -> bool) -> bool {
    let object = |step: &Step| step.place.as_ref().map(|place| place.object);
    next.is_some_and(|next| next.thread == first.thread && object(next) == object(first) && is(&next.action))
}

fn text(trace: &Trace, names: &Names, step: &Step, kind: Kind) -> String {
    let object = step.place.as_ref().map(|place| names.of_object(place.object)).unwrap_or_default();
    let thread = |thread: usize| thread_name(trace, thread);
    match &step.action {
        Action::Requested(access) if kind == Kind::Section => format!("{access}, unlock {object}"),
        Action::Requested(access) if kind == Kind::Asks => format!("wants {access} {object}"),
        Action::Requested(access) | Action::Acquired(access) => format!("{access} {object}"),
        Action::Released(_) => format!("unlock {object}"),
        Action::Waiting => format!("sleeps on {object}"),
        Action::Woken => format!("is awake ({object})"),
        Action::Notified => format!("wakes {object}"),
        Action::Called(operation) => format!("{operation} {object}"),
        Action::Spawned(other) => format!("starts {}", thread(*other)),
        Action::Joining(other) => format!("waits for {}", thread(*other)),
        Action::Joined(other) => format!("{} is done", thread(*other)),
        Action::Ended => "ends".to_owned(),
    }
}

/// `main`, `thread 1`.
pub(super) fn thread_name(trace: &Trace, thread: usize) -> String {
    match trace.threads.get(thread).map(String::as_str) {
        Some(number) if number.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("thread {number}")
        }
        Some(name) => name.to_owned(),
        None => format!("thread {thread}"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::trace::Place;
    use super::*;

    /// A trace of these steps: thread, word, number of the object or thread.
    pub(in super::super) fn trace(steps: &[(usize, &str, usize)]) -> Trace {
        let step = |&(thread, word, other): &(usize, &str, usize)| {
            let place =
                Some(Place { object: other, guards: format!("T{other}"), site: format!("a.rs:{other}") });
            let access = || "lock".to_owned();
            let (action, place) = match word {
                "requested" => (Action::Requested(access()), place),
                "acquired" => (Action::Acquired(access()), place),
                "released" => (Action::Released(access()), place),
                "waiting" => (Action::Waiting, place),
                "woken" => (Action::Woken, place),
                "notified" => (Action::Notified, place),
                "spawned" => (Action::Spawned(other), None),
                "joining" => (Action::Joining(other), None),
                _ => (Action::Ended, None),
            };
            Step { thread, action, place }
        };
        Trace {
            scenario: "a::b".to_owned(),
            checker: "loom".to_owned(),
            execution: 1,
            threads: ["main", "1", "2"].map(str::to_owned).to_vec(),
            lost: 0,
            steps: steps.iter().map(step).collect(),
            blocked: Vec::new(),
        }
    }

    fn kinds(steps: &[(usize, &str, usize)]) -> Vec<Kind> {
        rows(&trace(steps)).iter().map(|row| row.kind).collect()
    }

    #[test]
    fn a_critical_section_with_nothing_in_it_is_one_row() {
        let steps = [(1, "requested", 0), (1, "acquired", 0), (1, "released", 0)];
        assert_eq!(kinds(&steps), [Kind::Section]);
        assert_eq!(rows(&trace(&steps))[0].text, "lock, unlock T0");
        assert_eq!(rows(&trace(&steps))[0].steps, 0..3);
    }

    #[test]
    fn what_another_thread_does_in_between_is_seen() {
        let steps = [
            (1, "requested", 0),
            (1, "acquired", 0),
            (2, "requested", 0),
            (1, "released", 0),
            (2, "acquired", 0),
            (2, "released", 0),
        ];
        assert_eq!(kinds(&steps), [Kind::Takes, Kind::Asks, Kind::Gives, Kind::Takes, Kind::Gives]);
    }

    #[test]
    fn a_lock_within_a_lock_is_two_rows() {
        let steps = [
            (1, "requested", 0),
            (1, "acquired", 0),
            (1, "requested", 1),
            (1, "acquired", 1),
            (1, "released", 1),
            (1, "released", 0),
        ];
        assert_eq!(kinds(&steps), [Kind::Takes, Kind::Section, Kind::Gives]);
    }
}
