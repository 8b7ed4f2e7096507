//! DescribeClientQuotas (key 48).

use crate::{ErrorCode, Str};

message! {
    /// Asks for quotas (KIP-546).
    pub struct DescribeClientQuotasRequest {
        /// Filter components to apply to quota entities.
        components: Vec<ComponentData> [0+],
        /// Whether the match is strict, i.e. should exclude entities with unspecified entity types.
        strict:     bool               [0+],
    }

    /// In [`DescribeClientQuotasRequest`]`::components`.
    pub struct ComponentData {
        /// The entity type that the filter component applies to.
        entity_type: Str         [0+],
        /// How to match the entity {0 = exact name, 1 = default name, 2 = any specified name}.
        match_type:  i8          [0+],
        /// The string to match against, or null if unused for the match type.
        _match:      Option<Str> [0+] null [0+],
    }

    /// The quotas that match.
    pub struct DescribeClientQuotasResponse {
        /// The duration in milliseconds for which the request was throttled due to a quota violation, or
        /// zero if the request did not violate any quota.
        throttle_time_ms: i32                    [0+],
        /// The error code, or `0` if the quota description succeeded.
        error_code:       ErrorCode              [0+],
        /// The error message, or `null` if the quota description succeeded.
        error_message:    Option<Str>            [0+] null [0+],
        /// A result entry.
        entries:          Option<Vec<EntryData>> [0+] null [0+],
    }

    /// In [`DescribeClientQuotasResponse`]`::entries`.
    pub struct EntryData {
        /// The quota entity description.
        entity: Vec<EntityData> [0+],
        /// The quota values for the entity.
        values: Vec<ValueData>  [0+],
    }

    /// In [`EntryData`]`::entity`.
    pub struct EntityData {
        /// The entity type.
        entity_type: Str         [0+],
        /// The entity name, or null if the default.
        entity_name: Option<Str> [0+] null [0+],
    }

    /// In [`EntryData`]`::values`.
    pub struct ValueData {
        /// The quota configuration key.
        key:   Str [0+],
        /// The quota configuration value.
        value: f64 [0+] = 0.0,
    }
}
