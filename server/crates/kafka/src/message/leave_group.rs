//! LeaveGroup (key 13).

use crate::{ErrorCode, Str};

message! {
    /// Leaves a group; several members at once from version 3 on (KIP-345).
    pub struct LeaveGroupRequest {
        /// The ID of the group to leave.
        group_id:  Str                 [0+],
        /// The member ID to remove from the group.
        member_id: Str                 [0-2],
        /// List of leaving member identities.
        members:   Vec<MemberIdentity> [3+],
    }

    /// In [`LeaveGroupRequest`]`::members`.
    pub struct MemberIdentity {
        /// The member ID to remove from the group.
        member_id:         Str         [3+],
        /// The group instance ID to remove from the group.
        group_instance_id: Option<Str> [3+] null [3+],
        /// The reason why the member left the group.
        reason:            Option<Str> [5+] null [5+],
    }

    /// The outcome for each member.
    pub struct LeaveGroupResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                 [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode           [0+],
        /// List of leaving member responses.
        members:          Vec<MemberResponse> [3+],
    }

    /// In [`LeaveGroupResponse`]`::members`.
    pub struct MemberResponse {
        /// The member ID to remove from the group.
        member_id:         Str         [3+],
        /// The group instance ID to remove from the group.
        group_instance_id: Option<Str> [3+] null [3+],
        /// The error code, or 0 if there was no error.
        error_code:        ErrorCode   [3+],
    }
}
