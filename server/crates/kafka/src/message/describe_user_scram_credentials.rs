//! DescribeUserScramCredentials (key 50).

use crate::{ErrorCode, Str};

message! {
    /// Asks which SCRAM credentials users have (KIP-554).
    pub struct DescribeUserScramCredentialsRequest {
        /// The users to describe, or null/empty to describe all users.
        users: Option<Vec<UserName>> [0+] null [0+],
    }

    /// In [`DescribeUserScramCredentialsRequest`]`::users`.
    pub struct UserName {
        /// The user name.
        name: Str [0+],
    }

    /// Mechanisms and iterations; never the secrets.
    pub struct DescribeUserScramCredentialsResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                                     [0+],
        /// The message-level error code, 0 except for user authorization or infrastructure issues.
        error_code:       ErrorCode                               [0+],
        /// The message-level error message, if any.
        error_message:    Option<Str>                             [0+] null [0+],
        /// The results for descriptions, one per user.
        results:          Vec<DescribeUserScramCredentialsResult> [0+],
    }

    /// In [`DescribeUserScramCredentialsResponse`]`::results`.
    pub struct DescribeUserScramCredentialsResult {
        /// The user name.
        user:             Str                 [0+],
        /// The user-level error code.
        error_code:       ErrorCode           [0+],
        /// The user-level error message, if any.
        error_message:    Option<Str>         [0+] null [0+],
        /// The mechanism and related information associated with the user's SCRAM credentials.
        credential_infos: Vec<CredentialInfo> [0+],
    }

    /// In [`DescribeUserScramCredentialsResult`]`::credential_infos`.
    pub struct CredentialInfo {
        /// The SCRAM mechanism.
        mechanism:  i8  [0+],
        /// The number of iterations used in the SCRAM credential.
        iterations: i32 [0+],
    }
}
