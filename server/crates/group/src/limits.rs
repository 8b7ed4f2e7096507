//! Every bound of consumer groups, by name. Units last.

/// Requests and completions that wait for the coordinator; beyond, whoever asks waits for room.
pub const MAX_MESSAGES: usize = 4_096;
/// A member that is not yet told its id, and whose join has waited for this long, is forgotten (Kafka: `NEW_MEMBER_JOIN_TIMEOUT`).
pub const NEW_MEMBER_JOIN_TIMEOUT_MS: i64 = 5 * 60 * 1_000;
/// Member ids of one group that were given out and not yet used (KIP-394); they expire after their session timeout.
pub const MAX_PENDING_MEMBERS: usize = 10_000;
/// Protocols that a member may offer. Clients offer a handful.
pub const MAX_PROTOCOLS: usize = 256;
/// Deadlines that are handled in one turn of a group; each moves on, so that more would be an endless loop.
pub const MAX_DEADLINES_PER_TURN: usize = 16;
