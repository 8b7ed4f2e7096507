//! Member ids: the client's name, or the instance's, and a random UUID, as Kafka makes them.

use chronik_kafka::Str;

use crate::limits;
use crate::rng::Rng;

/// Makes them.
pub(super) struct MemberIds(Rng);

impl MemberIds {
    pub(super) fn new(rng: Rng) -> Self {
        Self(rng)
    }
}

impl chronik_group::Ids for MemberIds {
    fn member_id(&mut self, prefix: &str) -> Str {
        let prefix = &prefix[..prefix.floor_char_boundary(limits::MAX_MEMBER_ID_PREFIX_BYTES)];
        format!("{prefix}-{}", self.0.uuid()).into()
    }
}

#[cfg(test)]
mod tests {
    use chronik_group::Ids;

    use super::*;

    #[test]
    fn an_id_begins_with_its_client_and_fits_a_record() {
        let mut ids = MemberIds::new(Rng::seeded(1));
        let id = ids.member_id("client");
        assert!(id.starts_with("client-") && id.len() == 7 + 36, "{id}");
        assert_ne!(id, ids.member_id("client"));
        assert!(ids.member_id(&"ä".repeat(16_000)).len() < 400);
    }
}
