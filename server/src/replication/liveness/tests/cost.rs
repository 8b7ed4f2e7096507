//! What it costs to follow many partitions. With `--release -- --ignored --nocapture` it prints the times.

use super::*;

#[tokio::test(start_paused = true)]
#[ignore = "a measurement"]
async fn following_6700_partitions() {
    const ROUNDS: u32 = 200;
    let world = World::new(10_050);
    let (node, heartbeat) = (world.node(1), |of: i32| {
        let broker_epoch = world.state.brokers[&of].broker_epoch;
        NodeHeartbeat { broker_epoch, version: world.state.version }.encode()
    });
    let machine = Clock::system();
    tokio::time::resume();
    let started = machine.uptime();
    for _ in 0..ROUNDS {
        node.heard(2, &heartbeat(2));
        node.heard(3, &heartbeat(3));
    }
    let heard = (machine.uptime() - started) / ROUNDS;
    let started = machine.uptime();
    for _ in 0..ROUNDS {
        node.0.heartbeats.sweep(millis(world.clock.uptime()), 500);
    }
    let swept = (machine.uptime() - started) / ROUNDS;
    let started = machine.uptime();
    let without = ClusterState::default();
    for _ in 0..ROUNDS {
        node.publish(&without, [id(1)].into_iter());
        node.publish(&world.state, [id(1)].into_iter());
    }
    let published = (machine.uptime() - started) / (2 * ROUNDS);
    eprintln!(
        "6700 followed: two heartbeats {heard:?}, a sweep {swept:?}, an image that changes one partition {published:?}"
    );
    assert!(heard < Duration::from_millis(20) && swept < Duration::from_millis(20));
}
