//! The command line: what it accepts, prints and returns, and the client commands against a server of their own.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use chronik_server::cli::Cli;
use clap::{CommandFactory, Parser};

const PROGRAM: &str = env!("CARGO_BIN_EXE_chronik-server");

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(args).env_clear();
    command
}

fn run(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A server on free ports, killed with the test.
struct Server {
    process: Child,
    address: String,
    admin: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let data = data.to_str().unwrap();
        let args = ["start", "--data-dir", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let mut process = program(&args).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut after = |word: &str| loop {
            let line = lines.next().expect("the banner comes").unwrap();
            if let Some(rest) = line.trim().strip_prefix(word) {
                return rest.trim().split(' ').next().unwrap().to_owned();
            }
        };
        let (address, admin) = (after("kafka "), after("console "));
        std::thread::spawn(move || lines.for_each(drop)); // or the server blocks on a full pipe
        Self { process, address, admin: admin.trim_start_matches("http://").to_owned() }
    }

    fn client(&self, args: &[&str]) -> Command {
        let mut command = program(args);
        command.env("CHRONIK_BOOTSTRAP_SERVER", &self.address);
        command
    }

    fn ask(&self, args: &[&str]) -> Output {
        self.client(args).output().unwrap()
    }

    fn produce(&self, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.client(&[&["produce"], args].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    fn consume(&self, args: &[&str]) -> String {
        let output = self.ask(&[&["consume", "--exit-at-end"], args].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    }

    fn terminate(&mut self) -> Option<i32> {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn commands_are_understood() {
    for line in [
        "start --data-dir d --listen 127.0.0.1:0 --set wal.flush=os --set node.id=2",
        "topics create t -p 3 -r 1 -c retention.ms=1 -b h:1",
        "topics delete a b",
        "topics alter t -p 4",
        "configs describe --topic t --all --docs --json",
        "configs describe --broker 1",
        "configs alter --topic t --set retention.ms=1 --set segment.ms=2 --delete cleanup.policy",
        "configs alter --all-brokers --append log.cleanup.policy=compact --dry-run",
        "produce t -k : --acks 0 --batch-size 1MiB -p 1",
        "consume t --offset -5 -e -n 1 -k =",
        "consume t --from-beginning",
        "bench produce --rate 1000.5 --duration 5 --connections 4 --in-flight 2 --record-size 100 --server-pid 1",
        "bench consume --bytes 1GiB",
        "bench disk /tmp",
        "bench loopback",
        "bench ratio /tmp --rounds 1",
        "cluster status -b h:1",
        "cluster add-node 4@h:9192 --directory-id 01020304-0506-0708-090a-0b0c0d0e0f10",
        "cluster add-node 4@[::1]:9192 --directory-id AQIDBAUGBwgJCgsMDQ4PEA",
        "cluster remove-node 4",
        "cluster remove-node 4 --replace-with 5 --execute -b h:1",
        "completions bash",
    ] {
        let words = std::iter::once("chronik-server").chain(line.split(' '));
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    for line in [
        "produce",
        "consume t --offset soon",
        "bench produce --rate 0",
        "topics create t -p 0",
        "topics alter t",
        "configs describe",
        "configs describe --topic t --broker 1",
        "configs alter --topic t",
        "configs alter --topic t --set retention.ms",
        "produce t --batch-size 1X",
        "cluster add-node 4@h:9192",
        "cluster add-node h:9192 --directory-id 01020304-0506-0708-090a-0b0c0d0e0f10",
        "cluster add-node 4@h:9192 --directory-id 4",
        "cluster remove-node",
        "cluster remove-node 4 --replace-with",
    ] {
        let words = std::iter::once("chronik-server").chain(line.split(' '));
        assert!(Cli::try_parse_from(words).is_err(), "{line}");
    }
}

#[test]
fn check_config_prints_each_value_with_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chronik.toml");
    std::fs::write(&file, "wal.flush = \"interval\"\nwal.flush.interval.ms = 50\n").unwrap();
    let output = program(&["check-config", "--config", file.to_str().unwrap(), "--node-id", "7"])
        .env("CHRONIK_NUM_PARTITIONS", "4")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("node.id = 7").ends_with("# flag --node-id"));
    assert!(line("num.partitions = 4").ends_with("# environment CHRONIK_NUM_PARTITIONS"));
    assert!(line("wal.flush.interval.ms = 50").ends_with(&format!("# file {}", file.display())));
    assert!(line("log.dirs = \"./chronik-data\"").ends_with("# default"));
}

#[test]
fn a_wrong_configuration_is_refused_with_code_2() {
    let cases: &[(&[&str], &str)] = &[
        (&["check-config", "--set", "log.segment.byte=1"], "did you mean 'log.segment.bytes'?"),
        (&["check-config", "--set", "num.partitions=0"], "it must be from 1 to 10000"),
        (&["check-config", "--config", "no/such.toml"], "cannot read the configuration file no/such.toml"),
        (&["start", "--listen", "0.0.0.0:9092"], "set advertised.listeners"),
        (&["start", "--node-id", "x"], "node.id = 'x' (flag --node-id): it must be a whole number"),
    ];
    for (args, expected) in cases {
        let output = run(args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(expected), "{args:?}: {said}");
        assert!(stdout(&output).is_empty());
    }
    assert_eq!(run(&["check-config", "--frobnicate"]).status.code(), Some(2));
}

#[test]
fn the_sample_file_is_one_that_check_config_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chronik.toml");
    std::fs::write(&file, run(&["check-config", "--sample"]).stdout).unwrap();
    assert_eq!(run(&["check-config", "--config", file.to_str().unwrap()]).status.code(), Some(0));
    assert!(stdout(&run(&["check-config", "--reference"])).contains("`wal.flush`"));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(stdout(&run(&["completions", shell])).contains("check-config"), "{shell}");
    }
}

#[test]
fn a_client_without_a_server_says_what_to_do() {
    let output = run(&["topics", "list", "-b", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.starts_with("error: cannot connect to 127.0.0.1:1:"), "{said}");
    assert!(said.contains("is the server running there?") && said.matches("refused").count() == 1, "{said}");
}

#[test]
fn lines_go_in_and_come_out_also_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let lines: String = (0..10_000).map(|number| format!("line {number}\n")).collect();
    let input = format!("{lines}\n\nlast, without an end");
    assert!(server.produce(&["words"], input.as_bytes()).status.success());
    let expected = format!("{input}\n");
    assert_eq!(server.consume(&["words"]), expected);
    assert_eq!(server.consume(&["words", "-o", "9999", "-n", "1"]), "line 9999\n");
    assert_eq!(server.consume(&["words", "-o", "-1"]), "last, without an end\n");
    assert_eq!(server.consume(&["words", "-o", "latest"]), "");
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start(data.path());
    assert_eq!(server.consume(&["words"]), expected);
}

#[test]
fn a_data_directory_is_looked_into_offline() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    let mut server = Server::start(data.path());
    assert!(server.produce(&["words"], b"one\ntwo\n").status.success());
    let refused = run(&["log", "verify", dir]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("stop it first"), "{}", stderr(&refused));
    assert_eq!(server.terminate(), Some(0));

    let verified = run(&["log", "verify", dir]);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    assert!(stdout(&verified).starts_with("1 batch in 1 segment of 1 partition"), "{}", stdout(&verified));
    assert!(stdout(&run(&["log", "dump", dir])).contains("offsets 0..=1 epoch 0 2 records"));

    let segment = files_under(data.path())
        .into_iter()
        .find(|path| path.extension().is_some_and(|e| e == "log"))
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let damaged = run(&["log", "verify", dir]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(
        stdout(&damaged).contains("DAMAGED") && stdout(&damaged).contains("CRC-32C"),
        "{}",
        stdout(&damaged)
    );
    assert!(stderr(&run(&["log", "dump", "no/such/dir"])).contains("no/such/dir is not a directory"));
}

fn files_under(dir: &Path) -> Vec<std::path::PathBuf> {
    let partitions = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let partitions = partitions.filter(|path| path.is_dir() && !path.ends_with("wal"));
    partitions.flat_map(|dir| std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path())).collect()
}

#[test]
fn logs_can_be_json_and_the_admin_server_off() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().to_str().unwrap();
    let args =
        ["start", "--data-dir", dir, "--listen", "127.0.0.1:0", "--admin-listen", "", "--log-format", "json"];
    let mut server = program(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let ready = loop {
        let event: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if event["message"] == "ready" {
            break event;
        }
    };
    assert_eq!((&ready["level"], &ready["admin"]), (&"INFO".into(), &"None".into()));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn keys_choose_partitions_and_come_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    assert_eq!(
        stdout(&server.ask(&["topics", "create", "orders", "-p", "3"])),
        "created topic 'orders' with 3 partitions\n"
    );
    assert!(server.produce(&["orders", "-k", ":"], b"a:1\nb:2\na:3\nb::4\n").status.success());
    let mut lines: Vec<String> = server.consume(&["orders", "-k", "="]).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["a=1", "a=3", "b=2", "b=:4"]);
    assert!(server.produce(&["orders", "-p", "2"], b"there\n").status.success());
    assert!(server.consume(&["orders", "-p", "2"]).ends_with("there\n"));
    let refused = server.produce(&["orders", "-k", ":"], b"c:5\nno separator\n");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused)
            .contains("stopped after 1 acknowledged record: line 2 of the input has no key separator ':'"),
        "{}",
        stderr(&refused)
    );
    let refused = server.produce(&["orders", "-p", "3"], b"");
    assert!(stderr(&refused).contains("has 3 partitions, numbered from 0"), "{}", stderr(&refused));
}

