//! Kafka's error codes, under Kafka's names (protocol guide, "Error Codes"; `Errors.java` of Kafka 4.1).

use std::fmt;

/// An error code on the wire. Open: a code that is not in the table is kept as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ErrorCode(pub i16);

/// One row of the table.
struct Row {
    code: i16,
    name: &'static str,
    retriable: bool,
    message: &'static str,
}

macro_rules! is_retriable {
    (retriable) => {
        true
    };
    (final) => {
        false
    };
}

macro_rules! error_codes {
    ($($name:ident = $code:literal $retriable:tt $message:literal;)*) => {
        impl ErrorCode {
            $(#[doc = $message] pub const $name: Self = Self($code);)*

            /// Every code of the table, ascending.
            pub const ALL: &[Self] = &[$(Self($code),)*];
        }

        const TABLE: &[Row] = &[$(
            Row { code: $code, name: stringify!($name), retriable: is_retriable!($retriable), message: $message },
        )*];
    };
}

impl ErrorCode {
    /// Kafka's name; `None` for a code that is not in the table.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// Whether Kafka's clients repeat the request on their own.
    #[must_use]
    pub fn is_retriable(self) -> bool {
        self.row().is_some_and(|row| row.retriable)
    }

    /// What the code means, in a sentence for people.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.row().map_or("Unknown error code", |row| row.message)
    }

    /// Whether this is [`ErrorCode::NONE`].
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    fn row(self) -> Option<&'static Row> {
        // The codes are -1, 0, 1 ... without a gap, as a test below says.
        let row = TABLE.get(usize::try_from(self.0.checked_add(1)?).ok()?)?;
        (row.code == self.0).then_some(row)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "error code {}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name().unwrap_or("UNKNOWN"), self.0)
    }
}

