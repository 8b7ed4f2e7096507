//! SyncGroup (key 14).

use bytes::Bytes;

use crate::{ErrorCode, Str};

message! {
    /// Asks for the member's assignment; the leader's brings everyone's.
    pub struct SyncGroupRequest {
        /// The unique group identifier.
        group_id:          Str                             [0+],
        /// The generation of the group.
        generation_id:     i32                             [0+],
        /// The member ID assigned by the group.
        member_id:         Str                             [0+],
        /// The unique identifier of the consumer instance provided by end user.
        group_instance_id: Option<Str>                     [3+] null [3+],
        /// The group protocol type.
        protocol_type:     Option<Str>                     [5+] null [5+],
        /// The group protocol name.
        protocol_name:     Option<Str>                     [5+] null [5+],
        /// Each assignment.
        assignments:       Vec<SyncGroupRequestAssignment> [0+],
    }

    /// In [`SyncGroupRequest`]`::assignments`.
    pub struct SyncGroupRequestAssignment {
        /// The ID of the member to assign.
        member_id:  Str   [0+],
        /// The member assignment.
        assignment: Bytes [0+],
    }

    /// The assignment of the member.
    pub struct SyncGroupResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32         [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode   [0+],
        /// The group protocol type.
        protocol_type:    Option<Str> [5+] null [5+],
        /// The group protocol name.
        protocol_name:    Option<Str> [5+] null [5+],
        /// The member assignment.
        assignment:       Bytes       [0+],
    }
}
