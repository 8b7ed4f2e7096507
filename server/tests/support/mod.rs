//! The real server program, run as its users run it, and a client that can send anything.
#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part")]

pub mod batches;
pub mod cluster;
pub mod configs;
pub mod metrics;
pub mod raw;
pub mod requests;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(2);
/// Lines of a server's log that a failing test shows.
const SHOWN_LINES: usize = 40;

/// A server in a process of its own, with a data directory of its own; killed when dropped.
pub struct Server {
    child: Child,
    folder: TempDir,
    launch: Launch,
    /// How often it was started; each start has a log of its own.
    starts: usize,
    /// Where Kafka clients connect.
    pub kafka: SocketAddr,
    /// Where the admin server listens.
    pub admin: SocketAddr,
}

impl Server {
    /// A server with the settings that suit tests.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with these settings besides, each `name=value`.
    pub fn with(settings: &[&str]) -> Self {
        Self::inside(new_folder(), Vec::new(), settings)
    }

    /// A server whose process is at first allowed to open only so many files.
    pub fn with_few_open_files(limit: u32) -> Self {
        let shell = ["sh", "-c", &format!("ulimit -Sn {limit}; exec \"$0\" \"$@\"")];
        Self::inside(new_folder(), shell.map(str::to_owned).to_vec(), &[])
    }

    /// A server with its data in `folder`, started by the command `wrapper`, which must become it.
    pub fn inside(folder: TempDir, wrapper: Vec<String>, settings: &[&str]) -> Self {
        let small = ["wal.segment.bytes=4194304", "shutdown.timeout.ms=5000"];
        let settings = small.iter().chain(settings).map(|setting| (*setting).to_owned()).collect();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let launch = Launch { settings, wrapper };
        let child = launch.start(&folder, 1, any, any);
        let mut server = Self { child, folder, launch, starts: 1, kafka: any, admin: any };
        (server.kafka, server.admin) = server.wait_until_ready();
        server
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Starts it again on the same data and the same ports, once it has ended.
    pub fn restart(&mut self) {
        self.starts += 1;
        self.child = self.launch.start(&self.folder, self.starts, self.kafka, self.admin);
        let ready = self.wait_until_ready();
        assert_eq!(ready, (self.kafka, self.admin), "the same addresses as before");
    }

    /// Starts it, and kills it again after `after`, ready or not.
    pub fn start_and_kill(&mut self, after: Duration) {
        self.starts += 1;
        self.child = self.launch.start(&self.folder, self.starts, self.kafka, self.admin);
        std::thread::sleep(after);
        self.kill();
    }

    /// `kill -9`, and a new start.
    pub fn crash(&mut self) {
        self.kill();
        self.restart();
    }

    /// SIGTERM; how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(self.child.id().cast_signed()).expect("a process id");
        kill_process(pid, Signal::TERM).expect("signalled");
        wait_for("the server to end", || self.child.try_wait().expect("a child"))
    }

    /// What it logged since it was started last.
    pub fn log(&self) -> String {
        fs::read_to_string(log_file(self.folder.path(), self.starts)).unwrap_or_default()
    }

    /// Lines of the log in which `text` stands, once there is at least one.
    pub fn logged(&self, text: &str) -> Vec<String> {
        wait_for(&format!("a log line with {text:?}"), || {
            let lines: Vec<String> =
                self.log().lines().filter(|line| line.contains(text)).map(str::to_owned).collect();
            (!lines.is_empty()).then_some(lines)
        })
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The value of a metric without labels.
    pub fn metric(&self, name: &str) -> f64 {
        let page = self.http("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no metric {name} in\n{page}")).parse().expect("a number")
    }

    /// How many connections of clients it has open. One that a client has closed counts until the server has seen that, and has given up what it waited for.
    pub fn connections(&self) -> f64 {
        self.metric("chronik_connections_open")
    }

    /// A page of the admin server, head included.
    pub fn http(&self, path: &str) -> String {
        http(self.admin, path)
    }

    fn wait_until_ready(&mut self) -> (SocketAddr, SocketAddr) {
        wait_for("the server to be ready", || {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the server did not start ({status}):\n{}", self.log());
            }
            let log = self.log();
            log.contains("Ctrl-C").then(|| (address(&log, "kafka "), address(&log, "console ")))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            show_tail("the server", &self.log());
        }
    }
}

/// A page of an admin server, head included.
pub fn http(admin: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(admin).expect("the admin server");
    let request = format!("GET {path} HTTP/1.1\r\nHost: chronik\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("answered");
    answer
}

/// Shows the last lines of somebody's log.
fn show_tail(whose: &str, log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    eprintln!("--- log of {whose}\n{}\n---", shown.join("\n"));
}

/// The server program behind the words of `wrapper`, without settings from our own environment.
fn wrapped(wrapper: &[String]) -> Command {
    let program = env!("CARGO_BIN_EXE_chronik-server");
    let mut command = match wrapper {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHRONIK_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// `chronik-server start` on free ports, with its data in `data`, behind the words of `wrapper`.
pub fn start_command(wrapper: &[String], data: &Path) -> Command {
    let mut command = wrapped(wrapper);
    command
        .args(["start", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir"])
        .arg(data);
    command
}

/// Runs a server that must not start; what it said.
pub fn refused_start(mut command: Command) -> String {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("started");
    let ended =
        (0..).map(|_| child.try_wait().expect("a child")).zip(looks()).find_map(|(status, ())| status);
    if ended.is_none() {
        let _ = child.kill();
    }
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    let status = child.wait().expect("ended");
    assert!(ended.is_some_and(|ended| !ended.success()), "it must refuse to start ({status}):\n{said}");
    said
}

/// Looks again and again until `look` finds something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    looks().find_map(|()| look()).unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}"))
}

/// One item at a time, for as long as anything may take.
fn looks() -> impl Iterator<Item = ()> {
    let deadline = Instant::now() + PATIENCE;
    std::iter::once(()).chain(std::iter::from_fn(move || {
        std::thread::sleep(LOOK);
        (Instant::now() < deadline).then_some(())
    }))
}

/// How a server is started, the first time and again.
struct Launch {
    settings: Vec<String>,
    /// What stands before the program on its command line.
    wrapper: Vec<String>,
}

impl Launch {
    fn start(&self, folder: &TempDir, start: usize, kafka: SocketAddr, admin: SocketAddr) -> Child {
        let log = File::create(log_file(folder.path(), start)).expect("a log file");
        let mut command = wrapped(&self.wrapper);
        command
            .args([
                "start",
                "--listen",
                &kafka.to_string(),
                "--admin-listen",
                &admin.to_string(),
                "--data-dir",
            ])
            .arg(folder.path().join("data"));
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.stdout(Stdio::null()).stderr(log).spawn().expect("the server program")
    }
}

/// A folder for a server.
pub fn new_folder() -> TempDir {
    TempDir::with_prefix("chronik-test-").expect("a temporary folder")
}

fn log_file(folder: &Path, start: usize) -> PathBuf {
    folder.join(format!("start-{start}.log"))
}

/// An address of the banner.
fn address(log: &str, what: &str) -> SocketAddr {
    let line = log.lines().find_map(|line| line.trim_start().strip_prefix(what)).expect("a banner");
    let word = line.split_whitespace().next().expect("an address");
    word.trim_start_matches("http://").parse().unwrap_or_else(|_| panic!("no address: {word}"))
}
