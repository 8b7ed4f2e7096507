//! RemoveRaftVoter (key 81).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Takes a node out of the group that agrees on the metadata (KIP-853).
    pub struct RemoveRaftVoterRequest {
        /// The cluster id of the request.
        cluster_id:         Option<Str> [0+] null [0+] = Some(Str::default()),
        /// The replica id of the voter getting removed from the topic partition.
        voter_id:           i32         [0+],
        /// The directory id of the voter getting removed from the topic partition.
        voter_directory_id: Uuid        [0+],
    }

    /// The outcome.
    pub struct RemoveRaftVoterResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32         [0+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode   [0+],
        /// The error message, or null if there was no error.
        error_message:    Option<Str> [0+] null [0+] = Some(Str::default()),
    }
}
