//! CreateAcls (key 30).

use crate::{ErrorCode, Str};

message! {
    /// Access control entries to add (KIP-140).
    pub struct CreateAclsRequest {
        /// The ACLs that we want to create.
        creations: Vec<AclCreation> [1+],
    }

    /// In [`CreateAclsRequest`]`::creations`.
    pub struct AclCreation {
        /// The type of the resource.
        resource_type:         i8  [1+],
        /// The resource name for the ACL.
        resource_name:         Str [1+],
        /// The pattern type for the ACL.
        resource_pattern_type: i8  [1+] = 3,
        /// The principal for the ACL.
        principal:             Str [1+],
        /// The host for the ACL.
        host:                  Str [1+],
        /// The operation type for the ACL (read, write, etc.).
        operation:             i8  [1+],
        /// The permission type for the ACL (allow, deny, etc.).
        permission_type:       i8  [1+],
    }

    /// The outcome for each entry.
    pub struct CreateAclsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                    [1+],
        /// The results for each ACL creation.
        results:          Vec<AclCreationResult> [1+],
    }

    /// In [`CreateAclsResponse`]`::results`.
    pub struct AclCreationResult {
        /// The result error, or zero if there was no error.
        error_code:    ErrorCode   [1+],
        /// The result message, or null if there was no error.
        error_message: Option<Str> [1+] null [0+],
    }
}
