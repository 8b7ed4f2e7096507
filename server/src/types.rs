//! Values that have no better place.

use uuid::Uuid;

/// The digits of base64 in URLs.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A UUID as Kafka writes it: its 16 bytes in URL-safe base64 without padding, 22 characters (`Uuid.toString`).
pub fn kafka_uuid(uuid: Uuid) -> String {
    let number = uuid.as_u128();
    let digit = |position: u32| {
        // 128 bits are 21 digits of 6 bits and 2 bits more, which become the upper bits of the last digit.
        let six_bits = if position < 21 { number >> (122 - 6 * position) } else { number << 4 };
        char::from(ALPHABET[(six_bits & 0x3f) as usize])
    };
    (0..22).map(digit).collect()
}

/// Reads a UUID as Kafka writes it, or in the usual form of 32 hexadecimal digits.
///
/// # Errors
/// What was expected.
pub fn read_uuid(text: &str) -> Result<Uuid, String> {
    let found = Uuid::try_parse(text).ok().or_else(|| read_kafka_uuid(text));
    found.ok_or_else(|| {
        format!("'{text}' is not a UUID; write its 32 hexadecimal digits, or the 22 characters that Kafka makes of them")
    })
}

fn read_kafka_uuid(text: &str) -> Option<Uuid> {
    let (last, digits) = text.as_bytes().split_last().filter(|(_, digits)| digits.len() == 21)?;
    let value = |byte: &u8| ALPHABET.iter().zip(0_u128..).find(|(digit, _)| *digit == byte).map(|(_, at)| at);
    let number = digits.iter().try_fold(0, |number, digit| Some(number << 6 | value(digit)?))?;
    let last = value(last).filter(|last| last % 16 == 0)?; // of its 6 bits the upper two are the UUID's
    Some(Uuid::from_u128(number << 2 | last >> 4))
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

    #[test]
    fn what_was_written_is_read_in_either_form() {
        for uuid in [Uuid::nil(), Uuid::from_u128(1), Uuid::from_u128(7 << 99 | 5), Uuid::max()] {
            assert_eq!(read_uuid(&kafka_uuid(uuid)), Ok(uuid));
            assert_eq!(read_uuid(&uuid.to_string()), Ok(uuid));
        }
        for wrong in ["", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA=="] {
            assert!(read_uuid(wrong).unwrap_err().contains("is not a UUID"), "{wrong}");
        }
    }
}
