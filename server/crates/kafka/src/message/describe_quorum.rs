//! DescribeQuorum (key 55).

use uuid::Uuid;

use crate::{ErrorCode, Str};

message! {
    /// Asks how the group that agrees on the metadata stands (KIP-595, KIP-836).
    pub struct DescribeQuorumRequest {
        /// The topics to describe.
        topics: Vec<TopicRequest> [0+],
    }

    /// In [`DescribeQuorumRequest`]`::topics`.
    pub struct TopicRequest {
        /// The topic name.
        topic_name: Str                   [0+],
        /// The partitions to describe.
        partitions: Vec<PartitionRequest> [0+],
    }

    /// In [`TopicRequest`]`::partitions`.
    pub struct PartitionRequest {
        /// The partition index.
        partition_index: i32 [0+],
    }

    /// The group.
    pub struct DescribeQuorumResponse {
        /// The top level error code.
        error_code:    ErrorCode      [0+],
        /// The error message, or null if there was no error.
        error_message: Option<Str>    [2+] null [2+] = Some(Str::default()),
        /// The response from the describe quorum API.
        topics:        Vec<TopicData> [0+],
        /// The nodes in the quorum.
        nodes:         Vec<Node>      [2+],
    }

    /// In [`DescribeQuorumResponse`]`::topics`.
    pub struct TopicData {
        /// The topic name.
        topic_name: Str                [0+],
        /// The partition data.
        partitions: Vec<PartitionData> [0+],
    }

    /// In [`TopicData`]`::partitions`.
    pub struct PartitionData {
        /// The partition index.
        partition_index: i32               [0+],
        /// The partition error code.
        error_code:      ErrorCode         [0+],
        /// The error message, or null if there was no error.
        error_message:   Option<Str>       [2+] null [2+] = Some(Str::default()),
        /// The ID of the current leader or -1 if the leader is unknown.
        leader_id:       i32               [0+],
        /// The latest known leader epoch.
        leader_epoch:    i32               [0+],
        /// The high water mark.
        high_watermark:  i64               [0+],
        /// The current voters of the partition.
        current_voters:  Vec<ReplicaState> [0+],
        /// The observers of the partition.
        observers:       Vec<ReplicaState> [0+],
    }

    /// In [`PartitionData`].
    pub struct ReplicaState {
        /// The ID of the replica.
        replica_id:               i32  [0+],
        /// The replica directory ID of the replica.
        replica_directory_id:     Uuid [2+],
        /// The last known log end offset of the follower or -1 if it is unknown.
        log_end_offset:           i64  [0+],
        /// The last known leader wall clock time when a follower fetched from the leader. This is reported
        /// as -1 both for the current leader or if it is unknown for a voter.
        last_fetch_timestamp:     i64  [1+] = -1,
        /// The leader wall clock append time of the offset for which the follower made the most recent fetch
        /// request. This is reported as the current time for the leader and -1 if unknown for a voter.
        last_caught_up_timestamp: i64  [1+] = -1,
    }

    /// In [`DescribeQuorumResponse`]`::nodes`.
    pub struct Node {
        /// The ID of the associated node.
        node_id:   i32           [2+],
        /// The listeners of this controller.
        listeners: Vec<Listener> [2+],
    }

    /// In [`Node`]`::listeners`.
    pub struct Listener {
        /// The name of the endpoint.
        name: Str [2+],
        /// The hostname.
        host: Str [2+],
        /// The port.
        port: u16 [2+],
    }
}
