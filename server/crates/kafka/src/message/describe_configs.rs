//! DescribeConfigs (key 32).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the configuration of topics and brokers (KIP-133).
    pub struct DescribeConfigsRequest {
        /// The resources whose configurations we want to describe.
        resources:             Vec<DescribeConfigsResource> [1+],
        /// True if we should include all synonyms.
        include_synonyms:      bool                         [1+],
        /// True if we should include configuration documentation.
        include_documentation: bool                         [3+],
    }

    /// In [`DescribeConfigsRequest`]`::resources`.
    pub struct DescribeConfigsResource {
        /// The resource type.
        resource_type:      i8               [1+],
        /// The resource name.
        resource_name:      Str              [1+],
        /// The configuration keys to list, or null to list all configuration keys.
        configuration_keys: Option<Vec<Str>> [1+] null [1+],
    }

    /// Each setting with its source.
    pub struct DescribeConfigsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                        [1+],
        /// The results for each resource.
        results:          Vec<DescribeConfigsResult> [1+],
    }

    /// In [`DescribeConfigsResponse`]`::results`.
    pub struct DescribeConfigsResult {
        /// The error code, or 0 if we were able to successfully describe the configurations.
        error_code:    ErrorCode                          [1+],
        /// The error message, or null if we were able to successfully describe the configurations.
        error_message: Option<Str>                        [1+] null [1+],
        /// The resource type.
        resource_type: i8                                 [1+],
        /// The resource name.
        resource_name: Str                                [1+],
        /// Each listed configuration.
        configs:       Vec<DescribeConfigsResourceResult> [1+],
    }

    /// In [`DescribeConfigsResult`]`::configs`.
    pub struct DescribeConfigsResourceResult {
        /// The configuration name.
        name:          Str                         [1+],
        /// The configuration value.
        value:         Option<Str>                 [1+] null [1+],
        /// True if the configuration is read-only.
        read_only:     bool                        [1+],
        /// The configuration source.
        config_source: i8                          [1+] = -1,
        /// True if this configuration is sensitive.
        is_sensitive:  bool                        [1+],
        /// The synonyms for this configuration key.
        synonyms:      Vec<DescribeConfigsSynonym> [1+],
        /// The configuration data type. Type can be one of the following values - BOOLEAN, STRING, INT,
        /// SHORT, LONG, DOUBLE, LIST, CLASS, PASSWORD.
        config_type:   i8                          [3+],
        /// The configuration documentation.
        documentation: Option<Str>                 [3+] null [3+],
    }

    /// In [`DescribeConfigsResourceResult`]`::synonyms`.
    pub struct DescribeConfigsSynonym {
        /// The synonym name.
        name:   Str         [1+],
        /// The synonym value.
        value:  Option<Str> [1+] null [1+],
        /// The synonym source.
        source: i8          [1+],
    }
}
