//! In what two texts differ.

use std::collections::BTreeMap;

/// More are not shown.
const SHOWN_AT_MOST: usize = 40;

/// Lines that only one of the two has: `- ` of the first, `+ ` of the second. Empty if and only if the texts are the same.
pub(crate) fn differences(before: &str, after: &str) -> Vec<String> {
    if before == after {
        return Vec::new();
    }
    let mut lines = only_in(before, after, "- ");
    lines.extend(only_in(after, before, "+ "));
    if lines.is_empty() {
        lines.push("the same lines in another order".to_owned());
    }
    let more = lines.len().saturating_sub(SHOWN_AT_MOST);
    lines.truncate(SHOWN_AT_MOST);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn only_in(this: &str, other: &str, sign: &str) -> Vec<String> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in other.lines() {
        *left.entry(line).or_default() += 1;
    }
    let is_new = |line: &&str| match left.get_mut(*line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    this.lines().filter(is_new).map(|line| format!("{sign}{line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn only_what_differs_is_said() {
        assert_eq!(differences("a\nb\n", "a\nb\n"), [""; 0]);
        assert_eq!(differences("a\nb\nb\n", "a\nb\nc\n"), ["- b", "+ c"]);
    }

    #[test]
    fn no_difference_is_passed_over() {
        assert_eq!(differences("a\nb\n", "b\na\n").len(), 1);
        assert_eq!(differences("a\n", "a").len(), 1);
        assert_eq!(differences("", "a\n"), ["+ a"]);
    }
}
