//! ApiVersions: what this broker can do.

use chronik_kafka::message::{ApiVersionsRequest, ApiVersionsResponse};
use chronik_kafka::{ApiKey, ErrorCode};

use super::Broker;
use super::metadata::cluster_id;

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
    ApiKey::ElectLeaders,
    ApiKey::AlterPartitionReassignments,
    ApiKey::ListPartitionReassignments,
    ApiKey::DescribeQuorum,
    ApiKey::UnregisterBroker,
    ApiKey::AddRaftVoter,
    ApiKey::RemoveRaftVoter,
];

/// First version that names the client (KIP-511).
const CLIENT_NAMES_FROM: i16 = 3;

/// What this broker can do.
pub(super) fn api_versions(
    broker: &Broker,
    request: &ApiVersionsRequest,
    version: i16,
) -> ApiVersionsResponse {
    let refused = if version >= CLIENT_NAMES_FROM
        && !(is_legal(&request.client_software_name) && is_legal(&request.client_software_version))
    {
        ErrorCode::INVALID_REQUEST
    } else if !is_meant(broker, request) {
        ErrorCode::REBOOTSTRAP_REQUIRED
    } else {
        return ApiVersionsResponse::advertise(SERVED.iter().copied());
    };
    ApiVersionsResponse { error_code: refused, ..Default::default() }
}

/// Whether the client has come to the broker that it means, if it says which: its address may have been given to another
/// since (KIP-1242). A cluster that has no id yet is nobody's.
fn is_meant(broker: &Broker, request: &ApiVersionsRequest) -> bool {
    request.cluster_id.is_none()
        || (request.cluster_id == cluster_id(broker, &broker.controller.state())
            && request.node_id == broker.node_id)
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
