//! Sizes and rates, as people write and read them.

/// Suffixes and what they multiply by, longest first.
const UNITS: &[(&str, u64)] = &[
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("b", 1),
    ("", 1),
];

/// Reads bytes: `1048576`, `1MiB`, `2 GB`.
///
/// # Errors
/// What was expected.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a size; write bytes, or such as 16KiB, 1MiB, 2GB");
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(suffix, _)| *suffix == unit).map(|(_, factor)| *factor);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(factor.ok_or_else(wrong)?).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

/// Shows bytes: `16.0 MiB`.
pub fn show_size(bytes: f64) -> String {
    let mut left = bytes;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if left < 1024.0 {
            return if unit == "B" { format!("{left:.0} B") } else { format!("{left:.1} {unit}") };
        }
        left /= 1024.0;
    }
    format!("{left:.1} TiB")
}

/// A count with its word: `1 partition`, `2 batches`.
pub fn counted(count: u64, word: &str) -> String {
    let ending = match (count, word.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {word}{ending}")
}

/// A count as a float, for ratios that people read.
#[expect(clippy::cast_precision_loss, reason = "for people; exact up to 2^53")]
pub fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in
            [("1", 1), ("16KiB", 16_384), ("1mib", 1 << 20), ("2 GB", 2_000_000_000), ("4k", 4096)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in
            ["", "x", "1.5MiB", "-1", "0", "1 parsec", "99999999999999999999", "18446744073709551615KiB"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_fits() {
        assert_eq!(show_size(999.0), "999 B");
        assert_eq!(show_size(1536.0), "1.5 KiB");
        assert_eq!(show_size(2_147_483_648.0), "2.0 GiB");
    }
}
