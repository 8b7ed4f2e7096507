//! DeleteTopics (key 20).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Topics to delete; by name or id from version 6 on (KIP-516).
    pub struct DeleteTopicsRequest {
        /// The name or topic ID of the topic.
        topics:      Vec<DeleteTopicState> [6+],
        /// The names of the topics to delete.
        topic_names: Vec<Str>              [1-5],
        /// The length of time in milliseconds to wait for the deletions to complete.
        timeout_ms:  i32                   [1+],
    }

    /// In [`DeleteTopicsRequest`]`::topics`.
    pub struct DeleteTopicState {
        /// The topic name.
        name:     Option<Str> [6+] null [6+],
        /// The unique topic ID.
        topic_id: Uuid        [6+],
    }

    /// The outcome for each topic.
    pub struct DeleteTopicsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                       [1+],
        /// The results for each topic we tried to delete.
        responses:        Vec<DeletableTopicResult> [1+],
    }

    /// In [`DeleteTopicsResponse`]`::responses`.
    pub struct DeletableTopicResult {
        /// The topic name.
        name:          Option<Str> [1+] null [6+],
        /// The unique topic ID.
        topic_id:      Uuid        [6+],
        /// The deletion error, or 0 if the deletion succeeded.
        error_code:    ErrorCode   [1+],
        /// The error message, or null if there was no error.
        error_message: Option<Str> [5+] null [5+],
    }
}
