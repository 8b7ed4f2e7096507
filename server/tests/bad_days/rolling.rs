//! Every node is stopped as an operator stops it, and started again.

use crate::day::Day;

#[test]
fn all_nodes_are_restarted_one_after_the_other() {
    let mut day = Day::begin("rolling restart");
    for node in day.cluster.ids() {
        assert_eq!(day.cluster.terminate(node).code(), Some(0), "node {node} ended as it should");
        day.cluster.restart(node);
        day.wait_until_ready(node);
        day.wait_until_whole();
    }
    day.end();
}
