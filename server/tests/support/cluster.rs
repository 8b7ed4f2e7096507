//! Several server programs on loopback addresses that are one cluster.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::raw::Raw;
use super::{http, log_file, new_folder, show_tail, wait_for, wrapped};

/// A cluster whose nodes are called 1, 2, ... Every process that is left is killed when it is dropped; after a panic its files stay.
pub struct Cluster {
    /// Among those of this process.
    number: u16,
    folder: TempDir,
    settings: Vec<String>,
    nodes: BTreeMap<i32, Node>,
}

/// Where a node runs.
pub struct Place {
    /// It listens there.
    pub host: Ipv4Addr,
    /// What stands before the program on its command line; it must become the program.
    pub wrapper: Vec<String>,
}

struct Node {
    wrapper: Vec<String>,
    kafka: SocketAddr,
    admin: SocketAddr,
    /// Where the other nodes connect.
    peers: SocketAddr,
    /// Tells its ports from those of other nodes.
    slot: u16,
    /// Whether it joins the cluster; the others have begun it.
    joins: bool,
    child: Option<Child>,
    /// What only this one is set to.
    settings: Vec<String>,
    /// How often it was started; each start has a log of its own.
    starts: usize,
}

impl Cluster {
    /// So many nodes that are ready.
    pub fn start(nodes: i32) -> Self {
        Self::with(nodes, &[])
    }

    /// So many nodes that are ready, with these settings besides, each `name=value`.
    pub fn with(nodes: i32, settings: &[&str]) -> Self {
        let mut cluster = Self::not_started(nodes, settings);
        cluster.ids().into_iter().for_each(|id| cluster.spawn(id));
        cluster.ids().into_iter().for_each(|id| cluster.wait_until_ready(id));
        cluster
    }

    /// So many nodes that have addresses and nothing else.
    pub fn not_started(nodes: i32, settings: &[&str]) -> Self {
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let host = Ipv4Addr::new(127, 64 + high % 64, middle, low);
        Self::placed((0..nodes).map(|_| Place { host, wrapper: Vec::new() }).collect(), settings)
    }

    /// A node in each place that has addresses and nothing else.
    pub fn placed(places: Vec<Place>, settings: &[&str]) -> Self {
        let small = ["wal.segment.bytes=4194304", "shutdown.timeout.ms=5000"];
        let settings = small.iter().chain(settings).map(|setting| (*setting).to_owned()).collect();
        let number = next_cluster();
        let nodes = (1..).zip(1..).zip(places);
        let nodes = nodes.map(|((id, slot), place)| (id, Node::new(number, slot, place))).collect();
        Self { number, folder: new_folder(), settings, nodes }
    }

    /// One more node, on the address of the others, that joins them when it is started.
    pub fn add(&mut self, id: i32) {
        let is_free = |slot: &u16| self.nodes.values().all(|node| node.slot != *slot);
        let slot = (1..).find(is_free).expect("there is always another");
        let IpAddr::V4(host) = self.nodes.values().next().expect("a node").kafka.ip() else { unreachable!() };
        let node = Node { joins: true, ..Node::new(self.number, slot, Place { host, wrapper: Vec::new() }) };
        assert!(self.nodes.insert(id, node).is_none(), "node {id} is there");
    }

    /// A node that is down will not come back.
    pub fn forget(&mut self, id: i32) {
        assert!(!self.runs(id), "node {id} runs");
        self.nodes.remove(&id).expect("a node of the cluster");
    }

    /// `node.id` of each.
    pub fn ids(&self) -> Vec<i32> {
        self.nodes.keys().copied().collect()
    }

    /// Where Kafka clients reach a node.
    pub fn kafka(&self, id: i32) -> SocketAddr {
        self.nodes[&id].kafka
    }

    /// Where the admin server of a node is.
    pub fn admin(&self, id: i32) -> SocketAddr {
        self.nodes[&id].admin
    }

    /// Where the other nodes reach a node.
    pub fn peers(&self, id: i32) -> SocketAddr {
        self.nodes[&id].peers
    }

    /// `controller.quorum.voters`
    pub fn voters(&self) -> String {
        let begin = self.nodes.iter().filter(|(_, node)| !node.joins);
        begin.map(|(id, node)| format!("{id}@{}", node.peers)).collect::<Vec<_>>().join(",")
    }

    /// The data directory of a node.
    pub fn data_dir(&self, id: i32) -> PathBuf {
        self.node_folder(id).join("data")
    }

    /// What a node logged since it was started last.
    pub fn log(&self, id: i32) -> String {
        fs::read_to_string(log_file(&self.node_folder(id), self.nodes[&id].starts)).unwrap_or_default()
    }

    /// A connection to a node.
    pub fn connect(&self, id: i32) -> Raw {
        Raw::to(self.kafka(id))
    }

    /// A page of the admin server of a node, head included.
    pub fn http(&self, id: i32, path: &str) -> String {
        http(self.admin(id), path)
    }

    /// Whether the process of a node is there, standing still or not.
    pub fn runs(&self, id: i32) -> bool {
        self.nodes[&id].child.is_some()
    }

    /// The process id of a node that runs. A wrapper has become it.
    pub fn pid(&self, id: i32) -> u32 {
        self.nodes[&id].child.as_ref().unwrap_or_else(|| panic!("node {id} is down")).id()
    }

    /// Another setting of one node, from its next start on.
    pub fn set(&mut self, id: i32, setting: &str) {
        self.nodes.get_mut(&id).expect("a node of the cluster").settings.push(setting.to_owned());
    }

    /// Whether the process of a node has ended by itself; then it can be started again.
    pub fn ended(&mut self, id: i32) -> bool {
        let ended = self.child(id).try_wait().expect("a child").is_some();
        if ended {
            self.take(id).wait().expect("ended");
        }
        ended
    }

