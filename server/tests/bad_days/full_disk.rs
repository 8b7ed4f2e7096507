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

    fn grow(&self, megabytes: u32) {
        run("mount", &["-o", &format!("remount,size={megabytes}m")], &self.0).expect("it grows");
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

fn run(program: &str, words: &[&str], at: &Path) -> Result<(), String> {
    let ran = Command::new(program).args(words).arg(at).output();
    let ran = ran.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.success() { Ok(()) } else { Err(format!("{program}: {}", said.trim())) }
}

#[test]
fn the_disk_of_a_node_is_full() {
    let name = "full disk";
    let mut cluster = Cluster::not_started(3, &["replica.lag.time.max.ms=3000"]);
    let disk = match Disk::mount(&cluster.data_dir(3), 48) {
        Ok(disk) => disk,
        Err(why) => return eprintln!("{name}: SKIPPED, no file system of its own here: {why}"),
    };
    let pace = Pace { record_bytes: 5_000, every: std::time::Duration::from_millis(3) };
    let mut day = Day::begin_with(name, pace, || {
        cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
        cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
        cluster
    });
    let full = patiently("the disk to be full", || {
        day.cluster.log(3).contains("no space left").then(std::time::Instant::now)
    });
    let others: Vec<i32> = day.others(3).into_iter().flat_map(|id| day.led_by(id, id)).collect();
    let gap = day.failover(&others, full).into_iter().max().expect("they lead partitions");
    eprintln!("{name}: the partitions of the others were served again {gap:?} after node 3 had said so");
    disk.grow(1_000);
    if day.cluster.ended(3) {
        day.cluster.restart(3);
    }
    day.end();
}