#[test]
fn a_cluster_of_one_is_shown_and_keeps_its_node() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let status = stdout(&server.ask(&["cluster", "status"]));
    assert!(status.contains("node 1 leads the metadata") && status.contains(" leads "), "{status}");
    for (args, expected) in [
        (&["cluster", "remove-node", "1", "--execute"][..], "node 1 is the only one"),
        (&["cluster", "remove-node", "4"], "the cluster has no node 4, but 1"),
        (
            &["cluster", "add-node", "4@h:9192", "--directory-id", "AQIDBAUGBwgJCgsMDQ4PEA"],
            "taking node 4 at h:9192 into the cluster: INVALID_REQUEST",
        ),
    ] {
        let output = server.ask(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn settings_are_shown_and_changed() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    assert!(server.ask(&["topics", "create", "orders", "-c", "retention.ms=1000"]).status.success());
    let shown = stdout(&server.ask(&["configs", "describe", "--topic", "orders"]));
    assert!(shown.contains("retention.ms") && shown.contains("DYNAMIC_TOPIC_CONFIG"), "{shown}");
    assert!(!shown.contains("segment.bytes"), "that is the default: {shown}");
    let all = stdout(&server.ask(&["configs", "describe", "--topic", "orders", "--all", "--docs"]));
    assert!(all.contains("segment.bytes") && all.contains("Bytes of a segment file."), "{all}");
    let json = stdout(&server.ask(&["configs", "describe", "--topic", "orders", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["name"], &json[0]["value"]), (&"retention.ms".into(), &"1000".into()));

    let alter =
        |changes: &[&str]| server.ask(&[&["configs", "alter", "--topic", "orders"], changes].concat());
    assert_eq!(stdout(&alter(&["--set", "segment.ms=5", "--dry-run"])), "1 setting could be changed\n");
    let changed =
        alter(&["--set", "segment.ms=5", "--delete", "retention.ms", "--append", "cleanup.policy=compact"]);
    assert_eq!(stdout(&changed), "changed 3 settings\n", "{}", stderr(&changed));
    let refused = alter(&["--set", "retention.msec=5"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("did you mean 'retention.ms'?"), "{}", stderr(&refused));
    let described = stdout(&server.ask(&["topics", "describe", "orders"]));
    assert!(described.contains("settings: cleanup.policy=delete,compact segment.ms=5\n"), "{described}");

    let set = ["configs", "alter", "--broker", "1", "--set", "log.retention.ms=7"];
    assert_eq!(stdout(&server.ask(&set)), "changed 1 setting\n");
    let broker = stdout(&server.ask(&["configs", "describe", "--broker", "1"]));
    assert!(broker.contains("DYNAMIC_BROKER_CONFIG") && broker.contains("STATIC_BROKER_CONFIG"), "{broker}");
    let nothing = stdout(&server.ask(&["configs", "describe", "--all-brokers"]));
    assert!(nothing.starts_with("nothing differs"), "{nothing}");
    let other = server.ask(&["configs", "describe", "--broker", "7"]);
    assert!(stderr(&other).contains("the cluster has the brokers 1"), "{}", stderr(&other));
}

#[test]
fn a_topic_gets_more_partitions() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    assert!(server.ask(&["topics", "create", "orders"]).status.success());
    assert!(server.produce(&["orders"], &[b'x'; 5000]).status.success());
    assert_eq!(
        stdout(&server.ask(&["topics", "alter", "orders", "-p", "3"])),
        "topic 'orders' has 3 partitions\n"
    );
    let described = stdout(&server.ask(&["topics", "describe", "orders"]));
    assert!(described.contains("3 partitions") && described.contains("5.0 KiB"), "{described}");
    let again = server.ask(&["topics", "alter", "orders", "-p", "2"]);
    assert!(stderr(&again).contains("INVALID_PARTITIONS"), "{}", stderr(&again));
}

#[test]
fn topics_are_listed_described_and_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    assert_eq!(stdout(&server.ask(&["topics", "list"])), "");
    assert!(server.ask(&["topics", "create", "b"]).status.success());
    assert!(server.ask(&["topics", "create", "a"]).status.success());
    assert_eq!(stdout(&server.ask(&["topics", "list"])), "a\nb\n");
    let again = server.ask(&["topics", "create", "a"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("TOPIC_ALREADY_EXISTS"), "{}", stderr(&again));
    let described = stdout(&server.ask(&["topics", "describe", "a"]));
    assert!(described.starts_with("topic a (id ") && described.contains("1 partition\n"), "{described}");
    assert_eq!(stdout(&server.ask(&["topics", "delete", "a"])), "deleted topic 'a'\n");
    for args in [["topics", "describe", "a"], ["topics", "delete", "a"], ["consume", "-e", "a"]] {
        let output = server.ask(&args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(stderr(&output).contains("UNKNOWN_TOPIC_OR_PARTITION"), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let lines = "a line of some length, many times\n".repeat(100_000);
    assert!(server.produce(&["long"], lines.as_bytes()).status.success());
    let mut consumer = server
        .client(&["consume", "-e", "long"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    consumer.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = consumer.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_second_server_on_the_same_address_says_so() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(data.path());
    let args = [
        "start",
        "--data-dir",
        other.path().to_str().unwrap(),
        "--admin-listen",
        "",
        "--listen",
        &server.address,
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("another process does; stop it, or choose another address with --listen")
    );
}

#[test]
fn a_bench_measures_a_load_and_the_server() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let small = ["--bytes", "4MiB", "--json", "--admin", &server.admin];
    let produce =
        ["bench", "produce", "--record-size", "1KiB", "--batch-size", "64KiB", "--connections", "2"];
    let consume = ["bench", "consume", "--fetch-size", "64KiB", "--rate", "2000"];
    for (args, closed_loop) in [(&produce[..], true), (&consume[..], false)] {
        let output = server.ask(&[args, &small[..]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let measured: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(measured["closed_loop"], closed_loop);
        assert!(measured["bytes"].as_u64().unwrap() >= 4 << 20, "{measured}");
        assert!(measured["records"].as_u64().unwrap() >= 3_900, "{measured}");
        assert!(measured["latency_ms"]["p50"].as_f64() <= measured["latency_ms"]["p99.9"].as_f64());
        assert!(measured["server_resident_bytes"].as_u64().unwrap() > 1 << 20, "{measured}");
    }
}
