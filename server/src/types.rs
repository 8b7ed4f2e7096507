//! Values that have no better place.

use uuid::Uuid;

/// A UUID as Kafka writes it: its 16 bytes in URL-safe base64 without padding, 22 characters (`Uuid.toString`).
pub fn kafka_uuid(uuid: Uuid) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = uuid.as_u128();
    let digit = |position: u32| {
        // 128 bits are 21 digits of 6 bits and 2 bits more, which become the upper bits of the last digit.
        let six_bits = if position < 21 { number >> (122 - 6 * position) } else { number << 4 };
        char::from(ALPHABET[(six_bits & 0x3f) as usize])
    };
    (0..22).map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_own_examples() {
        assert_eq!(kafka_uuid(Uuid::nil()), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(kafka_uuid(Uuid::from_u128(1)), "AAAAAAAAAAAAAAAAAAAAAQ", "the id of the metadata topic");
        assert_eq!(kafka_uuid(Uuid::max()), "_____________________w");
    }
}
