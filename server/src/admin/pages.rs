//! One function per path.

use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use super::pieces::Pieces;
use super::{Admin, PATHS, kafka_names};

/// The console: one file, refreshed by its own script through the other paths.
const CONSOLE: &str = include_str!("console.html");

pub(super) async fn console() -> Response {
    answer::page(CONSOLE)
}

pub(super) async fn metrics(State(admin): State<Admin>) -> Response {
    admin.node.sample(&admin.metrics);
    let kafka = kafka_names::registry(&admin.node.node(), &admin.node.topics(), &admin.metrics);
    let mut page = Pieces::default();
    admin.metrics.write_with(&kafka, &mut page);
    answer::open_metrics(page)
}

pub(super) async fn live(State(admin): State<Admin>) -> Response {
    let stalled: Vec<Value> = admin
        .watchdog
        .stalled()
        .iter()
        .map(|stall| json!({ "loop": stall.name, "silent_ms": stall.silent_for.as_millis() }))
        .collect();
    if stalled.is_empty() {
        return answer::json(StatusCode::OK, json!({ "status": "live" }));
    }
    answer::error(
        StatusCode::SERVICE_UNAVAILABLE,
        "a loop of the server stands still",
        json!({ "status": "stalled", "stalled": stalled }),
    )
}

pub(super) async fn ready(State(admin): State<Admin>) -> Response {
    match admin.node.ready() {
        Ok(()) => answer::json(StatusCode::OK, json!({ "status": "ready" })),
        Err(reason) => {
            answer::error(StatusCode::SERVICE_UNAVAILABLE, &reason, json!({ "status": "not ready" }))
        }
    }
}

pub(super) async fn node(State(admin): State<Admin>) -> Response {
    answer::json(StatusCode::OK, json!(admin.node.node()))
}

pub(super) async fn brokers(State(admin): State<Admin>) -> Response {
    answer::json(StatusCode::OK, json!({ "brokers": admin.node.brokers() }))
}

pub(super) async fn topics(State(admin): State<Admin>) -> Response {
    answer::json(StatusCode::OK, json!({ "topics": admin.node.topics() }))
}

pub(super) async fn no_such_path(uri: Uri) -> Response {
    let paths: Value = PATHS.iter().map(|(path, shows)| ((*path).to_owned(), Value::from(*shows))).collect();
    answer::error(StatusCode::NOT_FOUND, &format!("nothing at {}", uri.path()), json!({ "paths": paths }))
}

pub(super) async fn only_get(method: Method, uri: Uri) -> Response {
    let what = format!("{method} {} is not served; use GET", uri.path());
    answer::error(StatusCode::METHOD_NOT_ALLOWED, &what, json!({}))
}
