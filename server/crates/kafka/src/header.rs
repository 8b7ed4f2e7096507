//! What stands before the body in every frame.

use bytes::Bytes;

use crate::api_key::ApiKey;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::{DecodeError, DecodeProblem};
use crate::string::Str;
use crate::wire::{Format, Wire};

/// The header of a request, version 1 or 2 by API and API version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// The API.
    pub api: ApiKey,
    /// Version of the API; not checked against the served range, because ApiVersions answers any version (KIP-511).
    pub version: i16,
    /// Chosen by the client, repeated in the response.
    pub correlation_id: i32,
    /// Name of the client, for logs and quotas.
    pub client_id: Option<Str>,
}

/// `client_id` has a two-byte length in every version: it was never made compact (KIP-482).
const CLIENT_ID: Format = Format::new(0, false).nullable(true);

impl RequestHeader {
    /// Takes the header off the front of a request frame; what is left of `frame` is the body.
    ///
    /// An API that is not in the table is an error: how its header goes on is not known.
    pub fn decode(frame: &mut Bytes) -> Result<Self, DecodeError> {
        let mut input = Decoder::new(frame);
        let header = Self::decode_from(&mut input)?;
        let used = input.position();
        let _ = frame.split_to(used);
        Ok(header)
    }

    fn decode_from(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let number = Format::new(0, false);
        let inside = |field| move |error: DecodeError| error.inside(field);
        let key = i16::decode(input, number).map_err(inside("request_api_key"))?;
        let version = i16::decode(input, number).map_err(inside("request_api_version"))?;
        let Some(api) = ApiKey::from_code(key) else {
            return Err(input.error(DecodeProblem::UnknownApi { key, version }));
        };
        let correlation_id = i32::decode(input, number).map_err(inside("correlation_id"))?;
        let client_id = Option::<Str>::decode(input, CLIENT_ID).map_err(inside("client_id"))?;
        if api.is_flexible(version) {
            input.tagged_fields(|_, _| Ok(false)).map_err(inside("request header"))?;
        }
        Ok(Self { api, version, correlation_id, client_id })
    }

    /// Appends the header.
    pub fn encode(&self, out: &mut Encoder) {
        out.at("RequestHeader.client_id");
        out.put(self.api.code().to_be_bytes());
        out.put(self.version.to_be_bytes());
        out.put(self.correlation_id.to_be_bytes());
        self.client_id.encode(out, CLIENT_ID);
        if self.api.is_flexible(self.version) {
            out.varint(0);
        }
    }
}

/// The header of a response, version 0 or 1 by API and API version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseHeader {
    /// That of the request.
    pub correlation_id: i32,
}

impl ResponseHeader {
    /// Takes the header of a response to `api` in `version` off the front of a frame; what is left is the body.
    pub fn decode(frame: &mut Bytes, api: ApiKey, version: i16) -> Result<Self, DecodeError> {
        let mut input = Decoder::new(frame);
        let correlation_id =
            i32::decode(&mut input, Format::new(0, false)).map_err(|error| error.inside("correlation_id"))?;
        if api.response_header_version(version) == 1 {
            input.tagged_fields(|_, _| Ok(false)).map_err(|error| error.inside("response header"))?;
        }
        let used = input.position();
        let _ = frame.split_to(used);
        Ok(Self { correlation_id })
    }

    /// Appends the header.
    pub fn encode(self, out: &mut Encoder, api: ApiKey, version: i16) {
        out.put(self.correlation_id.to_be_bytes());
        if api.response_header_version(version) == 1 {
            out.varint(0);
        }
    }
}
