//! What `server/deploy` has is true of this server: its configuration is accepted, its alerts ask for metrics that there are, and a service manager hears what it waits for.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

mod support;

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use support::cluster::Cluster;
use support::{PATIENCE, new_folder, start_command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_chronik-server");

fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

fn read(file: &str) -> String {
    std::fs::read_to_string(deploy(file)).expect("a file of the project")
}

fn check_config(file: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(PROGRAM);
    command.args(["check-config", "--config"]).arg(file).env_clear();
    let Output { status, stdout, stderr } =
        command.envs(variables.iter().copied()).output().expect("the server program");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8")
}

#[test]
fn the_sample_configuration_is_accepted_also_with_every_line_in_force() {
    let folder = new_folder();
    let in_force = folder.path().join("chronik.toml");
    let text = read("chronik.toml");
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_lowercase()) => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    std::fs::write(&in_force, text.lines().map(uncommented).collect::<String>()).expect("written");
    for file in [deploy("chronik.toml"), in_force] {
        let effective = check_config(&file, &[]);
        assert!(
            effective.contains("controller.quorum.voters = \"1@broker-1.example.com:9192,2@"),
            "{effective}"
        );
    }
}

#[test]
fn the_configuration_for_kubernetes_is_accepted_on_every_pod() {
    let text = read("kubernetes.yaml");
    let lines = text.lines().skip_while(|line| !line.contains("chronik.toml: |")).skip(1);
    let toml: String =
        lines.map_while(|line| line.strip_prefix("    ")).map(|line| format!("{line}\n")).collect();
    assert!(toml.contains("controller.quorum.voters"), "{toml}");
    let folder = new_folder();
    let file = folder.path().join("chronik.toml");
    std::fs::write(&file, toml).expect("written");
    for ordinal in ["0", "1", "2"] {
        let place = format!("chronik-{ordinal}.chronik-nodes.default.svc:9092");
        let variables = [("CHRONIK_NODE_ID", ordinal), ("CHRONIK_ADVERTISED_LISTENERS", place.as_str())];
        assert!(check_config(&file, &variables).contains(&format!("node.id = {ordinal} ")));
    }
}

/// Every name of a metric in a text that begins with `prefix`.
fn metrics<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(move |c| !word(c)).filter(move |name| name.starts_with(prefix))
}

#[test]
fn alerts_ask_for_metrics_that_are_documented_and_printed() {
    let document = include_str!("../METRICS.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let documented: BTreeSet<&str> = rows.map(|(name, _)| name).collect();
    let rules = read("alerts.yaml");
    let expressions: Vec<&str> =
        rules.lines().filter_map(|line| line.trim_start().strip_prefix("expr: ")).collect();
    let asked: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|expression| metrics(expression, "chronik_").chain(metrics(expression, "kafka_")))
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name))
        .collect();
    assert!(expressions.len() > 10 && asked.len() > 10, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&documented).collect();
    assert!(unknown.is_empty(), "METRICS.md does not name {unknown:?}");

    let cluster = Cluster::with(3, &["max.connections=1"]);
    let page = support::wait_for("a connection to be refused", || {
        let _two_at_a_time = [cluster.connect(1), cluster.connect(1)];
        Some(cluster.http(1, "/metrics")).filter(|page| page.contains("chronik_connections_refused_total{"))
    });
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let printed: BTreeSet<String> = types
        .map(|(name, kind)| format!("{name}{}", if kind == "counter" { "_total" } else { "" }))
        .collect();
    let missing: Vec<_> = asked.iter().filter(|name| !printed.contains(**name)).collect();
    assert!(missing.is_empty(), "a node does not print {missing:?}");
}

#[test]
fn every_alert_is_explained() {
    let (rules, readme) = (read("alerts.yaml"), read("README.md"));
    let alerts = rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: "));
    let unexplained: Vec<_> = alerts.filter(|alert| !readme.contains(&format!("`{alert}`"))).collect();
    assert!(unexplained.is_empty(), "server/deploy/README.md does not explain {unexplained:?}");
}

/// A server that tells a service manager how it is. Killed when dropped.
struct Service(Child);

impl Service {
    fn start(data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = start_command(&[], data);
        command.envs(variables.iter().copied()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("the server program"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_service_manager_hears_that_the_server_is_ready_alive_and_stopping() {
    let folder = new_folder();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let heard = |what: &str| {
        let mut bytes = [0; 1024];
        while let Ok(len) = socket.recv(&mut bytes) {
            if String::from_utf8_lossy(&bytes[..len]).lines().any(|line| line == what) {
                return;
            }
        }
        panic!("{what} was not heard");
    };
    let variables = [("NOTIFY_SOCKET", path.to_str().expect("UTF-8")), ("WATCHDOG_USEC", "100000")];
    let mut service = Service::start(&folder.path().join("data"), &variables);
    heard("READY=1");
    heard("WATCHDOG=1");
    heard("WATCHDOG=1");
    kill_process(Pid::from_raw(service.0.id().cast_signed()).expect("a process id"), Signal::TERM)
        .expect("signalled");
    heard("STOPPING=1");
    assert_eq!(service.0.wait().expect("ended").code(), Some(0));
}

#[test]
fn a_script_learns_from_the_exit_code_whether_a_node_is_ready() {
    let mut cluster = Cluster::not_started(3, &[]);
    let health = |cluster: &Cluster, more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["health", "--admin", &cluster.admin(1).to_string()]).args(more).env_clear();
        let Output { status, stdout, stderr } = command.output().expect("the server program");
        (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    };
    cluster.spawn(1);
    support::wait_for("node 1 to wait for others", || {
        let (code, said) = health(&cluster, &[]);
        assert_eq!(code, Some(1), "{said}");
        said.contains("waits for a majority").then_some(())
    });
    assert_eq!(health(&cluster, &["--live"]).0, Some(0));
    cluster.spawn(2);
    cluster.restart(3);
    cluster.wait_until_ready(1);
    support::wait_for("node 1 to be ready", || (health(&cluster, &[]).0 == Some(0)).then_some(()));
    cluster.kill(1);
    let (code, said) = health(&cluster, &[]);
    assert!(code == Some(1) && said.contains("no server answers"), "{said}");
}
