//! The table of APIs: what the codec can read and write. `ApiKey`, `RequestBody`, `ResponseBody` and the tests are
//! generated from it, so that an API or a version cannot be forgotten in one of them.
//!
//! An API is one file in `message/` and one row here.

/// Hands the table to the macro `$with`. A row is: name, key, versions, first flexible version (KIP-482), messages.
///
/// Versions are the stable ones of Kafka 4.1, and of 4.4 where the API is served. The codec knows more than a given
/// broker serves: a broker advertises the APIs that it dispatches.
#[doc(hidden)]
#[macro_export]
macro_rules! with_apis {
    ($with:ident) => {
        $with! {
            Produce = 0 [3-13] flexible 9 => produce::{ProduceRequest, ProduceResponse};
            Fetch = 1 [4-18] flexible 12 => fetch::{FetchRequest, FetchResponse};
            ListOffsets = 2 [1-11] flexible 6 => list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
            Metadata = 3 [0-13] flexible 9 => metadata::{MetadataRequest, MetadataResponse};
            OffsetCommit = 8 [2-10] flexible 8 => offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
            OffsetFetch = 9 [1-10] flexible 6 => offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
            FindCoordinator = 10 [0-6] flexible 3 => find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
            JoinGroup = 11 [0-9] flexible 6 => join_group::{JoinGroupRequest, JoinGroupResponse};
            Heartbeat = 12 [0-4] flexible 4 => heartbeat::{HeartbeatRequest, HeartbeatResponse};
            LeaveGroup = 13 [0-5] flexible 4 => leave_group::{LeaveGroupRequest, LeaveGroupResponse};
            SyncGroup = 14 [0-5] flexible 4 => sync_group::{SyncGroupRequest, SyncGroupResponse};
            DescribeGroups = 15 [0-6] flexible 5 => describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
            ListGroups = 16 [0-5] flexible 3 => list_groups::{ListGroupsRequest, ListGroupsResponse};
            SaslHandshake = 17 [0-1] flexible never => sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
            ApiVersions = 18 [0-5] flexible 3 => api_versions::{ApiVersionsRequest, ApiVersionsResponse};
            CreateTopics = 19 [2-7] flexible 5 => create_topics::{CreateTopicsRequest, CreateTopicsResponse};
            DeleteTopics = 20 [1-6] flexible 4 => delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
            DeleteRecords = 21 [0-2] flexible 2 => delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
            InitProducerId = 22 [0-5] flexible 2 => init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
            OffsetForLeaderEpoch = 23 [2-4] flexible 4 => offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
            AddPartitionsToTxn = 24 [0-5] flexible 3 => add_partitions_to_txn::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};
            AddOffsetsToTxn = 25 [0-4] flexible 3 => add_offsets_to_txn::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};
            EndTxn = 26 [0-5] flexible 3 => end_txn::{EndTxnRequest, EndTxnResponse};
            TxnOffsetCommit = 28 [0-5] flexible 3 => txn_offset_commit::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};
            DescribeAcls = 29 [1-3] flexible 2 => describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
            CreateAcls = 30 [1-3] flexible 2 => create_acls::{CreateAclsRequest, CreateAclsResponse};
            DeleteAcls = 31 [1-3] flexible 2 => delete_acls::{DeleteAclsRequest, DeleteAclsResponse};
            DescribeConfigs = 32 [1-4] flexible 4 => describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse};
            AlterConfigs = 33 [0-2] flexible 2 => alter_configs::{AlterConfigsRequest, AlterConfigsResponse};
            DescribeLogDirs = 35 [1-5] flexible 2 => describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse};
            SaslAuthenticate = 36 [0-2] flexible 2 => sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
            CreatePartitions = 37 [0-3] flexible 2 => create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
            DeleteGroups = 42 [0-3] flexible 2 => delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
            ElectLeaders = 43 [0-2] flexible 2 => elect_leaders::{ElectLeadersRequest, ElectLeadersResponse};
            IncrementalAlterConfigs = 44 [0-1] flexible 1 => incremental_alter_configs::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
            AlterPartitionReassignments = 45 [0-1] flexible 0 => alter_partition_reassignments::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};
            ListPartitionReassignments = 46 [0-0] flexible 0 => list_partition_reassignments::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};
            OffsetDelete = 47 [0-0] flexible never => offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
            DescribeClientQuotas = 48 [0-1] flexible 1 => describe_client_quotas::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
            AlterClientQuotas = 49 [0-1] flexible 1 => alter_client_quotas::{AlterClientQuotasRequest, AlterClientQuotasResponse};
            DescribeUserScramCredentials = 50 [0-0] flexible 0 => describe_user_scram_credentials::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};
            AlterUserScramCredentials = 51 [0-0] flexible 0 => alter_user_scram_credentials::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};
            DescribeQuorum = 55 [0-2] flexible 0 => describe_quorum::{DescribeQuorumRequest, DescribeQuorumResponse};
            DescribeCluster = 60 [0-2] flexible 0 => describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
            DescribeProducers = 61 [0-0] flexible 0 => describe_producers::{DescribeProducersRequest, DescribeProducersResponse};
            UnregisterBroker = 64 [0-0] flexible 0 => unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};
            DescribeTransactions = 65 [0-0] flexible 0 => describe_transactions::{DescribeTransactionsRequest, DescribeTransactionsResponse};
            ListTransactions = 66 [0-2] flexible 0 => list_transactions::{ListTransactionsRequest, ListTransactionsResponse};
            ListConfigResources = 74 [0-1] flexible 0 => list_config_resources::{ListConfigResourcesRequest, ListConfigResourcesResponse};
            DescribeTopicPartitions = 75 [0-0] flexible 0 => describe_topic_partitions::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
            AddRaftVoter = 80 [0-1] flexible 0 => add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse};
            RemoveRaftVoter = 81 [0-0] flexible 0 => remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
        }
    };
}
