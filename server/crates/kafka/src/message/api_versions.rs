//! ApiVersions (key 18).

use crate::{ApiKey, ErrorCode, Str};

message! {
    /// The first request on a connection. A version that the broker does not know is answered in version 0 (KIP-511).
    pub struct ApiVersionsRequest {
        /// The name of the client.
        client_software_name:    Str         [3+],
        /// The version of the client.
        client_software_version: Str         [3+],
        /// The cluster ID the client intends to connect to. Provide both ClusterId and NodeId, if known
        /// (KIP-1242).
        cluster_id:              Option<Str> [5+] null [5+],
        /// The node ID the client intends to connect to. Provide both ClusterId and NodeId, if known.
        node_id:                 i32         [5+] = -1,
    }

    /// What the broker can do.
    pub struct ApiVersionsResponse {
        /// The top-level error code.
        error_code:               ErrorCode                [0+],
        /// The APIs supported by the broker.
        api_keys:                 Vec<ApiVersion>          [0+],
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms:         i32                      [1+],
        /// Features supported by the broker. Note: in v0-v3, features with MinSupportedVersion = 0 are
        /// omitted.
        supported_features:       Vec<SupportedFeatureKey> [3+] tag 0,
        /// The monotonically increasing epoch for the finalized features information. Valid values are >=
        /// 0. A value of -1 is special and represents unknown epoch.
        finalized_features_epoch: i64                      [3+] tag 1 = -1,
        /// List of cluster-wide finalized features. The information is valid only if FinalizedFeaturesEpoch
        /// >= 0.
        finalized_features:       Vec<FinalizedFeatureKey> [3+] tag 2,
        /// Set by a KRaft controller if the required configurations for ZK migration are present.
        zk_migration_ready:       bool                     [3+] tag 3,
    }

    /// In [`ApiVersionsResponse`]`::api_keys`.
    pub struct ApiVersion {
        /// The API index.
        api_key:     i16 [0+],
        /// The minimum supported version, inclusive.
        min_version: i16 [0+],
        /// The maximum supported version, inclusive.
        max_version: i16 [0+],
    }

    /// In [`ApiVersionsResponse`]`::supported_features`.
    pub struct SupportedFeatureKey {
        /// The name of the feature.
        name:        Str [3+],
        /// The minimum supported version for the feature.
        min_version: i16 [3+],
        /// The maximum supported version for the feature.
        max_version: i16 [3+],
    }

    /// In [`ApiVersionsResponse`]`::finalized_features`.
    pub struct FinalizedFeatureKey {
        /// The name of the feature.
        name:              Str [3+],
        /// The cluster-wide finalized max version level for the feature.
        max_version_level: i16 [3+],
        /// The cluster-wide finalized min version level for the feature.
        min_version_level: i16 [3+],
    }
}

impl ApiVersionsResponse {
    /// Says what a broker serves: `apis`, each in its advertised versions.
    #[must_use]
    pub fn advertise(apis: impl IntoIterator<Item = ApiKey>) -> Self {
        Self { api_keys: apis.into_iter().map(ApiVersion::of).collect(), ..Self::default() }
    }

    /// The answer to a request in a version that is not served: to be encoded in version 0, with the list of keys,
    /// so that the client can choose another version at once (KIP-511).
    #[must_use]
    pub fn unsupported_version(apis: impl IntoIterator<Item = ApiKey>) -> Self {
        Self { error_code: ErrorCode::UNSUPPORTED_VERSION, ..Self::advertise(apis) }
    }
}

impl ApiVersion {
    fn of(api: ApiKey) -> Self {
        let versions = api.advertised();
        Self { api_key: api.code(), min_version: versions.min, max_version: versions.max }
    }
}
