//! DeleteAcls (key 31).

use crate::{ErrorCode, Str};

message! {
    /// Filters of the access control entries to remove (KIP-140).
    pub struct DeleteAclsRequest {
        /// The filters to use when deleting ACLs.
        filters: Vec<DeleteAclsFilter> [1+],
    }

    /// In [`DeleteAclsRequest`]`::filters`.
    pub struct DeleteAclsFilter {
        /// The resource type.
        resource_type_filter: i8          [1+],
        /// The resource name.
        resource_name_filter: Option<Str> [1+] null [0+],
        /// The pattern type.
        pattern_type_filter:  i8          [1+] = 3,
        /// The principal filter, or null to accept all principals.
        principal_filter:     Option<Str> [1+] null [0+],
        /// The host filter, or null to accept all hosts.
        host_filter:          Option<Str> [1+] null [0+],
        /// The ACL operation.
        operation:            i8          [1+],
        /// The permission type.
        permission_type:      i8          [1+],
    }

    /// What each filter matched.
    pub struct DeleteAclsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                         [1+],
        /// The results for each filter.
        filter_results:   Vec<DeleteAclsFilterResult> [1+],
    }

    /// In [`DeleteAclsResponse`]`::filter_results`.
    pub struct DeleteAclsFilterResult {
        /// The error code, or 0 if the filter succeeded.
        error_code:    ErrorCode                  [1+],
        /// The error message, or null if the filter succeeded.
        error_message: Option<Str>                [1+] null [0+],
        /// The ACLs which matched this filter.
        matching_acls: Vec<DeleteAclsMatchingAcl> [1+],
    }

    /// In [`DeleteAclsFilterResult`]`::matching_acls`.
    pub struct DeleteAclsMatchingAcl {
        /// The deletion error code, or 0 if the deletion succeeded.
        error_code:      ErrorCode   [1+],
        /// The deletion error message, or null if the deletion succeeded.
        error_message:   Option<Str> [1+] null [0+],
        /// The ACL resource type.
        resource_type:   i8          [1+],
        /// The ACL resource name.
        resource_name:   Str         [1+],
        /// The ACL resource pattern type.
        pattern_type:    i8          [1+] = 3,
        /// The ACL principal.
        principal:       Str         [1+],
        /// The ACL host.
        host:            Str         [1+],
        /// The ACL operation.
        operation:       i8          [1+],
        /// The ACL permission type.
        permission_type: i8          [1+],
    }
}
