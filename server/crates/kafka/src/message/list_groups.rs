//! ListGroups (key 16).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the groups that the broker coordinates; by state (KIP-518) and type (KIP-848).
    pub struct ListGroupsRequest {
        /// The states of the groups we want to list. If empty, all groups are returned with their state.
        states_filter: Vec<Str> [4+],
        /// The types of the groups we want to list. If empty, all groups are returned with their type.
        types_filter:  Vec<Str> [5+],
    }

    /// The groups.
    pub struct ListGroupsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32              [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode        [0+],
        /// Each group in the response.
        groups:           Vec<ListedGroup> [0+],
    }

    /// In [`ListGroupsResponse`]`::groups`.
    pub struct ListedGroup {
        /// The group ID.
        group_id:      Str [0+],
        /// The group protocol type.
        protocol_type: Str [0+],
        /// The group state name.
        group_state:   Str [4+],
        /// The group type name.
        group_type:    Str [5+],
    }
}