    /// Starts a node that is down; it may take until others are there that it is ready.
    pub fn spawn(&mut self, id: i32) {
        let others: Vec<String> = self
            .ids()
            .into_iter()
            .filter(|other| *other != id)
            .map(|other| self.kafka(other).to_string())
            .collect();
        let (voters, folder) = (self.voters(), self.node_folder(id));
        fs::create_dir_all(&folder).expect("a folder");
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        assert!(node.child.is_none(), "node {id} runs");
        node.starts += 1;
        let log = File::create(log_file(&folder, node.starts)).expect("a log file");
        let mut command = wrapped(&node.wrapper);
        command.arg("start").arg("--data-dir").arg(folder.join("data"));
        command.args(["--listen", &node.kafka.to_string(), "--admin-listen", &node.admin.to_string()]);
        command.args(["--node-id", &id.to_string(), "--set"]);
        if node.joins {
            command.args([&format!("inter.node.listener={}", node.peers), "--join", &others.join(",")]);
        } else {
            command.arg(format!("controller.quorum.voters={voters}"));
        }
        for setting in self.settings.iter().chain(&node.settings) {
            command.args(["--set", setting]);
        }
        node.child = Some(command.stdout(Stdio::null()).stderr(log).spawn().expect("the server program"));
    }

    /// Waits until a node serves clients.
    pub fn wait_until_ready(&mut self, id: i32) {
        wait_for(&format!("node {id} to be ready"), || {
            if let Some(status) = self.child(id).try_wait().expect("a child") {
                panic!("node {id} did not start ({status}):\n{}", self.log(id));
            }
            self.log(id).contains("Ctrl-C").then_some(())
        });
    }

    /// Starts a node that is down, and waits until it is ready.
    pub fn restart(&mut self, id: i32) {
        self.spawn(id);
        self.wait_until_ready(id);
    }

    /// `kill -9`.
    pub fn kill(&mut self, id: i32) {
        let mut child = self.take(id);
        child.kill().expect("killed");
        child.wait().expect("ended");
    }

    /// SIGTERM; how it ended.
    pub fn terminate(&mut self, id: i32) -> ExitStatus {
        self.signal(id, Signal::TERM);
        let mut child = self.take(id);
        wait_for(&format!("node {id} to end"), || child.try_wait().expect("a child"))
    }

    /// The disk of a node that is down is lost.
    pub fn erase(&mut self, id: i32) {
        assert!(!self.runs(id), "node {id} runs");
        fs::remove_dir_all(self.data_dir(id)).expect("a data directory");
    }

    /// SIGSTOP: it stands still, and its connections stay open.
    pub fn stop(&mut self, id: i32) {
        self.signal(id, Signal::STOP);
    }

    /// SIGCONT: it goes on.
    pub fn cont(&mut self, id: i32) {
        self.signal(id, Signal::CONT);
    }

    /// Runs a command of the server program by way of a node.
    pub fn command(&self, id: i32, words: &[&str]) -> Output {
        self.command_with_input(id, words, "")
    }

    /// The same with something to read. It must be little: it is written before anything is read.
    pub fn command_with_input(&self, id: i32, words: &[&str], input: &str) -> Output {
        let mut command = wrapped(&[]);
        command.args(words).args(["--bootstrap-server", &self.kafka(id).to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server program");
        let _ends_before_it_reads = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let pid = Pid::from_raw(child.id().cast_signed()).expect("a process id");
        let (ended, watched) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if watched.recv_timeout(COMMAND_PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    let _ended_meanwhile = kill_process(pid, Signal::KILL);
                }
            });
            let output = child.wait_with_output().expect("ended");
            drop(ended);
            output
        })
    }

    fn node_folder(&self, id: i32) -> PathBuf {
        self.folder.path().join(format!("node-{id}"))
    }

    fn child(&mut self, id: i32) -> &mut Child {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        node.child.as_mut().unwrap_or_else(|| panic!("node {id} is down"))
    }

    fn take(&mut self, id: i32) -> Child {
        let node = self.nodes.get_mut(&id).expect("a node of the cluster");
        node.child.take().unwrap_or_else(|| panic!("node {id} is down"))
    }

    fn signal(&mut self, id: i32, signal: Signal) {
        let pid = Pid::from_raw(self.child(id).id().cast_signed()).expect("a process id");
        kill_process(pid, signal).expect("signalled");
    }
}

impl Node {
    /// A node at addresses of its own. They must be known before anything listens there, so that none can be one that the operating system hands out meanwhile.
    fn new(cluster: u16, slot: u16, Place { host, wrapper }: Place) -> Self {
        let port = |which: u16| FIRST_PORT + 100 * cluster + 3 * slot + which;
        let address = |which| SocketAddr::from((host, port(which)));
        Self {
            wrapper,
            kafka: address(0),
            admin: address(1),
            peers: address(2),
            slot,
            joins: false,
            child: None,
            settings: Vec::new(),
            starts: 0,
        }
    }
}

/// A command that takes longer is killed, so that its test fails.
const COMMAND_PATIENCE: Duration = Duration::from_secs(180);

/// Below those that the operating system hands out.
const FIRST_PORT: u16 = 10_000;

/// Counts the clusters of this process.
fn next_cluster() -> u16 {
    #[expect(clippy::disallowed_types, reason = "tests run beside each other")]
    static CLUSTERS: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    CLUSTERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.nodes.values_mut().filter_map(|node| node.child.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for id in self.ids() {
                show_tail(&format!("node {id}"), &self.log(id));
            }
            self.folder.disable_cleanup(true);
            eprintln!("the files of the cluster are in {}", self.folder.path().display());
        }
    }
}
