//! DeleteGroups (key 42).

use crate::{ErrorCode, Str};

message! {
    /// Groups to delete (KIP-229).
    pub struct DeleteGroupsRequest {
        /// The group names to delete.
        groups_names: Vec<Str> [0+],
    }

    /// The outcome for each group.
    pub struct DeleteGroupsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                       [0+],
        /// The deletion results.
        results:          Vec<DeletableGroupResult> [0+],
    }

    /// In [`DeleteGroupsResponse`]`::results`.
    pub struct DeletableGroupResult {
        /// The group id.
        group_id:      Str         [0+],
        /// The deletion error, or 0 if the deletion succeeded.
        error_code:    ErrorCode   [0+],
        /// The error message, or null if there was no error.
        error_message: Option<Str> [3+] null [3+],
    }
}
