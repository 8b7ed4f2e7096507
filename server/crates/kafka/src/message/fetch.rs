//! Fetch (key 1).

use uuid::Uuid;

use crate::{ErrorCode, Records, Str};

message! {
    /// Where to read from, and how much. Topics are named by id from version 13 on (KIP-516); sessions are those of KIP-227.
    pub struct FetchRequest {
        /// The clusterId if known. This is used to validate metadata fetches prior to broker registration.
        cluster_id:            Option<Str>         [12+] null [12+] tag 0,
        /// The broker ID of the follower, of -1 if this request is from a consumer.
        replica_id:            i32                 [4-14] = -1,
        /// The state of the replica in the follower.
        replica_state:         ReplicaState        [15+] tag 1,
        /// The maximum time in milliseconds to wait for the response.
        max_wait_ms:           i32                 [4+],
        /// The minimum bytes to accumulate in the response.
        min_bytes:             i32                 [4+],
        /// The maximum bytes to fetch.  See KIP-74 for cases where this limit may not be honored.
        max_bytes:             i32                 [4+] = i32::MAX,
        /// This setting controls the visibility of transactional records. Using READ_UNCOMMITTED
        /// (isolation_level = 0) makes all records visible. With READ_COMMITTED (isolation_level = 1), non-
        /// transactional and COMMITTED transactional records are visible. To be more concrete,
        /// READ_COMMITTED returns all data from offsets smaller than the current LSO (last stable offset),
        /// and enables the inclusion of the list of aborted transactions in the result, which allows
        /// consumers to discard ABORTED transactional records.
        isolation_level:       i8                  [4+],
        /// The fetch session ID.
        session_id:            i32                 [7+],
        /// The fetch session epoch, which is used for ordering requests in a session.
        session_epoch:         i32                 [7+] = -1,
        /// The topics to fetch.
        topics:                Vec<FetchTopic>     [4+],
        /// In an incremental fetch request, the partitions to remove.
        forgotten_topics_data: Vec<ForgottenTopic> [7+],
        /// Rack ID of the consumer making this request.
        rack_id:               Str                 [11+],
    }

    /// In [`FetchRequest`]`::replica_state`.
    pub struct ReplicaState {
        /// The replica ID of the follower, or -1 if this request is from a consumer.
        replica_id:    i32 [15+] = -1,
        /// The epoch of this follower, or -1 if not available.
        replica_epoch: i64 [15+] = -1,
    }

    /// In [`FetchRequest`]`::topics`.
    pub struct FetchTopic {
        /// The name of the topic to fetch.
        topic:      Str                 [4-12],
        /// The unique topic ID.
        topic_id:   Uuid                [13+],
        /// The partitions to fetch.
        partitions: Vec<FetchPartition> [4+],
    }

    /// In [`FetchTopic`]`::partitions`.
    pub struct FetchPartition {
        /// The partition index.
        partition:            i32  [4+],
        /// The current leader epoch of the partition.
        current_leader_epoch: i32  [9+] = -1,
        /// The message offset.
        fetch_offset:         i64  [4+],
        /// The epoch of the last fetched record or -1 if there is none.
        last_fetched_epoch:   i32  [12+] = -1,
        /// The earliest available offset of the follower replica.  The field is only used when the request
        /// is sent by the follower.
        log_start_offset:     i64  [5+] = -1,
        /// The maximum bytes to fetch from this partition.  See KIP-74 for cases where this limit may not
        /// be honored.
        partition_max_bytes:  i32  [4+],
        /// The directory id of the follower fetching.
        replica_directory_id: Uuid [17+] tag 0,
        /// The high-watermark known by the replica. -1 if the high-watermark is not known and
        /// 9223372036854775807 if the feature is not supported.
        high_watermark:       i64  [18+] tag 1 = i64::MAX,
    }

    /// In [`FetchRequest`]`::forgotten_topics_data`.
    pub struct ForgottenTopic {
        /// The topic name.
        topic:      Str      [7-12],
        /// The unique topic ID.
        topic_id:   Uuid     [13+],
        /// The partitions indexes to forget.
        partitions: Vec<i32> [7+],
    }

    /// Record batches from each partition, with the offsets that bound them.
    pub struct FetchResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                         [4+],
        /// The top level response error code.
        error_code:       ErrorCode                   [7+],
        /// The fetch session ID, or 0 if this is not part of a fetch session.
        session_id:       i32                         [7+],
        /// The response topics.
        responses:        Vec<FetchableTopicResponse> [4+],
        /// Endpoints for all current-leaders enumerated in PartitionData, with errors
        /// NOT_LEADER_OR_FOLLOWER & FENCED_LEADER_EPOCH.
        node_endpoints:   Vec<NodeEndpoint>           [16+] tag 0,
    }

    /// In [`FetchResponse`]`::responses`.
    pub struct FetchableTopicResponse {
        /// The topic name.
        topic:      Str                [4-12],
        /// The unique topic ID.
        topic_id:   Uuid               [13+],
        /// The topic partitions.
        partitions: Vec<PartitionData> [4+],
    }

    /// In [`FetchableTopicResponse`]`::partitions`.
    pub struct PartitionData {
        /// The partition index.
        partition_index:        i32                             [4+],
        /// The error code, or 0 if there was no fetch error.
        error_code:             ErrorCode                       [4+],
        /// The current high water mark.
        high_watermark:         i64                             [4+],
        /// The last stable offset (or LSO) of the partition. This is the last offset such that the state of
        /// all transactional records prior to this offset have been decided (ABORTED or COMMITTED).
        last_stable_offset:     i64                             [4+] = -1,
        /// The current log start offset.
        log_start_offset:       i64                             [5+] = -1,
        /// In case divergence is detected based on the `LastFetchedEpoch` and `FetchOffset` in the request,
        /// this field indicates the largest epoch and its end offset such that subsequent records are known
        /// to diverge.
        diverging_epoch:        EpochEndOffset                  [12+] tag 0,
        /// The current leader of the partition.
        current_leader:         LeaderIdAndEpoch                [12+] tag 1,
        /// In the case of fetching an offset less than the LogStartOffset, this is the end offset and epoch
        /// that should be used in the FetchSnapshot request.
        snapshot_id:            SnapshotId                      [12+] tag 2,
        /// The aborted transactions.
        aborted_transactions:   Option<Vec<AbortedTransaction>> [4+] null [4+],
        /// The preferred read replica for the consumer to use on its next fetch request.
        preferred_read_replica: i32                             [11+] = -1,
        /// The record data.
        records:                Option<Records>                 [4+] null [4+],
    }

    /// In [`PartitionData`]`::diverging_epoch`.
    pub struct EpochEndOffset {
        /// The largest epoch.
        epoch:      i32 [12+] = -1,
        /// The end offset of the epoch.
        end_offset: i64 [12+] = -1,
    }

    /// In [`PartitionData`]`::current_leader`.
    pub struct LeaderIdAndEpoch {
        /// The ID of the current leader or -1 if the leader is unknown.
        leader_id:    i32 [12+] = -1,
        /// The latest known leader epoch.
        leader_epoch: i32 [12+] = -1,
    }

    /// In [`PartitionData`]`::snapshot_id`.
    pub struct SnapshotId {
        /// The end offset of the epoch.
        end_offset: i64 [4+] = -1,
        /// The largest epoch.
        epoch:      i32 [4+] = -1,
    }

    /// In [`PartitionData`]`::aborted_transactions`.
    pub struct AbortedTransaction {
        /// The producer id associated with the aborted transaction.
        producer_id:  i64 [4+],
        /// The first offset in the aborted transaction.
        first_offset: i64 [4+],
    }

    /// In [`FetchResponse`]`::node_endpoints`.
    pub struct NodeEndpoint {
        /// The ID of the associated node.
        node_id: i32         [16+],
        /// The node's hostname.
        host:    Str         [16+],
        /// The node's port.
        port:    i32         [16+],
        /// The rack of the node, or null if it has not been assigned to a rack.
        rack:    Option<Str> [16+] null [16+],
    }
}
