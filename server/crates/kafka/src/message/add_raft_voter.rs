//! AddRaftVoter (key 80).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Takes a node into the group that agrees on the metadata (KIP-853, KIP-1186).
    pub struct AddRaftVoterRequest {
        /// The cluster id.
        cluster_id:         Option<Str>   [0+] null [0+] = Some(Str::default()),
        /// The maximum time to wait for the request to complete before returning.
        timeout_ms:         i32           [0+],
        /// The replica id of the voter getting added to the topic partition.
        voter_id:           i32           [0+],
        /// The directory id of the voter getting added to the topic partition.
        voter_directory_id: Uuid          [0+],
        /// The endpoints that can be used to communicate with the voter.
        listeners:          Vec<Listener> [0+],
        /// When true, return a response after the new voter set is committed. Otherwise, return after the
        /// leader writes the changes locally.
        ack_when_committed: bool          [1+] = true,
    }

    /// In [`AddRaftVoterRequest`]`::listeners`.
    pub struct Listener {
        /// The name of the endpoint.
        name: Str [0+],
        /// The hostname.
        host: Str [0+],
        /// The port.
        port: u16 [0+],
    }

    /// The outcome.
    pub struct AddRaftVoterResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32         [0+],
        /// The error code, or 0 if there was no error.
        error_code:       ErrorCode   [0+],
        /// The error message, or null if there was no error.
        error_message:    Option<Str> [0+] null [0+] = Some(Str::default()),
    }
}
