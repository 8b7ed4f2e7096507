//! DescribeAcls (key 29).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the access control entries that match a filter (KIP-140).
    pub struct DescribeAclsRequest {
        /// The resource type.
        resource_type_filter: i8          [1+],
        /// The resource name, or null to match any resource name.
        resource_name_filter: Option<Str> [1+] null [0+],
        /// The resource pattern to match.
        pattern_type_filter:  i8          [1+] = 3,
        /// The principal to match, or null to match any principal.
        principal_filter:     Option<Str> [1+] null [0+],
        /// The host to match, or null to match any host.
        host_filter:          Option<Str> [1+] null [0+],
        /// The operation to match.
        operation:            i8          [1+],
        /// The permission type to match.
        permission_type:      i8          [1+],
    }

    /// The entries, by resource.
    pub struct DescribeAclsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                       [1+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode                 [1+],
        /// The error message, or null if there was no error.
        error_message:    Option<Str>               [1+] null [0+],
        /// Each Resource that is referenced in an ACL.
        resources:        Vec<DescribeAclsResource> [1+],
    }

    /// In [`DescribeAclsResponse`]`::resources`.
    pub struct DescribeAclsResource {
        /// The resource type.
        resource_type: i8                  [1+],
        /// The resource name.
        resource_name: Str                 [1+],
        /// The resource pattern type.
        pattern_type:  i8                  [1+] = 3,
        /// The ACLs.
        acls:          Vec<AclDescription> [1+],
    }

    /// In [`DescribeAclsResource`]`::acls`.
    pub struct AclDescription {
        /// The ACL principal.
        principal:       Str [1+],
        /// The ACL host.
        host:            Str [1+],
        /// The ACL operation.
        operation:       i8  [1+],
        /// The ACL permission type.
        permission_type: i8  [1+],
    }
}
