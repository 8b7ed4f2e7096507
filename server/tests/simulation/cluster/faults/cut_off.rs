//! A node is cut off from the others, in both directions; some time all is well again.

use chronik_server::transport::Road;

use super::{Fault, Strike};
use crate::cluster::{Cluster, nodes};

pub(super) struct CutOff;

impl Fault for CutOff {
    fn name(&self) -> &'static str {
        "cut off"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let at = cluster.nodes.draw(&mut cluster.rng);
            let road = if cluster.rng.below(2) == 0 { Road::Silent } else { Road::Broken };
            for other in cluster.nodes.places().filter(|other| *other != at) {
                cluster.nodes.set_road(at, other, road);
                cluster.nodes.set_road(other, at, road);
            }
            cluster.say(&format!("node {} is cut off: {road:?}", nodes::node_id(at)));
        })
    }
}

pub(super) struct Heal;

impl Fault for Heal {
    fn name(&self) -> &'static str {
        "heal"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            cluster.nodes.open_all_roads();
            cluster.say("all roads are open");
        })
    }
}
