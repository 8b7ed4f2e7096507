//! ApiVersions: what this broker can do.

use chronik_kafka::message::api_versions::{ApiVersion, ApiVersionsRequest, ApiVersionsResponse};
use chronik_kafka::{ApiKey, ErrorCode};

/// What is served, and so advertised. The codec may know more.
pub(super) const SERVED: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::FindCoordinator,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
];

/// First version that names the client (KIP-511).
const CLIENT_NAMES_FROM: i16 = 3;

/// What this broker can do.
pub(super) fn api_versions(request: &ApiVersionsRequest, version: i16) -> ApiVersionsResponse {
    if version >= CLIENT_NAMES_FROM
        && !(is_legal(&request.client_software_name) && is_legal(&request.client_software_version))
    {
        return ApiVersionsResponse { error_code: ErrorCode::INVALID_REQUEST, ..Default::default() };
    }
    ApiVersionsResponse { api_keys: api_keys(), ..Default::default() }
}

/// The answer, in version 0, to a version that we do not know.
pub(super) fn unsupported() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UNSUPPORTED_VERSION,
        api_keys: api_keys(),
        ..Default::default()
    }
}

fn api_keys() -> Vec<ApiVersion> {
    let advertised = |api: &ApiKey| {
        let versions = api.advertised();
        ApiVersion { api_key: api.code(), min_version: versions.min, max_version: versions.max }
    };
    SERVED.iter().map(advertised).collect()
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511)
fn is_legal(name: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(name.chars().next())
        && ends(name.chars().last())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}
