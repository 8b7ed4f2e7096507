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
    for (settings, expected) in [
        (
            vec!["node.id=1"],
            "of a cluster of the nodes 1, 2, 3, and the configuration is that of a node by itself: set controller.quorum.voters",
        ),
        (
            vec!["node.id=4", "inter.node.listener=127.0.0.1:0"],
            "of a cluster of the nodes 1, 2, 3, and node.id is 4: set node.id to what it was",
        ),
    ] {
        let said = refused(&data, &settings);
        assert!(said.contains(expected), "{settings:?}: {expected:?} is not in:\n{said}");
    }
    cluster.restart(1);
}

/// With whom a cluster begins is said once; afterwards nodes join.
#[test]
fn a_cluster_does_not_grow_by_its_configuration() {
    let mut cluster = Cluster::not_started(1, &[]);
    cluster.restart(1);
    cluster.terminate(1);
    let mine = cluster.voters();
    let second = TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("bound");
    let two = format!("controller.quorum.voters={mine},2@{second}");
    cluster.set(1, &two);
    cluster.restart(1);
    assert!(cluster.log(1).contains("names other nodes than this cluster has"), "{}", cluster.log(1));
    let said = refused(new_folder().path(), &["node.id=2", &two]);
    assert!(said.contains("the cluster has begun without node 2: let it join (start --join)"), "{said}");
}
