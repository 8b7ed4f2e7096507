//! What one node sends to another does not arrive; the way back is open.

use chronik_server::transport::Road;

use super::{Fault, Strike};
use crate::cluster::{Cluster, nodes};

pub(super) struct OneWay;

impl Fault for OneWay {
    fn name(&self) -> &'static str {
        "one way"
    }

    fn strike<'a>(&self, cluster: &'a mut Cluster) -> Strike<'a> {
        Box::pin(async move {
            let (from, to) = (cluster.nodes.draw(&mut cluster.rng), cluster.nodes.draw(&mut cluster.rng));
            cluster.nodes.set_road(from, to, Road::Silent);
            cluster.say(&format!("node {} does not hear node {}", nodes::node_id(to), nodes::node_id(from)));
        })
    }
}
