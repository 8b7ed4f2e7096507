//! What the locks of an execution are called in its diagram.

use std::collections::BTreeMap;

use super::super::trace::Trace;

/// A name for each object.
pub(super) struct Names(BTreeMap<usize, String>);

impl Names {
    /// Objects are called after what they guard; a number tells those apart that would be called alike.
    pub(super) fn of(trace: &Trace) -> Self {
        let places = trace.steps.iter().filter_map(|step| step.place.as_ref());
        let stuck = trace.blocked.iter().filter_map(|blocked| blocked.place.as_ref());
        let mut names: BTreeMap<usize, String> = BTreeMap::new();
        for place in places.chain(stuck) {
            names.entry(place.object).or_insert_with(|| short(&place.guards));
        }
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for name in names.values() {
            *alike.entry(name.clone()).or_default() += 1;
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for name in names.values_mut().filter(|name| alike[*name] > 1) {
            let number = seen.entry(name.clone()).or_default();
            *number += 1;
            *name = format!("{name} {number}");
        }
        Self(names)
    }

    pub(super) fn of_object(&self, object: usize) -> String {
        self.0.get(&object).cloned().unwrap_or_default()
    }
}

/// `mailbox::State<raft_loop::run::Event>` is `mailbox`, `RawNode<MemoryStore>` is `RawNode`. What guards nothing is what a thread sleeps on.
fn short(guards: &str) -> String {
    let bare = guards.split('<').next().unwrap_or_default();
    match bare.strip_suffix("::State").unwrap_or(bare) {
        "()" => "bell".to_owned(),
        "" => guards.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::trace::{Action, Place, Step};
    use super::super::rows::tests::trace;
    use super::*;

    #[test]
    fn names_are_short() {
        assert_eq!(short("mailbox::State<raft_loop::run::Event>"), "mailbox");
        assert_eq!(short("RawNode<raft_loop::store::MemoryStore>"), "RawNode");
        assert_eq!(short("()"), "bell");
        assert_eq!(short("(Vec<u8>, bool)"), "(Vec");
    }

    #[test]
    fn objects_of_one_kind_are_numbered() {
        let mut trace = trace(&[]);
        for (object, guards) in [(0, "()"), (1, "u32"), (2, "()")] {
            let place = Place { object, guards: guards.to_owned(), site: String::new() };
            trace.steps.push(Step { thread: 0, action: Action::Waiting, place: Some(place) });
        }
        let names = Names::of(&trace);
        assert_eq!([0, 1, 2].map(|object| names.of_object(object)), ["bell 1", "u32", "bell 2"]);
    }
}
