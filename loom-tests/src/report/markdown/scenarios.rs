//! What was explored of each scenario.

use std::collections::BTreeMap;

use super::super::Evidence;
use super::super::certificates::Certificate;
use super::super::escape::{code, thousands};
use super::Table;

/// All scenarios of all checkers.
pub(super) fn section(evidence: &Evidence) -> String {
    let certificates: BTreeMap<&str, &Certificate> =
        evidence.certificates.iter().flatten().map(|it| (it.scenario.as_str(), it)).collect();
    let loom = evidence.results.suite("loom");
    let total: u64 =
        loom.into_iter().flat_map(|loom| &loom.explored).map(|explored| explored.executions).sum();
    let names = evidence.scenarios();
    let all = match names.iter().filter(|name| evidence.is_search(name)).count() {
        0 => "which are all there are".to_owned(),
        searches => {
            format!("which are all there are but for {searches} searches, whose preemptions are bounded")
        }
    };
    let mut text = format!(
        "## Scenarios\n\n{} scenarios; loom has explored {} interleavings of them, {all}. shuttle and std run the same source.\n\n",
        names.len(),
        thousands(total)
    );
    if let Err(error) = &evidence.certificates {
        text.push_str(&super::missing(&format!("no certificates: {error}")));
    }
    let mut table =
        Table::new(&["scenario", ">loom", "claim", ">threads", ">final states", ">shuttle", ">std"]);
    for name in names {
        let executions = |checker: &str| evidence.executions(checker, name).map_or("–".to_owned(), thousands);
        let certificate = certificates.get(name);
        let of =
            |value: &dyn Fn(&Certificate) -> String| certificate.map_or("–".to_owned(), |it| value(it));
        table.row([
            &code(name),
            &executions("loom"),
            &of(&|it| it.kind.clone()),
            &of(&|it| it.threads.to_string()),
            &of(&|it| thousands(it.final_states)),
            &executions("shuttle"),
            &executions("std"),
        ]);
    }
    text.push_str(&table.end());
    text
}
