//! A partition gets another leader and then the one that it had, while what a follower has told that one is on its way: it was said in an epoch that is over.

use std::time::Duration;

use chronik_server::rng::Rng;

use super::{Fault, Strike};
use crate::cluster::moves::{Move, Pauses};
use crate::cluster::{Cluster, logs, nodes};

/// How much later the others hear what the leader says, at least and at most.
const DELAY_MS: (u64, u64) = (50, 150);
/// How long records are appended before it is deposed, at most.
const APPENDED_MS: u64 = 120;
/// How long the other one leads, at most: so short that hardly anybody who writes has found it.
const LED_MS: u64 = 60;
/// How much longer the follower is not heard than everything takes that the others say, at most.
const BACK_MS: u64 = 150;

pub(super) struct ToAndFro;

impl Fault for ToAndFro {
    fn name(&self) -> &'static str {
        "to and fro"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let Some(controller) = nodes::ALL
                .filter_map(|at| cluster.nodes.controller(at))
                .find(|controller| controller.leads_in_term().is_some())
            else {
                return;
            };
            let pauses = draw_pauses(&mut cluster.rng);
            let state = controller.state();
            let partitions = logs::partitions(&state);
            let drawn = cluster.rng.below(partitions.len().max(1) as u64);
            let Some((topic, id)) = partitions.get(usize::try_from(drawn).expect("few")) else { return };
            let known = state.topic(topic).and_then(|topic| topic.partition(0)).expect("it is there");
            let Some(leader) = known.leader else { return };
            let others: Vec<usize> = nodes::ALL.filter(|at| nodes::node_id(*at) != leader).collect();
            let [first, second] = others[..] else { return };
            let (next, follower) = if cluster.rng.below(2) == 0 { (first, second) } else { (second, first) };
            let leader = nodes::ALL.clone().find(|at| nodes::node_id(*at) == leader).expect("one of them");
            cluster.say(&format!(
                "{topic} is led by node {}, then by node {}; what node {} says is heard when it is led by node {0} again: {pauses:?}",
                nodes::node_id(leader),
                nodes::node_id(next),
                nodes::node_id(follower)
            ));
            let (clock, roads, id) = (cluster.clock.clone(), cluster.nodes.roads(), *id);
            cluster.moves.begin(Move { clock, roads, controller, id, leader, next, follower, pauses });
        })
    }
}

fn draw_pauses(rng: &mut Rng) -> Pauses {
    let delay = Duration::from_millis(DELAY_MS.0 + rng.below(DELAY_MS.1 - DELAY_MS.0));
    let mut up_to = |most_ms| Duration::from_millis(1 + rng.below(most_ms));
    let (appended, led, back) = (up_to(APPENDED_MS), up_to(LED_MS), up_to(BACK_MS));
    Pauses { delay, appended, led, back: 2 * delay + back }
}
