//! The admin server over a real socket, and the stall watchdog.
#![cfg(not(any(loom, shuttle)))]
#![expect(clippy::disallowed_methods, reason = "a test stands outside the seams")]

use std::sync::Arc;
use std::time::Duration;

use chronik_server::admin::{self, Admin, BrokerStatus, NodeInfo, NodeStatus, PartitionStatus, TopicStatus};
use chronik_server::clock::Clock;
use chronik_server::shutdown::Shutdown;
use chronik_server::telemetry::{LoopLabels, Metrics, Watchdog};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SECOND: Duration = Duration::from_secs(1);

struct Node {
    ready: Result<(), String>,
}

impl NodeStatus for Node {
    fn ready(&self) -> Result<(), String> {
        self.ready.clone()
    }

    fn node(&self) -> NodeInfo {
        NodeInfo { node_id: 7, cluster_id: "test".to_owned(), ..NodeInfo::default() }
    }

    fn brokers(&self) -> Vec<BrokerStatus> {
        vec![BrokerStatus { node_id: 8, fenced: true, ..BrokerStatus::default() }]
    }

    fn topics(&self) -> Vec<TopicStatus> {
        let partition = PartitionStatus { high_watermark: 42, ..PartitionStatus::default() };
        vec![TopicStatus {
            name: Arc::new("orders".to_owned()),
            partitions: vec![partition],
            ..TopicStatus::default()
        }]
    }

    fn sample(&self, metrics: &Metrics) {
        metrics.budget_available_bytes.set(123);
    }
}

struct Server {
    address: std::net::SocketAddr,
    watchdog: Watchdog,
    metrics: Metrics,
    stop: Shutdown,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn start(ready: Result<(), String>) -> Server {
    let (metrics, stop) = (Metrics::new(), Shutdown::new());
    let watchdog = Watchdog::new(Clock::system(), metrics.clone(), Duration::from_millis(20));
    let admin =
        Admin { node: Arc::new(Node { ready }), metrics: metrics.clone(), watchdog: watchdog.clone() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let until = stop.clone();
    let served = tokio::spawn(admin::serve(listener, admin, async move { until.requested().await }));
    Server { address, watchdog, metrics, stop, served }
}

impl Server {
    async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: chronik\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    async fn json(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask("GET", path).await;
        (status, serde_json::from_str(&body).unwrap())
    }
}

#[tokio::test]
async fn every_path_answers_and_others_say_which_there_are() {
    let server = start(Ok(())).await;
    for (path, _) in admin::PATHS {
        assert_eq!(server.ask("GET", path).await.0, 200, "{path}");
    }
    let (status, body) = server.json("/metric").await;
    assert_eq!((status, &body["error"]), (404, &Value::from("nothing at /metric")));
    assert!(body["paths"].as_object().unwrap().contains_key("/metrics"));
    let (status, body) = server.ask("POST", "/metrics").await;
    assert_eq!(status, 405);
    assert!(body.contains("POST /metrics is not served; use GET"), "{body}");
}

#[tokio::test]
async fn the_console_uses_nothing_from_elsewhere() {
    let server = start(Ok(())).await;
    let (_, page) = server.ask("GET", "/").await;
    assert!(page.starts_with("<!doctype html>"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="));
}

#[tokio::test]
async fn metrics_have_what_was_counted_what_is_sampled_and_the_process() {
    let server = start(Ok(())).await;
    server.metrics.request_done("Produce", "NONE", Duration::from_millis(3));
    server.metrics.frame_rejected("too_long");
    let (_, text) = server.ask("GET", "/metrics").await;
    for line in [
        "chronik_requests_total{api=\"Produce\",error=\"NONE\"} 1",
        "chronik_request_duration_seconds_count{api=\"Produce\"} 1",
        "chronik_frames_rejected_total{reason=\"too_long\"} 1",
        "chronik_budget_available_bytes 123",
        "chronik_build_info{version=\"0.1.0\"} 1",
        "# TYPE process_cpu_seconds counter",
        "# TYPE process_resident_memory_bytes gauge",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn the_state_of_the_node_is_json() {
    let server = start(Ok(())).await;
    assert_eq!(server.json("/api/v1/node").await.1["node_id"], 7);
    assert_eq!(server.json("/api/v1/brokers").await.1["brokers"][0]["fenced"], true);
    assert_eq!(server.json("/api/v1/topics").await.1["topics"][0]["partitions"][0]["high_watermark"], 42);
}

#[tokio::test]
async fn a_node_that_is_not_ready_says_why() {
    let server = start(Err("recovering".to_owned())).await;
    let (status, body) = server.json("/health/ready").await;
    assert_eq!((status, &body["error"]), (503, &Value::from("recovering")));
    assert_eq!(server.json("/health/live").await.0, 200);
}

#[tokio::test]
async fn liveness_fails_with_the_name_of_the_loop_that_stands_still() {
    let server = start(Ok(())).await;
    let pulse = server.watchdog.register("flusher", Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(60)).await;
    let (status, body) = server.json("/health/live").await;
    assert_eq!((status, &body["stalled"][0]["loop"]), (503, &Value::from("flusher")));
    pulse.idle();
    assert_eq!(server.json("/health/live").await.0, 200);
}

#[tokio::test]
async fn it_stops_when_asked_also_with_an_idle_connection_open() {
    let server = start(Ok(())).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: chronik\r\n\r\n").await.unwrap();
    assert!(idle.read_u8().await.is_ok());
    assert!(server.stop.request() && !server.stop.request());
    tokio::time::timeout(5 * SECOND, server.served).await.expect("stops").unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_counted_once_and_over_when_the_loop_goes_on() {
    let (metrics, stop) = (Metrics::new(), Shutdown::new());
    let watchdog = Watchdog::new(Clock::starting_at(0), metrics.clone(), 10 * SECOND);
    let running = tokio::spawn(watchdog.clone().run(stop.clone()));
    let slow = watchdog.register("maintenance", 60 * SECOND);
    let stuck = watchdog.register("controller", SECOND);
    let labels = LoopLabels { name: "controller".to_owned() };
    let stalls = || metrics.loop_stalls.get_or_create(&labels).get();
    let stalled = || metrics.loop_stalled.get_or_create(&labels).get();

    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(watchdog.stalled(), []);
    tokio::time::sleep(20 * SECOND).await;
    let names: Vec<String> = watchdog.stalled().into_iter().map(|stall| stall.name).collect();
    assert_eq!((names, stalls(), stalled()), (vec!["controller".to_owned()], 1, 1));

    stuck.beat();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!((watchdog.stalled().len(), stalls(), stalled()), (0, 1, 0));

    stuck.idle();
    slow.idle();
    tokio::time::sleep(1000 * SECOND).await;
    assert_eq!((watchdog.stalled().len(), stalls()), (0, 1));

    slow.beat();
    drop(slow);
    tokio::time::sleep(1000 * SECOND).await;
    assert_eq!(watchdog.stalled(), [], "a loop that has ended is no stall");

    stop.request();
    running.await.unwrap();
}
