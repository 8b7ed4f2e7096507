//! One file per API: its schema, and helpers that need nothing but values.

pub mod api_versions;
pub mod create_topics;
pub mod delete_topics;
pub mod fetch;
pub mod find_coordinator;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod offset_for_leader_epoch;
pub mod produce;

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
    if !M::API.versions().contains(version) {
        return Err(input.error(DecodeProblem::UnsupportedVersion { api: M::API, version }));
    }
    let message = M::decode(&mut input, format::<M>(version))?;
    input.finish()?;
    Ok(message)
}

/// Encodes a body without header; large records are shared, not copied.
pub fn encode<M: Message>(message: &M, version: i16) -> Result<Segments, EncodeError> {
    encode_into(Encoder::sharing(BytesMut::new()), message, version)
}

/// Encodes a body without header into one buffer.
pub fn to_bytes<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    encode_into(Encoder::copying(BytesMut::new()), message, version).map(Segments::into_bytes)
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
        $name:ident = $key:literal [$min:literal - $max:literal] flexible $flexible:literal
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
            /// Decodes the body of a request to `api` in `version`.
            pub fn decode(api: ApiKey, version: i16, body: &Bytes) -> Result<Self, DecodeError> {
                match api {
                    $(ApiKey::$name => decode(body, version).map(Self::$name),)*
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
