//! IncrementalAlterConfigs (key 44).

use crate::{ErrorCode, Str};

message! {
    /// Sets, deletes, appends to or subtracts from single settings (KIP-339).
    pub struct IncrementalAlterConfigsRequest {
        /// The incremental updates for each resource.
        resources:     Vec<AlterConfigsResource> [0+],
        /// True if we should validate the request, but not change the configurations.
        validate_only: bool                      [0+],
    }

    /// In [`IncrementalAlterConfigsRequest`]`::resources`.
    pub struct AlterConfigsResource {
        /// The resource type.
        resource_type: i8                   [0+],
        /// The resource name.
        resource_name: Str                  [0+],
        /// The configurations.
        configs:       Vec<AlterableConfig> [0+],
    }

    /// In [`AlterConfigsResource`]`::configs`.
    pub struct AlterableConfig {
        /// The configuration key name.
        name:             Str         [0+],
        /// The type (Set, Delete, Append, Subtract) of operation.
        config_operation: i8          [0+],
        /// The value to set for the configuration key.
        value:            Option<Str> [0+] null [0+],
    }

    /// The outcome for each resource.
    pub struct IncrementalAlterConfigsResponse {
        /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero
        /// if the request did not violate any quota.
        throttle_time_ms: i32                               [0+],
        /// The responses for each resource.
        responses:        Vec<AlterConfigsResourceResponse> [0+],
    }

    /// In [`IncrementalAlterConfigsResponse`]`::responses`.
    pub struct AlterConfigsResourceResponse {
        /// The resource error code.
        error_code:    ErrorCode   [0+],
        /// The resource error message, or null if there was no error.
        error_message: Option<Str> [0+] null [0+],
        /// The resource type.
        resource_type: i8          [0+],
        /// The resource name.
        resource_name: Str         [0+],
    }
}
