//! Which partition of `__consumer_offsets` keeps a group.

/// The partition of a group: Kafka's `Utils.abs(groupId.hashCode) % partitions`, so that Kafka's tools look in the right place.
#[must_use]
pub fn partition_of(group: &str, partitions: i32) -> i32 {
    (java_hash(group) & i32::MAX) % partitions.max(1)
}

/// `String.hashCode` of Java: over UTF-16 code units.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first four are from Java's documentation and folklore; the last two were worked out by hand.
    #[test]
    fn hashes_are_javas() {
        let known = [
            ("", 0),
            ("a", 97),
            ("hello", 99_162_322),
            ("polygenelubricants", i32::MIN),
            ("ä", 0xe4),
            ("𝄞", 0xd834 * 31 + 0xdd1e),
        ];
        for (text, hash) in known {
            assert_eq!(java_hash(text), hash, "{text}");
        }
    }

    #[test]
    fn a_partition_is_never_negative() {
        assert_eq!(partition_of("polygenelubricants", 50), 0, "abs(MIN) is 0 with Kafka");
        assert_eq!(partition_of("hello", 50), 22);
        for number in 0..1_000 {
            assert!((0..50).contains(&partition_of(&format!("group-{number}"), 50)));
        }
    }
}
