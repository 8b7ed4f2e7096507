//! JoinGroup (key 11).

use bytes::Bytes;

use crate::{ErrorCode, Str};

message! {
    /// Enters a group, or stays in it through a rebalance (KIP-62; static members: KIP-345).
    pub struct JoinGroupRequest {
        /// The group identifier.
        group_id:             Str                           [0+],
        /// The coordinator considers the consumer dead if it receives no heartbeat after this timeout in
        /// milliseconds.
        session_timeout_ms:   i32                           [0+],
        /// The maximum time in milliseconds that the coordinator will wait for each member to rejoin when
        /// rebalancing the group.
        rebalance_timeout_ms: i32                           [1+] = -1,
        /// The member id assigned by the group coordinator.
        member_id:            Str                           [0+],
        /// The unique identifier of the consumer instance provided by end user.
        group_instance_id:    Option<Str>                   [5+] null [5+],
        /// The unique name the for class of protocols implemented by the group we want to join.
        protocol_type:        Str                           [0+],
        /// The list of protocols that the member supports.
        protocols:            Vec<JoinGroupRequestProtocol> [0+],
        /// The reason why the member (re-)joins the group.
        reason:               Option<Str>                   [8+] null [8+],
    }

    /// In [`JoinGroupRequest`]`::protocols`.
    pub struct JoinGroupRequestProtocol {
        /// The protocol name.
        name:     Str   [0+],
        /// The protocol metadata.
        metadata: Bytes [0+],
    }

    /// The generation joined; the leader also learns all members.
    pub struct JoinGroupResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                          [2+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode                    [0+],
        /// The generation ID of the group.
        generation_id:    i32                          [0+] = -1,
        /// The group protocol name.
        protocol_type:    Option<Str>                  [7+] null [7+],
        /// The group protocol selected by the coordinator.
        protocol_name:    Option<Str>                  [0+] null [7+],
        /// The leader of the group.
        leader:           Str                          [0+],
        /// True if the leader must skip running the assignment.
        skip_assignment:  bool                         [9+],
        /// The member ID assigned by the group coordinator.
        member_id:        Str                          [0+],
        /// The group members.
        members:          Vec<JoinGroupResponseMember> [0+],
    }

    /// In [`JoinGroupResponse`]`::members`.
    pub struct JoinGroupResponseMember {
        /// The group member ID.
        member_id:         Str         [0+],
        /// The unique identifier of the consumer instance provided by end user.
        group_instance_id: Option<Str> [5+] null [5+],
        /// The group member metadata.
        metadata:          Bytes       [0+],
    }
}
