//! CreateTopics (key 19).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Topics to create.
    pub struct CreateTopicsRequest {
        /// The topics to create.
        topics:        Vec<CreatableTopic> [2+],
        /// How long to wait in milliseconds before timing out the request.
        timeout_ms:    i32                 [2+] = 60000,
        /// If true, check that the topics can be created as specified, but don't create anything.
        validate_only: bool                [2+],
    }

    /// In [`CreateTopicsRequest`]`::topics`.
    pub struct CreatableTopic {
        /// The topic name.
        name:               Str                             [2+],
        /// The number of partitions to create in the topic, or -1 if we are either specifying a manual
        /// partition assignment or using the default partitions.
        num_partitions:     i32                             [2+],
        /// The number of replicas to create for each partition in the topic, or -1 if we are either
        /// specifying a manual partition assignment or using the default replication factor.
        replication_factor: i16                             [2+],
        /// The manual partition assignment, or the empty array if we are using automatic assignment.
        assignments:        Vec<CreatableReplicaAssignment> [2+],
        /// The custom topic configurations to set.
        configs:            Vec<CreatableTopicConfig>       [2+],
    }

    /// In [`CreatableTopic`]`::assignments`.
    pub struct CreatableReplicaAssignment {
        /// The partition index.
        partition_index: i32      [2+],
        /// The brokers to place the partition on.
        broker_ids:      Vec<i32> [2+],
    }

    /// In [`CreatableTopic`]`::configs`.
    pub struct CreatableTopicConfig {
        /// The configuration name.
        name:  Str         [2+],
        /// The configuration value.
        value: Option<Str> [2+] null [2+],
    }

    /// The topics created, or why not.
    pub struct CreateTopicsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                       [2+],
        /// Results for each topic we tried to create.
        topics:           Vec<CreatableTopicResult> [2+],
    }

    /// In [`CreateTopicsResponse`]`::topics`.
    pub struct CreatableTopicResult {
        /// The topic name.
        name:                    Str                                [2+],
        /// The unique topic ID.
        topic_id:                Uuid                               [7+],
        /// The error code, or 0 if there was no error.
        error_code:              ErrorCode                          [2+],
        /// The error message, or null if there was no error.
        error_message:           Option<Str>                        [2+] null [2+],
        /// Optional topic config error returned if configs are not returned in the response.
        topic_config_error_code: ErrorCode                          [5+] tag 0,
        /// Number of partitions of the topic.
        num_partitions:          i32                                [5+] = -1,
        /// Replication factor of the topic.
        replication_factor:      i16                                [5+] = -1,
        /// Configuration of the topic.
        configs:                 Option<Vec<CreatableTopicConfigs>> [5+] null [5+],
    }

    /// In [`CreatableTopicResult`]`::configs`.
    pub struct CreatableTopicConfigs {
        /// The configuration name.
        name:          Str         [5+],
        /// The configuration value.
        value:         Option<Str> [5+] null [5+],
        /// True if the configuration is read-only.
        read_only:     bool        [5+],
        /// The configuration source.
        config_source: i8          [5+] = -1,
        /// True if this configuration is sensitive.
        is_sensitive:  bool        [5+],
    }
}
