//! What is configured wrongly is refused with what to do, and a node that waits for others can be stopped.

use std::net::TcpListener;

use crate::support::cluster::Cluster;
use crate::support::{new_folder, refused_start, start_command, wait_for};

/// A start that must be refused; what it said.
fn refused(data: &std::path::Path, settings: &[&str]) -> String {
    let mut command = start_command(&[], data);
    for setting in settings {
        command.args(["--set", setting]);
    }
    refused_start(command)
}

#[test]
fn a_port_in_use_is_refused_with_the_setting() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let place = taken.local_addr().expect("bound");
    let said = refused(new_folder().path(), &[&format!("controller.quorum.voters=1@{place},2@127.0.0.1:1")]);
    for words in [
        &format!("cannot listen on {place} (inter.node.listener): another process does"),
        "change this node's entry in controller.quorum.voters",
    ] {
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}

#[test]
fn a_node_that_is_not_named_is_refused() {
    let said = refused(new_folder().path(), &["controller.quorum.voters=2@127.0.0.1:1,3@127.0.0.1:2"]);
    assert!(said.contains("names the nodes 2, 3, and node.id = 1 is none of them"), "{said}");
}

#[test]
fn a_node_alone_waits_for_a_majority_and_stops_when_asked() {
    let mut cluster = Cluster::not_started(3, &[]);
    cluster.spawn(1);
    wait_for("node 1 to say that it waits", || {
        cluster.log(1).contains("a majority of the cluster has to be there").then_some(())
    });
    assert!(!cluster.log(1).contains("Ctrl-C"), "it serves nobody");
    assert_eq!(cluster.terminate(1).code(), Some(0), "{}", cluster.log(1));
}

#[test]
fn a_data_directory_stays_with_the_cluster_that_it_began_in() {
    let mut cluster = Cluster::start(3);
    let data = cluster.data_dir(1);
    cluster.terminate(1);
    let all = format!("controller.quorum.voters={}", cluster.voters());
    let fewer = all.split(',').take(2).collect::<Vec<_>>().join(",");
    for (settings, expected) in [
        (
            vec!["node.id=1"],
            "of a cluster of the nodes 1, 2, 3, and the configuration (node.id, controller.quorum.voters) of node 1 by itself",
        ),
        (vec!["node.id=1", &fewer], "of a cluster of the nodes 1, 2"),
        (
            vec!["node.id=4"],
            "of a cluster of the nodes 1, 2, 3, and node.id is 4: set node.id to what it was",
        ),
    ] {
        let said = refused(&data, &settings);
        assert!(said.contains(expected), "{settings:?}: {expected:?} is not in:\n{said}");
    }
    cluster.restart(1);
}

#[test]
fn a_node_of_its_own_does_not_become_one_of_several() {
    let mut cluster = Cluster::not_started(1, &[]);
    cluster.restart(1);
    let data = cluster.data_dir(1);
    cluster.terminate(1);
    let three = format!("controller.quorum.voters={},2@127.0.0.1:2,3@127.0.0.1:3", cluster.voters());
    let said = refused(&data, &[&three]);
    assert!(said.contains("begin the new cluster on empty data directories"), "{said}");
}
