//! The disk of one node is full; the others go on, and it comes back when there is room.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::day::{Day, patiently};
use crate::load::Pace;
use crate::support::cluster::Cluster;

/// A file system in memory; gone when it is dropped.
struct Disk(PathBuf);

impl Disk {
    /// Why not, if it is not permitted here.
    fn mount(at: &Path, megabytes: u32) -> Result<Self, String> {
        std::fs::create_dir_all(at).expect("a folder");
        run("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"], at)?;
        Ok(Self(at.to_owned()))
    }

    fn resize(&self, megabytes: u32) {
        run("mount", &["-o", &format!("remount,size={megabytes}m")], &self.0).expect("another size");
    }

    fn used_megabytes(&self) -> u32 {
        let said = run("df", &["-m", "--output=used"], &self.0).expect("how much of it is used");
        said.lines().last().and_then(|used| used.trim().parse().ok()).expect("a number")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run("umount", &["-l"], &self.0);
        // The cluster could not remove what was mounted in its folder.
        if let Some(folder) = self.0.ancestors().nth(2).filter(|_| !std::thread::panicking()) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

fn run(program: &str, words: &[&str], at: &Path) -> Result<String, String> {
    let ran = Command::new(program).args(words).arg(at).output();
    let ran = ran.map_err(|error| format!("{program}: {error}"))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if ran.status.success() {
        Ok(said(&ran.stdout))
    } else {
        Err(format!("{program}: {}", said(&ran.stderr)))
    }
}

/// Megabytes of a disk that is not full.
const ROOMY: u32 = 1_000;

/// What is left when it is about to be full.
const LEFT: u32 = 8;

#[test]
fn the_disk_of_a_node_is_full() {
    fills_up("full disk", |day| day.others(day.controller(1))[0]);
}

/// Whoever leads the metadata cannot write it any more: somebody else has to lead it, or nobody is fenced, and nothing comes in sync, until there is room.
#[test]
fn the_disk_of_the_controller_is_full() {
    fills_up("full disk of the controller", |day| day.controller(1));
}

fn fills_up(name: &'static str, whose: impl FnOnce(&Day) -> i32) {
    let mut cluster = Cluster::not_started(3, &["replica.lag.time.max.ms=3000"]);
    let mounted: Result<Vec<Disk>, String> =
        cluster.ids().into_iter().map(|id| Disk::mount(&cluster.data_dir(id), ROOMY)).collect();
    let disks = match mounted {
        Ok(disks) => disks,
        Err(why) => return eprintln!("{name}: SKIPPED, no file systems of their own here: {why}"),
    };
    let pace = Pace { record_bytes: 5_000, every: std::time::Duration::from_millis(3) };
    let mut day = Day::begin_with(name, pace, || {
        cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
        cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
        cluster
    });
    let node = whose(&day);
    let disk = &disks[usize::try_from(node).expect("an id") - 1];
    disk.resize(disk.used_megabytes() + LEFT);
    let full = patiently("the disk to be full", || {
        day.cluster.log(node).contains("no space left").then(std::time::Instant::now)
    });
    let others: Vec<i32> = day.others(node).into_iter().flat_map(|id| day.led_by(id, id)).collect();
    let gap = day.failover(&others, full).into_iter().max().expect("they lead partitions");
    eprintln!("{name}: the partitions of the others were served again {gap:?} after node {node} had said so");
    disk.resize(ROOMY);
    if day.cluster.ended(node) {
        day.cluster.restart(node);
    }
    day.end();
}
