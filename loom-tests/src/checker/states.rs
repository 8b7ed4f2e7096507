//! The final states that the executions of a scenario come to.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use super::Scenario;

/// Collects final states, from whichever thread an execution ends on.
#[derive(Clone, Default)]
pub(super) struct FinalStates(Arc<Lock<BTreeSet<String>>>);

#[expect(clippy::disallowed_types, reason = "no checker may see it: it is not part of the scenario")]
type Lock<T> = std::sync::Mutex<T>;

impl FinalStates {
    /// The scenario, with what it returns collected in here.
    pub(super) fn collect(&self, scenario: Scenario) -> impl Fn() + Send + Sync + use<> {
        let states = self.clone();
        move || states.add(scenario.run())
    }

    fn add(&self, state: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(state);
    }

    /// All that were collected.
    pub(super) fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::{FinalStates, Scenario};

    #[test]
    fn equal_states_count_once() {
        let states = FinalStates::default();
        for outcome in [1, 2, 1] {
            states.collect(Scenario::of(move || outcome))();
        }
        assert!(states.take().into_iter().eq(["1", "2"]));
    }
}
