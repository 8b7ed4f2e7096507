//! Three nodes between which roads break, fall silent and slow down at random, from a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use concurrency_models::mailbox::{self, Sender};

use super::world::{ECHO, Event, Node, World, numbered, place, settings};
use crate::limits;
use crate::peer::NodeId;
use crate::rng::Rng;
use crate::transport::Road;

/// Seeds of a plain `cargo test`; `CHRONIK_SEEDS` asks for more.
const SEEDS: usize = 20;
const STEPS: u32 = 400;

/// The last Raft message that each node has heard of each other one.
#[derive(Default)]
struct Heard(BTreeMap<(NodeId, NodeId), u32>);

impl Heard {
    /// Whatever was lost, nothing comes twice and nothing overtakes.
    fn listen(&mut self, nodes: &mut [Node]) {
        for node in nodes {
            while let Some(event) = node.event_now() {
                let Event::Raft(from, bytes) = event else { continue };
                let number = u32::from_be_bytes(bytes[..].try_into().expect("a number"));
                let last = self.0.insert((from, node.id), number);
                assert!(
                    last.is_none_or(|last| last < number),
                    "from {from} to {}: {number} after {last:?}",
                    node.id
                );
            }
        }
    }
}

fn someone(rng: &mut Rng) -> NodeId {
    1 + rng.below(3)
}

/// Two that are not the same.
fn pair(rng: &mut Rng) -> (NodeId, NodeId) {
    let from = someone(rng);
    (from, 1 + (from + rng.below(2)) % 3)
}

fn any_road(rng: &mut Rng) -> Road {
    match rng.below(6) {
        0 => Road::Silent,
        1 => Road::Broken,
        2 => Road::Slow(Duration::from_millis(rng.below(400))),
        _ => Road::Open,
    }
}

/// Asks; what comes of it is heard later.
fn ask(world: &World, node: &Node, to: NodeId, number: u32, outcomes: &Sender<Option<bool>>) {
    let (peers, outcomes) = (node.peers.clone(), outcomes.clone());
    let _ended = world.spawner.task(async move {
        let answer = peers.request(to, ECHO, numbered(number), Duration::from_secs(2)).await;
        let right = answer.ok().map(|answer| answer == numbered(number));
        outcomes.try_send(right).expect("room for all outcomes");
    });
}

async fn step(
    world: &World,
    nodes: &[Node],
    rng: &mut Rng,
    number: u32,
    outcomes: &Sender<Option<bool>>,
) -> bool {
    let (from, to) = pair(rng);
    let node = nodes.iter().find(|node| node.id == from).expect("one of three");
    match rng.below(10) {
        0 => world.network.set_road(&place(from), &place(to), any_road(rng)),
        1 => world.network.set_roads_between(&place(from), &place(to), any_road(rng)),
        2 => {
            ask(world, node, to, number, outcomes);
            return true;
        }
        3 => _ = node.peers.heartbeat(to, numbered(number)),
        4 => world.clock.sleep(Duration::from_millis(rng.below(1_500))).await,
        _ => _ = node.peers.raft(to, numbered(number)),
    }
    world.clock.sleep(Duration::from_millis(rng.below(20))).await;
    false
}

async fn storm(seed: u64) -> usize {
    let (world, mut rng) = (World::new(), Rng::seeded(seed));
    let mut nodes: Vec<Node> = (1..=3).map(|id| world.node(id)).collect();
    for node in &nodes {
        node.peers.set(&(1..=3).filter(|id| *id != node.id).map(|id| (id, place(id))).collect());
    }
    let (outcomes, mut came) = mailbox::channel(STEPS as usize);
    let (mut heard, mut asked) = (Heard::default(), 0);
    for number in 0..STEPS {
        asked += usize::from(step(&world, &nodes, &mut rng, number, &outcomes).await);
        heard.listen(&mut nodes);
    }

    for (one, other) in [(1, 2), (2, 3), (3, 1)] {
        world.network.set_roads_between(&place(one), &place(other), Road::Open);
    }
    let patience = settings().max_silence + settings().connection_timeout + limits::PEER_BACKOFF_MAX;
    world.clock.sleep(patience + Duration::from_secs(1)).await;
    heard.listen(&mut nodes);
    for node in &nodes {
        let status = node.peers.status();
        assert!(status.iter().all(|peer| peer.connection.is_some()), "seed {seed}: {status:?}");
        assert_eq!((node.peers.tasks(), node.inbound.tasks()), (2, 2), "seed {seed}, node {}", node.id);
        status.iter().for_each(|peer| node.peers.raft(peer.node, numbered(STEPS)).expect("connected"));
    }
    world.clock.sleep(Duration::from_secs(1)).await;
    heard.listen(&mut nodes);
    assert!(heard.0.len() == 6 && heard.0.values().all(|last| *last == STEPS), "seed {seed}: {:?}", heard.0);
    let outcomes: Vec<_> = std::iter::from_fn(|| came.try_recv()).collect();
    assert_eq!(outcomes.len(), asked, "seed {seed}: each request comes to something");
    assert!(!outcomes.contains(&Some(false)), "seed {seed}: an answer belongs to another request");
    let connections = nodes
        .iter()
        .flat_map(|node| node.peers.status())
        .map(|peer| usize::try_from(peer.connections).expect("few"))
        .sum();
    for node in &nodes {
        node.peers.close().await;
    }
    for node in &nodes {
        node.inbound.close().await;
    }
    connections
}

#[tokio::test(start_paused = true)]
async fn whatever_roads_do_order_holds_and_afterwards_everything_is_as_before() {
    let asked_for = std::env::var("CHRONIK_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    let seeds: usize = asked_for.unwrap_or(SEEDS);
    let mut connections = 0;
    for seed in 0..seeds {
        connections += storm(seed as u64).await;
    }
    eprintln!("{connections} connections in {seeds} storms");
    assert!(connections > 12 * seeds, "{connections} connections in {seeds} storms are no storm");
}
