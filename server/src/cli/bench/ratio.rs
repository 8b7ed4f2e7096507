//! `bench ratio`: what share of the machine the server makes use of. The parts take turns, because a shared machine is not
//! equally fast all the time. Both sides of a ratio have memory that was used before: the file of the disk's part is written in full before it is
//! timed, and the server has had a topic of as many bytes, deleted before a topic is timed. (A virtual machine may have to get memory that is new from its host.)

use std::fmt::Write;

use super::args::{ConsumeBench, DiskBench, LoadArgs, LoopbackBench, ProduceBench, Rate, RatioBench};
use super::{Machine, consume, produce, reference};
use crate::cli::args::Acks;
use crate::cli::units::show_size;

const RECORD_BYTES: u64 = 1 << 10;
const BATCH_BYTES: u64 = 1 << 20;
const IN_FLIGHT: u32 = 5;
const RECYCLED_FILE_BYTES: u64 = 64 << 20;

/// Bytes a second of each part, in one round.
struct Round {
    disk: f64,
    produce: f64,
    loopback: f64,
    consume: f64,
}

pub(super) async fn run(args: &RatioBench, machine: &Machine) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut rounds = Vec::new();
    let client = args.server.connect(machine.clock.clone(), machine.spawner.clone()).await?;
    let _untimed = produce::run(&write(args), machine).await?;
    client.delete_topic(&args.topic).await?;
    for number in 1..=args.rounds {
        let round = round(args, machine).await?;
        client.delete_topic(&args.topic).await?;
        let _ = writeln!(
            out,
            "round {number}: disk {}/s, produce {}/s, loopback {}/s, consume {}/s",
            show_size(round.disk),
            show_size(round.produce),
            show_size(round.loopback),
            show_size(round.consume)
        );
        rounds.push(round);
    }
    let produce = median(rounds.iter().map(|round| round.produce / round.disk));
    let consume = median(rounds.iter().map(|round| round.consume / round.loopback));
    let _ = writeln!(
        out,
        "produce / disk      {produce:.2}  (1 KiB records, 1 MiB batches, 1 connection, 5 in flight, acks=all)"
    );
    let _ =
        writeln!(out, "consume / loopback  {consume:.2}  (1 MiB fetches, 1 connection, 5 in flight, warm)");
    Ok(out)
}

async fn round(args: &RatioBench, machine: &Machine) -> anyhow::Result<Round> {
    let disk = DiskBench { dir: args.dir.clone(), bytes: args.bytes, file_size: RECYCLED_FILE_BYTES };
    let read = ConsumeBench { load: load(args), fetch_size: BATCH_BYTES, report: args.report.clone() };
    Ok(Round {
        disk: reference::disk(&disk, machine).await?.bytes_per_second(),
        produce: produce::run(&write(args), machine).await?.bytes_per_second,
        loopback: reference::loopback(&LoopbackBench { bytes: args.bytes }, machine)
            .await?
            .bytes_per_second(),
        consume: consume::run(&read, machine).await?.bytes_per_second,
    })
}

fn write(args: &RatioBench) -> ProduceBench {
    ProduceBench {
        load: load(args),
        record_size: RECORD_BYTES,
        batch_size: BATCH_BYTES,
        acks: Acks::All,
        report: args.report.clone(),
    }
}

fn load(args: &RatioBench) -> LoadArgs {
    LoadArgs {
        topic: args.topic.clone(),
        partitions: 1,
        connections: 1,
        in_flight: IN_FLIGHT,
        rate: Rate::Max,
        bytes: Some(args.bytes),
        duration: None,
        server: args.server.clone(),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
