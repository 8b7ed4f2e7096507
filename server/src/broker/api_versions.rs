//! ApiVersions: what this broker can do.

use chronik_kafka::message::{ApiVersionsRequest, ApiVersionsResponse};
use chronik_kafka::{ApiKey, ErrorCode};

/// What is served, and so advertised. The codec may know more.
pub(super) const SERVED: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::SyncGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::DeleteGroups,
    ApiKey::OffsetDelete,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    // Administration.
    ApiKey::DeleteRecords,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::DescribeLogDirs,
    ApiKey::CreatePartitions,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::DescribeCluster,
    ApiKey::DescribeProducers,
    ApiKey::ListConfigResources,
    ApiKey::DescribeTopicPartitions,
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
    ApiVersionsResponse::advertise(SERVED.iter().copied())
}

/// The answer, in version 0, to a version that we do not know.
pub(super) fn unsupported() -> ApiVersionsResponse {
    ApiVersionsResponse::unsupported_version(SERVED.iter().copied())
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511)
fn is_legal(name: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(name.chars().next())
        && ends(name.chars().last())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}
