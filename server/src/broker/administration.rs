//! The APIs of administrators: dispatch, and what their answers count as.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::{RequestBody, ResponseBody};

use super::{
    Broker, add_raft_voter, alter_configs, alter_partition_reassignments, create_partitions, delete_records,
    describe_cluster, describe_configs, describe_log_dirs, describe_producers, describe_quorum,
    describe_topic_partitions, elect_leaders, incremental_alter_configs, list_config_resources,
    list_partition_reassignments, remove_raft_voter, unregister_broker,
};

/// Carries out a request of an administrator.
pub(super) async fn answer(broker: &Broker, request: RequestBody, version: i16) -> ResponseBody {
    match request {
        RequestBody::DeleteRecords(request) => delete_records::delete_records(broker, request).await.into(),
        RequestBody::DescribeConfigs(request) => {
            describe_configs::describe_configs(broker, request, version).into()
        }
        RequestBody::AlterConfigs(request) => alter_configs::alter_configs(broker, request).await.into(),
        RequestBody::IncrementalAlterConfigs(request) => {
            incremental_alter_configs::incremental_alter_configs(broker, request).await.into()
        }
        RequestBody::ListConfigResources(request) => {
            list_config_resources::list_config_resources(broker, &request, version).into()
        }
        RequestBody::CreatePartitions(request) => {
            create_partitions::create_partitions(broker, request).await.into()
        }
        RequestBody::DescribeCluster(request) => describe_cluster::describe_cluster(broker, &request).into(),
        RequestBody::DescribeLogDirs(request) => {
            describe_log_dirs::describe_log_dirs(broker, request).await.into()
        }
        RequestBody::DescribeProducers(request) => {
            describe_producers::describe_producers(broker, request).await.into()
        }
        RequestBody::DescribeTopicPartitions(request) => {
            describe_topic_partitions::describe_topic_partitions(broker, request).into()
        }
        RequestBody::ElectLeaders(request) => elect_leaders::elect_leaders(broker, request).await.into(),
        RequestBody::AlterPartitionReassignments(request) => {
            alter_partition_reassignments::alter_partition_reassignments(broker, request).await.into()
        }
        RequestBody::ListPartitionReassignments(request) => {
            list_partition_reassignments::list_partition_reassignments(&broker.controller.state(), request)
                .into()
        }
        RequestBody::DescribeQuorum(request) => {
            describe_quorum::describe_quorum(broker, request).await.into()
        }
        RequestBody::UnregisterBroker(request) => {
            unregister_broker::unregister_broker(broker, &request).await.into()
        }
        RequestBody::AddRaftVoter(request) => add_raft_voter::add_raft_voter(broker, request).await.into(),
        RequestBody::RemoveRaftVoter(request) => {
            remove_raft_voter::remove_raft_voter(broker, request).await.into()
        }
        other => unreachable!("{:?} is begun in another way, or not served", other.api()),
    }
}

/// The errors that an answer carries, in order.
pub(super) fn errors(response: &ResponseBody) -> Vec<ErrorCode> {
    match response {
        ResponseBody::DeleteRecords(response) => {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.error_code).collect()
        }
        ResponseBody::DescribeConfigs(response) => {
            response.results.iter().map(|result| result.error_code).collect()
        }
        ResponseBody::AlterConfigs(response) => response.responses.iter().map(|r| r.error_code).collect(),
        ResponseBody::IncrementalAlterConfigs(response) => {
            response.responses.iter().map(|r| r.error_code).collect()
        }
        ResponseBody::ListConfigResources(response) => vec![response.error_code],
        ResponseBody::CreatePartitions(response) => {
            response.results.iter().map(|result| result.error_code).collect()
        }
        ResponseBody::DescribeCluster(response) => vec![response.error_code],
        ResponseBody::DescribeLogDirs(response) => {
            let each = response.results.iter().map(|result| result.error_code);
            std::iter::once(response.error_code).chain(each).collect()
        }
        ResponseBody::DescribeProducers(response) => {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.error_code).collect()
        }
        ResponseBody::DescribeTopicPartitions(response) => {
            response.topics.iter().map(|topic| topic.error_code).collect()
        }
        ResponseBody::ElectLeaders(response) => {
            let each = response.replica_election_results.iter().flat_map(|topic| &topic.partition_result);
            std::iter::once(response.error_code).chain(each.map(|p| p.error_code)).collect()
        }
        ResponseBody::AlterPartitionReassignments(response) => {
            let each = response.responses.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
            std::iter::once(response.error_code).chain(each).collect()
        }
        ResponseBody::ListPartitionReassignments(response) => vec![response.error_code],
        ResponseBody::DescribeQuorum(response) => {
            let each = response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
            std::iter::once(response.error_code).chain(each).collect()
        }
        ResponseBody::UnregisterBroker(response) => vec![response.error_code],
        ResponseBody::AddRaftVoter(response) => vec![response.error_code],
        ResponseBody::RemoveRaftVoter(response) => vec![response.error_code],
        _ => Vec::new(),
    }
}
