//! The forms that answers have.

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::pieces::Pieces;

/// The type of the text format of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The page uses nothing from elsewhere, and no other page may frame it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                           img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const FRESH: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// A page for a browser.
pub(super) fn page(html: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
        FRESH,
    ];
    (headers, html).into_response()
}

/// Metrics for Prometheus.
pub(super) fn open_metrics(page: Pieces) -> Response {
    let length = [(header::CONTENT_LENGTH, page.bytes())];
    (length, [(header::CONTENT_TYPE, OPEN_METRICS), FRESH], page.into_body()).into_response()
}

/// A JSON document.
pub(super) fn json(status: StatusCode, body: Value) -> Response {
    (status, [FRESH], Json(body)).into_response()
}

/// An error, in words, with anything else that helps.
pub(super) fn error(status: StatusCode, what: &str, also: Value) -> Response {
    let mut body = json!({ "error": what });
    if let (Value::Object(body), Value::Object(also)) = (&mut body, also) {
        body.extend(also);
    }
    json(status, body)
}
