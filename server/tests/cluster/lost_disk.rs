//! A node whose disk is lost has forgotten what it has promised: it is refused under its old identity, and another one takes its place.

use crate::members::{remove, replicated, votes};
use crate::metadata::controller;
use crate::support::cluster::Cluster;
use crate::support::wait_for;

#[test]
fn a_node_that_has_lost_its_disk_is_refused_and_another_one_takes_its_place() {
    let mut cluster = Cluster::start(3);
    replicated::create(&cluster, 1);
    // Of one that leads the metadata, and of one that does not.
    for (round, is_controller) in (0..).zip([true, false]) {
        let up = *cluster.ids().last().expect("three");
        replicated::produce(&cluster, up);
        replicated::wait(&cluster);
        let leader = controller(&cluster, up);
        let ids = cluster.ids();
        let lost = ids.into_iter().find(|id| (*id == leader) == is_controller).expect("there are both");
        cluster.kill(lost);
        cluster.erase(lost);
        cluster.spawn(lost);
        wait_for(&format!("node {lost} to be refused"), || cluster.ended(lost).then_some(()));
        let said = cluster.log(lost);
        assert!(said.contains("must not begin with it") && said.contains("another one"), "{said}");
        assert!(said.contains(&format!("remove-node {lost}")), "it says what to do: {said}");

        let newcomer = 4 + round;
        cluster.add(newcomer);
        cluster.restart(newcomer);
        remove(&cluster, newcomer, &[&lost.to_string(), "--replace-with", &newcomer.to_string()]);
        cluster.forget(lost);
        votes(&cluster, newcomer, &cluster.ids());
        replicated::wait(&cluster);
        let expected = usize::try_from(round + 1).expect("few") * replicated::LINES;
        cluster.ids().into_iter().for_each(|id| replicated::assert_read(&cluster, id, expected));
    }
}
