//! Data directories that cannot be used: an error that says what to do, and nothing acknowledged is lost.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chronik_kafka::ErrorCode;
use support::batches::large_batch;
use support::raw::Raw;
use support::requests::assert_serves;
use support::{Server, new_folder, refused_start, start_command, wait_for};

/// Asserts that every word is in what the server said.
fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
}

#[test]
fn a_directory_in_use_is_refused_and_its_user_goes_on() {
    let server = Server::start();
    let said = refused_start(start_command(&[], &server.data_dir()));
    assert_says(&said, &["in use by another process", "stop that process", "a data directory of its own"]);
    assert_serves(&server);
}

#[test]
fn the_lock_of_a_killed_server_is_no_obstacle() {
    let mut server = Server::start();
    server.crash();
    assert_serves(&server);
}

#[test]
fn a_directory_of_a_newer_format_is_refused_and_left_alone() {
    let mut server = Server::start();
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    client.append("orders", 0, &["kept"]);
    server.kill();
    let file = server.data_dir().join("meta.properties");
    let ours = fs::read_to_string(&file).expect("the file that says whose directory this is");
    fs::write(&file, ours.replace("version=1", "version=99")).expect("written");
    let said = refused_start(start_command(&[], &server.data_dir()));
    assert_says(&said, &["meta.properties", "99", "start the version that wrote it"]);
    fs::write(&file, ours).expect("written");
    server.restart();
    assert_eq!(Raw::connect(&server).read_all("orders", 0), [(0, "kept".to_owned())]);
}

#[test]
fn a_file_in_place_of_the_directory_is_refused() {
    let folder = new_folder();
    let file = folder.path().join("data");
    fs::write(&file, "not a directory").expect("written");
    let said = refused_start(start_command(&[], &file));
    assert_says(&said, &[&file.display().to_string(), "--data-dir"]);
}

/// A small file system at a folder. Only processes inside see it; it goes when this is dropped.
struct SmallDisk {
    /// Keeps the mount namespace.
    holder: Child,
    at: PathBuf,
}

impl SmallDisk {
    /// `None` where the operating system does not let us mount: Linux with user namespaces does.
    fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let script = "mount -t tmpfs -o \"$1\" tmpfs \"$0\" && echo mounted && exec cat";
        let mut holder = Command::new("unshare")
            .args(["-rm", "sh", "-c", script])
            .arg(at)
            .arg(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let _ = BufReader::new(holder.stdout.as_mut()?).read_line(&mut line);
        let disk = Self { holder, at: at.to_owned() };
        if line.trim() == "mounted" {
            return Some(disk);
        }
        println!("SKIP: this system lets nobody mount a small file system (unshare -rm)");
        None
    }

    /// The command that becomes another one inside.
    fn enter(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        ["nsenter", "-t", &holder, "-U", "-m", "--preserve-credentials", "--"].map(str::to_owned).to_vec()
    }

    /// Where it can be seen from outside.
    fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.at.strip_prefix("/").expect("absolute"))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn a_read_only_directory_is_refused() {
    let folder = new_folder();
    let data = folder.path().join("data");
    let Some(disk) = SmallDisk::mount(&data, "ro,size=1m") else { return };
    let said = refused_start(start_command(&disk.enter(), &data));
    assert_says(&said, &[&data.display().to_string(), "--data-dir"]);
    assert!(said.to_lowercase().contains("read-only"), "{said}");
}

const PIECE: usize = 100_000;

/// Appends until the disk is full. How many records were acknowledged.
fn fill(client: &mut Raw) -> usize {
    let mut acknowledged = 0;
    loop {
        let produced = client.produce("orders", 0, large_batch(PIECE));
        if produced.error_code != ErrorCode::NONE {
            assert_eq!(produced.error_code, ErrorCode::KAFKA_STORAGE_ERROR, "{:?}", produced.error_message);
            let message = produced.error_message.expect("a reason");
            assert!(message.contains("no space left"), "{message}");
            return acknowledged;
        }
        acknowledged += 1;
    }
}

#[test]
fn a_full_disk_refuses_records_loses_none_and_recovers_when_there_is_room() {
    let folder = new_folder();
    let Some(disk) = SmallDisk::mount(&folder.path().join("data"), "size=40m") else { return };
    let mut server = Server::inside(folder, disk.enter(), &[]);
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    let filler = disk.path().join("somebody-elses-file");
    fs::write(&filler, vec![0; 8 << 20]).expect("room");

    let mut acknowledged = fill(&mut client);
    assert!(acknowledged > 10, "{acknowledged}");
    assert!(server.logged("no space left").iter().any(|line| line.contains("free")), "it says what to do");
    assert_eq!(client.read_all("orders", 0).len(), acknowledged, "it still reads");

    server.crash();
    let mut client = Raw::connect(&server);
    assert_eq!(client.read_all("orders", 0).len(), acknowledged, "a start on a full disk loses nothing");

    fs::remove_file(&filler).expect("removed");
    wait_for("records to be taken again", || {
        (client.produce("orders", 0, large_batch(PIECE)).error_code == ErrorCode::NONE).then_some(())
    });
    acknowledged += 1 + fill(&mut client);
    server.crash();
    let records = Raw::connect(&server).read_all("orders", 0);
    assert_eq!(records.len(), acknowledged);
    assert!(records.iter().all(|(_, value)| value.len() == PIECE));
}

#[test]
fn a_full_disk_can_be_freed_by_deleting_a_topic() {
    let folder = new_folder();
    let Some(disk) = SmallDisk::mount(&folder.path().join("data"), "size=40m") else { return };
    let server = Server::inside(folder, disk.enter(), &["checkpoint.interval.ms=200"]);
    let mut client = Raw::connect(&server);
    client.create_topic("orders", 1, &[]);
    fill(&mut client);
    assert_eq!(client.delete_topic("orders"), ErrorCode::NONE);
    client.create_topic("orders", 1, &[]);
    wait_for("records to be taken again", || {
        (client.produce("orders", 0, large_batch(PIECE)).error_code == ErrorCode::NONE).then_some(())
    });
}
