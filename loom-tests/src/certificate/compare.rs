//! What has changed since a certificate was written.

use super::Certificate;
use crate::checker::with_thousands;

/// What is different, a line for each thing; empty if nothing is.
pub fn differences(committed: &Certificate, now: &Certificate) -> Vec<String> {
    let bound = |certificate: &Certificate| match certificate.preemption_bound {
        None => "none".to_owned(),
        Some(bound) => bound.to_string(),
    };
    let numbers = [
        ("kind", committed.kind.clone(), now.kind.clone()),
        ("completed", committed.completed.to_string(), now.completed.to_string()),
        ("preemption bound", bound(committed), bound(now)),
        ("executions", with_thousands(committed.executions), with_thousands(now.executions)),
        ("threads", committed.threads.to_string(), now.threads.to_string()),
        (
            "events of the longest execution",
            with_thousands(committed.longest_execution_events),
            with_thousands(now.longest_execution_events),
        ),
        ("final states", committed.final_states.to_string(), now.final_states.to_string()),
    ];
    let mut differences: Vec<String> = numbers
        .into_iter()
        .filter(|(_, was, is)| was != is)
        .map(|(what, was, is)| format!("{what}: {was} in the certificate, {is} now"))
        .collect();
    let states = |certificate: &Certificate| certificate.final_states_listed.clone().unwrap_or_default();
    let (was, is) = (states(committed), states(now));
    differences.extend(was.difference(&is).map(|state| format!("no longer a final state: {state}")));
    differences.extend(is.difference(&was).map(|state| format!("a new final state: {state}")));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Versions;

    fn certificate() -> Certificate {
        Certificate {
            scenario: "mailbox::nothing_is_lost".to_owned(),
            kind: "proof".to_owned(),
            completed: true,
            preemption_bound: None,
            executions: 1_183,
            threads: 3,
            longest_execution_events: 64,
            final_states: 2,
            final_states_listed: Some(["1", "2"].map(str::to_owned).into()),
            versions: Versions { loom: "0.7.3".to_owned(), raft: "0.7.0".to_owned() },
        }
    }

    /// What is said about a certificate that differs in one thing.
    fn said_of(change: impl FnOnce(&mut Certificate)) -> Vec<String> {
        let mut now = certificate();
        change(&mut now);
        differences(&certificate(), &now)
    }

    #[test]
    fn every_difference_is_said_and_versions_are_none() {
        assert_eq!(said_of(|_| ()), [""; 0]);
        assert_eq!(said_of(|now| now.versions.loom = "0.7.4".to_owned()), [""; 0]);
        let executions = said_of(|now| now.executions = 1_184);
        assert_eq!(executions, ["executions: 1,183 in the certificate, 1,184 now"]);
        assert_eq!(said_of(|now| now.threads = 2).len(), 1);
        assert_eq!(said_of(|now| now.longest_execution_events = 65).len(), 1);
        assert_eq!(said_of(|now| now.completed = false).len(), 1);
        assert_eq!(said_of(|now| now.final_states = 3).len(), 1);
        let bounded = said_of(|now| (now.kind, now.preemption_bound) = ("search".to_owned(), Some(2)));
        assert_eq!(bounded.len(), 2);
    }

    #[test]
    fn states_that_have_come_and_gone_are_named() {
        let changed = said_of(|now| now.final_states_listed = Some(["2", "3"].map(str::to_owned).into()));
        assert_eq!(changed, ["no longer a final state: 1", "a new final state: 3"]);
        assert_eq!(said_of(|now| now.final_states_listed = None).len(), 2);
    }
}
