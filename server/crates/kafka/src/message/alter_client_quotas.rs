//! AlterClientQuotas (key 49).

use crate::{ErrorCode, Str};

message! {
    /// Quotas to set or remove (KIP-546).
    pub struct AlterClientQuotasRequest {
        /// The quota configuration entries to alter.
        entries:       Vec<EntryData> [0+],
        /// Whether the alteration should be validated, but not performed.
        validate_only: bool           [0+],
    }

    /// In [`AlterClientQuotasRequest`]`::entries`.
    pub struct EntryData {
        /// The quota entity to alter.
        entity: Vec<EntityData> [0+],
        /// An individual quota configuration entry to alter.
        ops:    Vec<OpData>     [0+],
    }

    /// In [`EntryData`]`::entity`.
    pub struct EntityData {
        /// The entity type.
        entity_type: Str         [0+],
        /// The name of the entity, or null if the default.
        entity_name: Option<Str> [0+] null [0+],
    }

    /// In [`EntryData`]`::ops`.
    pub struct OpData {
        /// The quota configuration key.
        key:    Str  [0+],
        /// The value to set, otherwise ignored if the value is to be removed.
        value:  f64  [0+] = 0.0,
        /// Whether the quota configuration value should be removed, otherwise set.
        remove: bool [0+],
    }

    /// The outcome for each entity.
    pub struct AlterClientQuotasResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32               [0+],
        /// The quota configuration entries to alter.
        entries:          Vec<AlteredEntry> [0+],
    }

    /// In [`AlterClientQuotasResponse`]`::entries`.
    pub struct AlteredEntry {
        /// The error code, or `0` if the quota alteration succeeded.
        error_code:    ErrorCode       [0+],
        /// The error message, or `null` if the quota alteration succeeded.
        error_message: Option<Str>     [0+] null [0+],
        /// The quota entity to alter.
        entity:        Vec<EntityData> [0+],
    }
}
