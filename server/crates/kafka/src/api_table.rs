//! The table of APIs: what the codec can read and write. `ApiKey`, `RequestBody`, `ResponseBody` and the tests are
//! generated from it, so that an API or a version cannot be forgotten in one of them.
//!
//! An API is one file in `message/` and one row here.

/// Hands the table to the macro `$with`. A row is: name, key, versions, first flexible version (KIP-482), messages.
///
/// Versions are the stable ones of Kafka 4.1.
#[doc(hidden)]
#[macro_export]
macro_rules! with_apis {
    ($with:ident) => {
        $with! {
            Produce = 0 [3-13] flexible 9 => produce::{ProduceRequest, ProduceResponse};
            Fetch = 1 [4-18] flexible 12 => fetch::{FetchRequest, FetchResponse};
            ListOffsets = 2 [1-10] flexible 6 => list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
            Metadata = 3 [0-13] flexible 9 => metadata::{MetadataRequest, MetadataResponse};
            FindCoordinator = 10 [0-6] flexible 3 => find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
            ApiVersions = 18 [0-4] flexible 3 => api_versions::{ApiVersionsRequest, ApiVersionsResponse};
            CreateTopics = 19 [2-7] flexible 5 => create_topics::{CreateTopicsRequest, CreateTopicsResponse};
            DeleteTopics = 20 [1-6] flexible 4 => delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
            InitProducerId = 22 [0-5] flexible 2 => init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
            OffsetForLeaderEpoch = 23 [2-4] flexible 4 => offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
        }
    };
}
