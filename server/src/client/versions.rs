//! Which version of an API is spoken: the newest that both sides have.

use std::collections::BTreeMap;

use chronik_kafka::message::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use chronik_kafka::{ApiKey, ErrorCode, Str, VersionRange, message};

use super::{ClientError, Connection};
use crate::config::HostPort;

/// Newest version of an API in which topics are named; later ones want their ids, which this client does without.
fn newest(api: ApiKey) -> i16 {
    match api {
        ApiKey::Produce | ApiKey::Fetch => 12,
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => 9,
        _ => api.versions().max,
    }
}

/// The server's versions, by API key.
#[derive(Debug)]
pub(super) struct Versions(BTreeMap<i16, VersionRange>);

impl Versions {
    /// Before the server was asked.
    pub(super) fn unknown() -> Self {
        Self(BTreeMap::new())
    }

    fn read(response: &ApiVersionsResponse) -> Self {
        let range = |min, max| VersionRange { min, max };
        Self(
            response
                .api_keys
                .iter()
                .map(|api| (api.api_key, range(api.min_version, api.max_version)))
                .collect(),
        )
    }

    pub(super) fn choose(&self, api: ApiKey, address: &HostPort) -> Result<i16, ClientError> {
        let (ours, theirs) = (api.versions(), self.0.get(&api.code()));
        let best = newest(api).min(theirs.map_or(i16::MIN, |range| range.max));
        match theirs {
            Some(theirs) if best >= ours.min && best >= theirs.min => Ok(best),
            _ => Err(ClientError::NoCommonVersion {
                address: address.clone(),
                api,
                theirs: theirs.map_or_else(|| "none".to_owned(), ToString::to_string),
                ours: ours.to_string(),
            }),
        }
    }
}

/// Asks in our newest version; a server that does not know it answers in version 0 with what it knows (KIP-511).
pub(super) async fn negotiate(connection: &Connection) -> Result<Versions, ClientError> {
    let mut version = ApiKey::ApiVersions.versions().max;
    loop {
        let body = connection.submit(request(), version).await?.body().await?;
        let refused = body.first_chunk().map(|code| ErrorCode(i16::from_be_bytes(*code)))
            == Some(ErrorCode::UNSUPPORTED_VERSION);
        let spoken = if refused { 0 } else { version };
        let response: ApiVersionsResponse = message::decode(&body, spoken)
            .map_err(|error| ClientError::undecodable(connection.address(), ApiKey::ApiVersions, &error))?;
        if !refused {
            ClientError::check(|| "asking for versions".to_owned(), response.error_code, None)?;
            return Ok(Versions::read(&response));
        }
        let next = Versions::read(&response).choose(ApiKey::ApiVersions, connection.address()).unwrap_or(0);
        if next >= version {
            ClientError::check(|| "asking for versions".to_owned(), response.error_code, None)?;
        }
        version = next;
    }
}

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: Str::from_static("chronik"),
        client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
        ..Default::default()
    }
}
