//! One file per API: its schema, and helpers that need nothing but values.
//!
//! Names, versions and the descriptions of fields are those of Apache Kafka's message schemas (Apache License 2.0).

pub mod add_offsets_to_txn;
pub mod add_partitions_to_txn;
pub mod add_raft_voter;
pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_user_scram_credentials;
pub mod api_versions;
pub mod create_acls;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_acls;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_acls;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod describe_transactions;
pub mod describe_user_scram_credentials;
pub mod elect_leaders;
pub mod end_txn;
pub mod fetch;
pub mod find_coordinator;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod list_transactions;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod remove_raft_voter;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod sync_group;
pub mod txn_offset_commit;
pub mod unregister_broker;

use bytes::{Bytes, BytesMut};

use crate::api_key::ApiKey;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::{DecodeError, DecodeProblem, EncodeError, EncodeProblem};
use crate::sample::Source;
use crate::segments::Segments;
use crate::wire::{Format, Wire};

/// A whole request or response body.
pub trait Message: Wire + Default {
    /// The API it belongs to.
    const API: ApiKey;
}

/// A request body.
pub trait Request: Message {
    /// What answers it.
    type Response: Response;
}

/// A response body.
pub trait Response: Message {}

/// Decodes a whole body. It shares the memory of `body`, and keeps it alive.
pub fn decode<M: Message>(body: &Bytes, version: i16) -> Result<M, DecodeError> {
    let mut input = Decoder::new(body);
    let message = decode_from(&mut input, version)?;
    input.finish()?;
    Ok(message)
}

/// As a server decodes what clients send: with the bytes of heap that the message takes beside `body`, which it charges to its budget, and without
/// minding bytes behind the message. Kafka ignores them, and librdkafka 2.x sends three with every Metadata request of version 9 or later for all topics.
pub fn decode_lenient<M: Message>(body: &Bytes, version: i16) -> Result<(M, usize), DecodeError> {
    let mut input = Decoder::new(body);
    let message = decode_from(&mut input, version)?;
    Ok((message, input.heap_bytes()))
}

fn decode_from<M: Message>(input: &mut Decoder<'_>, version: i16) -> Result<M, DecodeError> {
    if !M::API.versions().contains(version) {
        return Err(input.error(DecodeProblem::UnsupportedVersion { api: M::API, version }));
    }
    M::decode(input, format::<M>(version))
}

/// Encodes a body without header; large records are shared, not copied.
pub fn encode<M: Message>(message: &M, version: i16) -> Result<Segments, EncodeError> {
    encode_into(Encoder::sharing(BytesMut::new()), message, version)
}

/// Encodes a body without header into one buffer.
pub fn to_bytes<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    encode_into(Encoder::copying(BytesMut::new()), message, version).map(Segments::into_bytes)
}

/// Upper bound of the heap bytes that decoding takes for each byte of input: a computed certificate.
#[must_use]
pub fn heap_per_byte<M: Message>(version: i16) -> usize {
    M::heap_per_byte(format::<M>(version))
}

/// A pseudo-random message that `version` can express.
pub fn sample<M: Message>(source: &mut Source, version: i16) -> M {
    M::sample(source, format::<M>(version))
}

fn encode_into<M: Message>(mut out: Encoder, message: &M, version: i16) -> Result<Segments, EncodeError> {
    check_version::<M>(version)?;
    message.encode(&mut out, format::<M>(version));
    out.finish()
}

pub(crate) fn format<M: Message>(version: i16) -> Format {
    Format::new(version, M::API.is_flexible(version))
}

pub(crate) fn check_version<M: Message>(version: i16) -> Result<(), EncodeError> {
    if M::API.versions().contains(version) {
        return Ok(());
    }
    Err(EncodeError { field: "", problem: EncodeProblem::UnsupportedVersion { api: M::API, version } })
}

macro_rules! define_bodies {
    ($(
        $name:ident = $key:literal [$min:literal - $max:literal] flexible $flexible:tt
            => $module:ident::{$request:ident, $response:ident};
    )*) => {
        $(
            pub use $module::{$request, $response};

            impl Message for $request {
                const API: ApiKey = ApiKey::$name;
            }

            impl Message for $response {
                const API: ApiKey = ApiKey::$name;
            }

            impl Request for $request {
                type Response = $response;
            }

            impl Response for $response {}
        )*

        /// The body of any request.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "the names are Kafka's")]
        pub enum RequestBody {
            $($name($request),)*
        }

        impl RequestBody {
            /// Decodes the body of a request to `api` in `version`, as [`decode_lenient`] does.
            pub fn decode(api: ApiKey, version: i16, body: &Bytes) -> Result<Self, DecodeError> {
                Self::decode_measured(api, version, body).map(|(request, _)| request)
            }

            /// As [`RequestBody::decode`], with the bytes of heap that the request takes beside `body`.
            pub fn decode_measured(api: ApiKey, version: i16, body: &Bytes) -> Result<(Self, usize), DecodeError> {
                match api {
                    $(ApiKey::$name => decode_lenient(body, version).map(|(body, heap)| (Self::$name(body), heap)),)*
                }
            }

            /// The API it belongs to.
            #[must_use]
            pub fn api(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }
        }

        /// The body of any response.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "the names are Kafka's")]
        pub enum ResponseBody {
            $($name($response),)*
        }

        impl ResponseBody {
            /// Decodes the body of a response from `api` in `version`.
            pub fn decode(api: ApiKey, version: i16, body: &Bytes) -> Result<Self, DecodeError> {
                match api {
                    $(ApiKey::$name => decode(body, version).map(Self::$name),)*
                }
            }

            /// The whole response as it goes on the socket.
            pub fn frame(&self, correlation_id: i32, version: i16) -> Result<Segments, EncodeError> {
                match self {
                    $(Self::$name(body) => crate::frame::response(correlation_id, version, body),)*
                }
            }

            /// The API it belongs to.
            #[must_use]
            pub fn api(&self) -> ApiKey {
                match self {
                    $(Self::$name(_) => ApiKey::$name,)*
                }
            }
        }

        $(
            impl From<$request> for RequestBody {
                fn from(body: $request) -> Self {
                    Self::$name(body)
                }
            }

            impl From<$response> for ResponseBody {
                fn from(body: $response) -> Self {
                    Self::$name(body)
                }
            }
        )*
    };
}

with_apis!(define_bodies);
