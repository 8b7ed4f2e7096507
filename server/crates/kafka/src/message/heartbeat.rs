//! Heartbeat (key 12).

use crate::{ErrorCode, Str};

message! {
    /// Keeps a membership alive.
    pub struct HeartbeatRequest {
        /// The group id.
        group_id:          Str         [0+],
        /// The generation of the group.
        generation_id:     i32         [0+],
        /// The member ID.
        member_id:         Str         [0+],
        /// The unique identifier of the consumer instance provided by end user.
        group_instance_id: Option<Str> [3+] null [3+],
    }

    /// Whether the member may go on, or must rejoin.
    pub struct HeartbeatResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32       [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode [0+],
    }
}
