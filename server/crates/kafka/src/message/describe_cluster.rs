//! DescribeCluster (key 60).

use crate::{ErrorCode, Str};

message! {
    /// Asks for the brokers of the cluster (KIP-700).
    pub struct DescribeClusterRequest {
        /// Whether to include cluster authorized operations.
        include_cluster_authorized_operations: bool [0+],
        /// The endpoint type to describe. 1=brokers, 2=controllers.
        endpoint_type:                         i8   [1+] = 1,
        /// Whether to include fenced brokers when listing brokers.
        include_fenced_brokers:                bool [2+],
    }

    /// The brokers.
    pub struct DescribeClusterResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:              i32                        [0+],
        /// The top-level error code, or 0 if there was no error.
        error_code:                    ErrorCode                  [0+],
        /// The top-level error message, or null if there was no error.
        error_message:                 Option<Str>                [0+] null [0+],
        /// The endpoint type that was described. 1=brokers, 2=controllers.
        endpoint_type:                 i8                         [1+] = 1,
        /// The cluster ID that responding broker belongs to.
        cluster_id:                    Str                        [0+],
        /// The ID of the controller broker.
        controller_id:                 i32                        [0+] = -1,
        /// Each broker in the response.
        brokers:                       Vec<DescribeClusterBroker> [0+],
        /// 32-bit bitfield to represent authorized operations for this cluster.
        cluster_authorized_operations: i32                        [0+] = i32::MIN,
    }

    /// In [`DescribeClusterResponse`]`::brokers`.
    pub struct DescribeClusterBroker {
        /// The broker ID.
        broker_id: i32         [0+],
        /// The broker hostname.
        host:      Str         [0+],
        /// The broker port.
        port:      i32         [0+],
        /// The rack of the broker, or null if it has not been assigned to a rack.
        rack:      Option<Str> [0+] null [0+],
        /// Whether the broker is fenced
        is_fenced: bool        [2+],
    }
}
