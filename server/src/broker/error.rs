//! Our errors as Kafka's codes: the only place where one becomes the other.

use chronik_kafka::record_batch::BatchError;
use chronik_kafka::{ErrorCode, Str};
use chronik_log::{OpError, ReadError};

use crate::cluster::node_settings::BrokerConfigError;
use crate::cluster::topic_config::TopicConfigError;
use crate::cluster::{MembershipError, ProposeError, Refusal};
use crate::storage::StorageError;

/// Why something is not done: a code, and a sentence.
pub(super) type Refused = (ErrorCode, String);

/// Code and message as they stand in an answer.
pub(super) fn split<T>(outcome: Result<T, Refused>) -> (ErrorCode, Option<Str>) {
    match outcome {
        Ok(_) => (ErrorCode::NONE, None),
        Err((code, message)) => (code, Some(message.into())),
    }
}

/// A refused proposal about a topic that was named: whoever does not know ids has no error for them.
pub(super) fn of_named_topic(error: &ProposeError) -> Refused {
    let code = match error {
        ProposeError::Refused(Refusal::UnknownTopic(_)) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        other => other.code(),
    };
    (code, error.to_string())
}

/// Kafka's code for an error of ours.
pub(super) trait KafkaError {
    /// The code.
    fn code(&self) -> ErrorCode;
}

impl KafkaError for StorageError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Op(error) => error.code(),
            // Clients try again elsewhere, or here after the restart.
            Self::Closed | Self::Deposed => ErrorCode::NOT_LEADER_OR_FOLLOWER,
            Self::Dead => ErrorCode::KAFKA_STORAGE_ERROR,
        }
    }
}

impl KafkaError for OpError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownPartition => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            Self::AlreadyExists => ErrorCode::TOPIC_ALREADY_EXISTS,
            Self::Offline(_) | Self::StorageFull | Self::MetadataFull { .. } => {
                ErrorCode::KAFKA_STORAGE_ERROR
            }
            Self::MessageTooLarge { .. } => ErrorCode::MESSAGE_TOO_LARGE,
            Self::RecordListTooLarge { .. } | Self::MetadataTooLarge { .. } => {
                ErrorCode::RECORD_LIST_TOO_LARGE
            }
            Self::InvalidBatch(_) => ErrorCode::CORRUPT_MESSAGE,
            Self::OutOfOrderSequence { .. } => ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
            Self::InvalidProducerEpoch { .. } => ErrorCode::INVALID_PRODUCER_EPOCH,
            Self::FencedLeaderEpoch { .. } => ErrorCode::FENCED_LEADER_EPOCH,
            Self::OffsetOutOfRange { .. } => ErrorCode::OFFSET_OUT_OF_RANGE,
            Self::UnexpectedOffset { .. } | Self::CommitFirst => ErrorCode::UNKNOWN_SERVER_ERROR,
        }
    }
}

impl KafkaError for ReadError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::OffsetOutOfRange { .. } => ErrorCode::OFFSET_OUT_OF_RANGE,
            Self::Stale | Self::WouldBlock => ErrorCode::NOT_LEADER_OR_FOLLOWER,
            Self::Corrupt { .. } | Self::Io(_) => ErrorCode::KAFKA_STORAGE_ERROR,
        }
    }
}

impl KafkaError for BatchError {
    fn code(&self) -> ErrorCode {
        self.error_code()
    }
}

impl KafkaError for ProposeError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(Refusal::TopicExists(_)) => ErrorCode::TOPIC_ALREADY_EXISTS,
            Self::Refused(Refusal::UnknownTopic(_)) => ErrorCode::UNKNOWN_TOPIC_ID,
            Self::Refused(Refusal::PartitionsChanged(_) | Refusal::TooManyPartitions { .. }) => {
                ErrorCode::INVALID_PARTITIONS
            }
            Self::Refused(Refusal::Invalid(_) | Refusal::ConfigsChanged) => ErrorCode::INVALID_REQUEST,
            Self::Refused(Refusal::AlreadyNamed(_)) => ErrorCode::INCONSISTENT_CLUSTER_ID,
            Self::Refused(Refusal::UnknownBroker(_)) => ErrorCode::BROKER_ID_NOT_REGISTERED,
            Self::Refused(Refusal::StaleBrokerEpoch { .. }) => ErrorCode::STALE_BROKER_EPOCH,
            Self::Refused(Refusal::AnotherDirectory { .. }) => ErrorCode::DUPLICATE_VOTER,
            Self::Refused(Refusal::RemovedNode(_) | Refusal::UnknownNode(_)) => ErrorCode::VOTER_NOT_FOUND,
            Self::Storage(error) => error.code(),
            Self::TooLarge { .. } => ErrorCode::INVALID_REQUEST,
            Self::NotTaken { .. } => ErrorCode::UNSUPPORTED_VERSION,
            Self::NotController { .. } | Self::Closed => ErrorCode::NOT_CONTROLLER,
            Self::Unknown(_) => ErrorCode::REQUEST_TIMED_OUT,
        }
    }
}

impl KafkaError for MembershipError {
    /// Whoever does not lead has others asked, so that "not the controller" means that nobody led in time: the client is to try again.
    fn code(&self) -> ErrorCode {
        match self {
            Self::Propose(ProposeError::NotController { .. } | ProposeError::Closed)
            | Self::TimedOut(_)
            | Self::NotKnown(_) => ErrorCode::REQUEST_TIMED_OUT,
            Self::Propose(error) => error.code(),
        }
    }
}

impl KafkaError for TopicConfigError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Name { .. } => ErrorCode::INVALID_TOPIC_EXCEPTION,
            Self::UnknownKey { .. } | Self::Value { .. } | Self::Contradiction(_) => {
                ErrorCode::INVALID_CONFIG
            }
        }
    }
}

impl KafkaError for BrokerConfigError {
    fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownKey { .. } => ErrorCode::INVALID_CONFIG,
            // As Kafka has it (KAFKA-13609).
            Self::Static(_) | Self::Value { .. } | Self::Contradiction(_) => ErrorCode::INVALID_REQUEST,
        }
    }
}
