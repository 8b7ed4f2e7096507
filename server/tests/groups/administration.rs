//! Groups deleted, and what metrics show of them.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::DeleteGroupsRequest;

use crate::member::{Member, QUICK, commit, committed};
use crate::support::raw::Raw;
use crate::support::{Server, wait_for};

#[test]
fn a_group_is_deleted_once_nobody_is_in_it() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 1, &[]);
    let mut member = Member::alone(&server, "g");
    assert_eq!(member.commit("orders", 0, 5), ErrorCode::NONE);
    let delete = |names: &[&str]| {
        let groups_names = names.iter().map(|name| (*name).into()).collect();
        let results = Raw::connect(&server).ask(3, &DeleteGroupsRequest { groups_names }).results;
        results.into_iter().map(|result| result.error_code).collect::<Vec<_>>()
    };
    assert_eq!(delete(&["g", "x"]), [ErrorCode::NON_EMPTY_GROUP, ErrorCode::GROUP_ID_NOT_FOUND]);
    assert_eq!(member.leave(), ErrorCode::NONE);
    assert_eq!(delete(&["g", "g"]), [ErrorCode::NONE], "named twice, deleted once");
    assert_eq!(delete(&["g"]), [ErrorCode::GROUP_ID_NOT_FOUND]);
    assert_eq!(committed(&mut raw, "g", "orders", 0), -1);
}

#[test]
fn dashboards_find_their_metrics() {
    let server = Server::with(&QUICK);
    let mut raw = Raw::connect(&server);
    raw.create_topic("orders", 2, &[]);
    raw.append("orders", 1, &["a", "b", "c"]);
    let mut member = Member::alone(&server, "g");
    member.commit("orders", 1, 1);
    commit(&mut raw, "other", "orders", 0, 0);
    let lines = [
        "kafka_coordinator_group_groupmetadatamanager_numgroups 2",
        "kafka_coordinator_group_groupmetadatamanager_numgroupsstable 1",
        r#"kafka_consumergroup_members{consumergroup="g"} 1"#,
        r#"kafka_consumergroup_current_offset{consumergroup="g",topic="orders",partition="1"} 1"#,
        r#"kafka_consumergroup_lag{consumergroup="g",topic="orders",partition="1"} 2"#,
        r#"kafka_consumergroup_lag_sum{consumergroup="g",topic="orders"} 2"#,
    ];
    wait_for("the metrics of groups", || {
        member.heartbeat();
        std::thread::sleep(std::time::Duration::from_millis(200));
        let page = server.http("/metrics");
        lines.iter().all(|line| page.lines().any(|found| found == *line)).then_some(())
    });
}
