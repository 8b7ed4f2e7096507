//! What was explored of each scenario, by test file.

use std::collections::BTreeMap;

use super::super::Evidence;
use super::super::certificates::Certificate;
use super::super::escape::{html, thousands};
use super::{section as section_of, table};

pub(super) fn section(evidence: &Evidence) -> String {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for scenario in evidence.scenarios() {
        files.entry(scenario.split("::").next().unwrap_or_default()).or_default().push(scenario);
    }
    let mut body = String::new();
    if let Err(error) = &evidence.certificates {
        body.push_str(&super::missing(&format!("no certificates: {error}")));
    }
    let columns =
        ["scenario", ">loom", "claim", ">threads", ">final states", ">shuttle", ">std", ">loom, seconds"];
    for (file, scenarios) in files {
        let interleavings: u64 =
            scenarios.iter().filter_map(|scenario| evidence.executions("loom", scenario)).sum();
        let rows = scenarios.iter().map(|scenario| row(evidence, scenario));
        body.push_str(&format!(
            "<details class=\"group\"><summary><span class=\"id\">{}</span><span class=\"what\">{} scenarios</span><span class=\"count\">{} interleavings</span></summary>{}</details>\n",
            html(file),
            scenarios.len(),
            thousands(interleavings),
            table(&columns, rows)
        ));
    }
    let says = "Every scenario is written once and runs three times: under loom (all interleavings), under shuttle (random ones), and on real threads. \
                A <em>proof</em> was explored without any bound.";
    section_of("scenarios", "Scenarios", says, &body)
}

fn row(evidence: &Evidence, scenario: &str) -> Vec<String> {
    let certificate =
        evidence.certificates.iter().flatten().find(|certificate| certificate.scenario == scenario);
    let of = |value: &dyn Fn(&Certificate) -> String| certificate.map_or("–".to_owned(), value);
    let executions = |checker: &str| evidence.executions(checker, scenario).map_or("–".to_owned(), thousands);
    let loom = evidence.results.suite("loom").into_iter().flat_map(|loom| &loom.explored);
    let seconds =
        loom.filter(|explored| explored.scenario == scenario).map(|explored| explored.seconds).next();
    vec![
        format!("<code>{}</code>", html(scenario.split_once("::").map_or(scenario, |(_, name)| name))),
        executions("loom"),
        html(&of(&|it| it.kind.clone())),
        of(&|it| it.threads.to_string()),
        of(&|it| thousands(it.final_states)),
        executions("shuttle"),
        executions("std"),
        seconds.map_or("–".to_owned(), |seconds| format!("{seconds:.2}")),
    ]
}
