//! ListConfigResources (key 74).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the resources that have configurations (KIP-1142).
    pub struct ListConfigResourcesRequest {
        /// The list of resource type. If the list is empty, it uses default supported config resource
        /// types.
        resource_types: Vec<i8> [1+],
    }

    /// The resources.
    pub struct ListConfigResourcesResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                 [0+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode           [0+],
        /// Each config resource in the response.
        config_resources: Vec<ConfigResource> [0+],
    }

    /// In [`ListConfigResourcesResponse`]`::config_resources`.
    pub struct ConfigResource {
        /// The resource name.
        resource_name: Str [0+],
        /// The resource type.
        resource_type: i8  [1+] = 16,
    }
}