error_codes! {
    UNKNOWN_SERVER_ERROR = -1 final "The server experienced an unexpected error when processing the request";
    NONE = 0 final "No error";
    OFFSET_OUT_OF_RANGE = 1 final "The requested offset is not within the range of offsets maintained by the server";
    CORRUPT_MESSAGE = 2 retriable "This message has failed its CRC checksum, exceeds the valid size, has a null key for a compacted topic, or is otherwise corrupt";
    UNKNOWN_TOPIC_OR_PARTITION = 3 retriable "This server does not host this topic-partition";
    INVALID_FETCH_SIZE = 4 final "The requested fetch size is invalid";
    LEADER_NOT_AVAILABLE = 5 retriable "There is no leader for this topic-partition as we are in the middle of a leadership election";
    NOT_LEADER_OR_FOLLOWER = 6 retriable "For requests intended only for the leader, this error indicates that the broker is not the current leader";
    REQUEST_TIMED_OUT = 7 retriable "The request timed out";
    BROKER_NOT_AVAILABLE = 8 final "The broker is not available";
    REPLICA_NOT_AVAILABLE = 9 retriable "The replica is not available for the requested topic-partition";
    MESSAGE_TOO_LARGE = 10 final "The request included a message larger than the max message size the server will accept";
    STALE_CONTROLLER_EPOCH = 11 final "The controller moved to another broker";
    OFFSET_METADATA_TOO_LARGE = 12 final "The metadata field of the offset request was too large";
    NETWORK_EXCEPTION = 13 retriable "The server disconnected before a response was received";
    COORDINATOR_LOAD_IN_PROGRESS = 14 retriable "The coordinator is loading and hence can't process requests";
    COORDINATOR_NOT_AVAILABLE = 15 retriable "The coordinator is not available";
    NOT_COORDINATOR = 16 retriable "This is not the correct coordinator";
    INVALID_TOPIC_EXCEPTION = 17 final "The request attempted to perform an operation on an invalid topic";
    RECORD_LIST_TOO_LARGE = 18 final "The request included message batch larger than the configured segment size on the server";
    NOT_ENOUGH_REPLICAS = 19 retriable "Messages are rejected since there are fewer in-sync replicas than required";
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20 retriable "Messages are written to the log, but to fewer in-sync replicas than required";
    INVALID_REQUIRED_ACKS = 21 final "Produce request specified an invalid value for required acks";
    ILLEGAL_GENERATION = 22 final "Specified group generation id is not valid";
    INCONSISTENT_GROUP_PROTOCOL = 23 final "The group member's supported protocols are incompatible with those of existing members or first group member tried to join with empty protocol type or empty protocol list";
    INVALID_GROUP_ID = 24 final "The configured groupId is invalid";
    UNKNOWN_MEMBER_ID = 25 final "The coordinator is not aware of this member";
    INVALID_SESSION_TIMEOUT = 26 final "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms)";
    REBALANCE_IN_PROGRESS = 27 final "The group is rebalancing, so a rejoin is needed";
    INVALID_COMMIT_OFFSET_SIZE = 28 final "The committing offset data size is not valid";
    TOPIC_AUTHORIZATION_FAILED = 29 final "Topic authorization failed";
    GROUP_AUTHORIZATION_FAILED = 30 final "Group authorization failed";
    CLUSTER_AUTHORIZATION_FAILED = 31 final "Cluster authorization failed";
    INVALID_TIMESTAMP = 32 final "The timestamp of the message is out of acceptable range";
    UNSUPPORTED_SASL_MECHANISM = 33 final "The broker does not support the requested SASL mechanism";
    ILLEGAL_SASL_STATE = 34 final "Request is not valid given the current SASL state";
    UNSUPPORTED_VERSION = 35 final "The version of API is not supported";
    TOPIC_ALREADY_EXISTS = 36 final "Topic with this name already exists";
    INVALID_PARTITIONS = 37 final "Number of partitions is below 1";
    INVALID_REPLICATION_FACTOR = 38 final "Replication factor is below 1 or larger than the number of available brokers";
    INVALID_REPLICA_ASSIGNMENT = 39 final "Replica assignment is invalid";
    INVALID_CONFIG = 40 final "Configuration is invalid";
    NOT_CONTROLLER = 41 retriable "This is not the correct controller for this cluster";
    INVALID_REQUEST = 42 final "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker";
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43 final "The message format version on the broker does not support the request";
    POLICY_VIOLATION = 44 final "Request parameters do not satisfy the configured policy";
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45 final "The broker received an out of order sequence number";
    DUPLICATE_SEQUENCE_NUMBER = 46 final "The broker received a duplicate sequence number";
    INVALID_PRODUCER_EPOCH = 47 final "Producer attempted to produce with an old epoch";
    INVALID_TXN_STATE = 48 final "The producer attempted a transactional operation in an invalid state";
    INVALID_PRODUCER_ID_MAPPING = 49 final "The producer attempted to use a producer id which is not currently assigned to its transactional id";
    INVALID_TRANSACTION_TIMEOUT = 50 final "The transaction timeout is larger than the maximum value allowed by the broker (as configured by transaction.max.timeout.ms)";
    CONCURRENT_TRANSACTIONS = 51 final "The producer attempted to update a transaction while another concurrent operation on the same transaction was ongoing";
    TRANSACTION_COORDINATOR_FENCED = 52 final "Indicates that the transaction coordinator sending a WriteTxnMarker is no longer the current coordinator for a given producer";
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53 final "Transactional Id authorization failed";
    SECURITY_DISABLED = 54 final "Security features are disabled";
    OPERATION_NOT_ATTEMPTED = 55 final "The broker did not attempt to execute this operation";
    KAFKA_STORAGE_ERROR = 56 retriable "Disk error when trying to access log file on the disk";
    LOG_DIR_NOT_FOUND = 57 final "The user-specified log directory is not found in the broker config";
    SASL_AUTHENTICATION_FAILED = 58 final "SASL Authentication failed";
    UNKNOWN_PRODUCER_ID = 59 final "This exception is raised by the broker if it could not locate the producer metadata associated with the producerId in question";
    REASSIGNMENT_IN_PROGRESS = 60 final "A partition reassignment is in progress";
    DELEGATION_TOKEN_AUTH_DISABLED = 61 final "Delegation Token feature is not enabled";
    DELEGATION_TOKEN_NOT_FOUND = 62 final "Delegation Token is not found on server";
    DELEGATION_TOKEN_OWNER_MISMATCH = 63 final "Specified Principal is not valid Owner/Renewer";
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64 final "Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels";
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65 final "Delegation Token authorization failed";
    DELEGATION_TOKEN_EXPIRED = 66 final "Delegation Token is expired";
    INVALID_PRINCIPAL_TYPE = 67 final "Supplied principalType is not supported";
    NON_EMPTY_GROUP = 68 final "The group is not empty";
    GROUP_ID_NOT_FOUND = 69 final "The group id does not exist";
    FETCH_SESSION_ID_NOT_FOUND = 70 retriable "The fetch session ID was not found";
    INVALID_FETCH_SESSION_EPOCH = 71 retriable "The fetch session epoch is invalid";
    LISTENER_NOT_FOUND = 72 retriable "There is no listener on the leader broker that matches the listener on which metadata request was processed";
    TOPIC_DELETION_DISABLED = 73 final "Topic deletion is disabled";
    FENCED_LEADER_EPOCH = 74 retriable "The leader epoch in the request is older than the epoch on the broker";
    UNKNOWN_LEADER_EPOCH = 75 retriable "The leader epoch in the request is newer than the epoch on the broker";
    UNSUPPORTED_COMPRESSION_TYPE = 76 final "The requesting client does not support the compression type of given partition";
    STALE_BROKER_EPOCH = 77 final "Broker epoch has changed";
    OFFSET_NOT_AVAILABLE = 78 retriable "The leader high watermark has not caught up from a recent leader election so the offsets cannot be guaranteed to be monotonically increasing";
    MEMBER_ID_REQUIRED = 79 final "The group member needs to have a valid member id before actually entering a consumer group";
    PREFERRED_LEADER_NOT_AVAILABLE = 80 retriable "The preferred leader was not available";
    GROUP_MAX_SIZE_REACHED = 81 final "The consumer group has reached its max size";
    FENCED_INSTANCE_ID = 82 final "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id";
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83 retriable "Eligible topic partition leaders are not available";
    ELECTION_NOT_NEEDED = 84 retriable "Leader election not needed for topic partition";
    NO_REASSIGNMENT_IN_PROGRESS = 85 final "No partition reassignment is in progress";
    GROUP_SUBSCRIBED_TO_TOPIC = 86 final "Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it";
    INVALID_RECORD = 87 final "This record has failed the validation on broker and hence will be rejected";
    UNSTABLE_OFFSET_COMMIT = 88 retriable "There are unstable offsets that need to be cleared";
    THROTTLING_QUOTA_EXCEEDED = 89 retriable "The throttling quota has been exceeded";
    PRODUCER_FENCED = 90 final "There is a newer producer with the same transactionalId which fences the current one";
    RESOURCE_NOT_FOUND = 91 final "A request illegally referred to a resource that does not exist";
    DUPLICATE_RESOURCE = 92 final "A request illegally referred to the same resource twice";
    UNACCEPTABLE_CREDENTIAL = 93 final "Requested credential would not meet criteria for acceptability";
    INCONSISTENT_VOTER_SET = 94 final "Indicates that the either the sender or recipient of a voter-only request is not one of the expected voters";
    INVALID_UPDATE_VERSION = 95 final "The given update version was invalid";
    FEATURE_UPDATE_FAILED = 96 final "Unable to update finalized features due to an unexpected server error";
    PRINCIPAL_DESERIALIZATION_FAILURE = 97 final "Request principal deserialization failed during forwarding";
    SNAPSHOT_NOT_FOUND = 98 final "Requested snapshot was not found";
    POSITION_OUT_OF_RANGE = 99 final "Requested position is not greater than or equal to zero, and less than the size of the snapshot";
    UNKNOWN_TOPIC_ID = 100 retriable "This server does not host this topic ID";
    DUPLICATE_BROKER_REGISTRATION = 101 final "This broker ID is already in use";
    BROKER_ID_NOT_REGISTERED = 102 final "The given broker ID was not registered";
    INCONSISTENT_TOPIC_ID = 103 retriable "The log's topic ID did not match the topic ID in the request";
    INCONSISTENT_CLUSTER_ID = 104 final "The clusterId in the request does not match that found on the server";
    TRANSACTIONAL_ID_NOT_FOUND = 105 final "The transactionalId could not be found";
    FETCH_SESSION_TOPIC_ID_ERROR = 106 retriable "The fetch session encountered inconsistent topic ID usage";
    INELIGIBLE_REPLICA = 107 final "The new ISR contains at least one ineligible replica";
    NEW_LEADER_ELECTED = 108 final "The AlterPartition request successfully updated the partition state but the leader has changed";
    OFFSET_MOVED_TO_TIERED_STORAGE = 109 final "The requested offset is moved to tiered storage";
    FENCED_MEMBER_EPOCH = 110 final "The member epoch is fenced by the group coordinator";
    UNRELEASED_INSTANCE_ID = 111 final "The instance ID is still used by another member in the consumer group";
    UNSUPPORTED_ASSIGNOR = 112 final "The assignor or its version range is not supported by the consumer group";
    STALE_MEMBER_EPOCH = 113 final "The member epoch is stale";
    MISMATCHED_ENDPOINT_TYPE = 114 final "The request was sent to an endpoint of the wrong type";
    UNSUPPORTED_ENDPOINT_TYPE = 115 final "This endpoint type is not supported yet";
    UNKNOWN_CONTROLLER_ID = 116 final "This controller ID is not known";
    UNKNOWN_SUBSCRIPTION_ID = 117 final "Client sent a push telemetry request with an invalid or outdated subscription ID";
    TELEMETRY_TOO_LARGE = 118 final "Client sent a push telemetry request larger than the maximum size the broker will accept";
    INVALID_REGISTRATION = 119 final "The controller has considered the broker registration to be invalid";
    TRANSACTION_ABORTABLE = 120 final "The server encountered an error with the transaction";
    INVALID_RECORD_STATE = 121 final "The record state is invalid";
    SHARE_SESSION_NOT_FOUND = 122 retriable "The share session was not found";
    INVALID_SHARE_SESSION_EPOCH = 123 retriable "The share session epoch is invalid";
    FENCED_STATE_EPOCH = 124 final "The share coordinator rejected the request because the share-group state epoch did not match";
    INVALID_VOTER_KEY = 125 final "The voter key doesn't match the receiving replica's key";
    DUPLICATE_VOTER = 126 final "The voter is already part of the set of voters";
    VOTER_NOT_FOUND = 127 final "The voter is not part of the set of voters";
    INVALID_REGULAR_EXPRESSION = 128 final "The regular expression is not valid";
    REBOOTSTRAP_REQUIRED = 129 final "Client metadata is stale, client should rebootstrap to obtain new metadata";
    STREAMS_INVALID_TOPOLOGY = 130 final "The supplied topology is invalid";
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131 final "The supplied topology epoch is invalid";
    STREAMS_TOPOLOGY_FENCED = 132 final "The supplied topology epoch is outdated";
    SHARE_SESSION_LIMIT_REACHED = 133 retriable "The limit of share sessions has been reached";
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::ResponseError;

    #[test]
    fn the_table_has_no_gap() {
        let codes = ErrorCode::ALL.iter().map(|code| i32::from(code.0));
        assert!(codes.eq(-1..=133));
    }

    #[test]
    fn names_and_retriability_are_those_of_the_oracle() {
        for &code in ErrorCode::ALL {
            let Some(theirs) = ResponseError::try_from_code(code.0) else {
                assert_eq!(code, ErrorCode::NONE);
                continue;
            };
            let name = code.name().unwrap().replace('_', "").to_lowercase();
            assert_eq!(name, format!("{theirs:?}").to_lowercase());
            assert_eq!(code.is_retriable(), theirs.is_retriable(), "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_kept() {
        assert_eq!(ErrorCode(9999).name(), None);
        assert_eq!(ErrorCode(i16::MAX).to_string(), "error code 32767");
        assert!(!ErrorCode(i16::MIN).is_retriable());
        assert_eq!(format!("{:?}", ErrorCode::KAFKA_STORAGE_ERROR), "KAFKA_STORAGE_ERROR(56)");
    }
}
