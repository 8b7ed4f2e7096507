//! The first error that an answer carries: what metrics count a request as.

use chronik_kafka::ErrorCode;
use chronik_kafka::message::ResponseBody;

use super::{administration, groups};

/// `NONE` when there is no error anywhere in it.
pub(super) fn first_error(response: &ResponseBody) -> ErrorCode {
    match response {
        ResponseBody::ApiVersions(response) => response.error_code,
        ResponseBody::InitProducerId(response) => response.error_code,
        ResponseBody::Metadata(response) => first(response.topics.iter().map(|topic| topic.error_code)),
        ResponseBody::CreateTopics(response) => first(response.topics.iter().map(|topic| topic.error_code)),
        ResponseBody::DeleteTopics(response) => {
            first(response.responses.iter().map(|topic| topic.error_code))
        }
        ResponseBody::FindCoordinator(response) => {
            let each = response.coordinators.iter().map(|coordinator| coordinator.error_code);
            first(std::iter::once(response.error_code).chain(each))
        }
        ResponseBody::Produce(response) => first(
            response.responses.iter().flat_map(|topic| &topic.partition_responses).map(|p| p.error_code),
        ),
        ResponseBody::Fetch(response) => {
            let each = response.responses.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code);
            first(std::iter::once(response.error_code).chain(each))
        }
        ResponseBody::ListOffsets(response) => {
            first(response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code))
        }
        ResponseBody::OffsetForLeaderEpoch(response) => {
            first(response.topics.iter().flat_map(|topic| &topic.partitions).map(|p| p.error_code))
        }
        other => first(groups::errors(other).into_iter().chain(administration::errors(other))),
    }
}

fn first(mut errors: impl Iterator<Item = ErrorCode>) -> ErrorCode {
    errors.find(|error| !error.is_none()).unwrap_or(ErrorCode::NONE)
}
