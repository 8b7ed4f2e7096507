//! Text of the outside world, made harmless: bug descriptions, type names, messages and paths may contain anything.

/// For the text and the quoted attributes of HTML and SVG. Characters that XML does not know become U+FFFD.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// For the text of HTML, with `code` between backticks.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let part = |(at, part)| if at % 2 == 1 { format!("<code>{}</code>", html(part)) } else { html(part) };
    parts.map(part).collect()
}

/// For a cell of a Markdown table: one line, without anything that ends the cell or begins HTML.
pub(super) fn cell(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            '|' => escaped.push_str("\\|"),
            '<' => escaped.push_str("&lt;"),
            '\n' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A piece of code in a cell; nothing if there is none.
pub(super) fn code(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("`{}`", text.replace(['`', '\n'], " ").replace('|', "\\|")),
    }
}

/// 1183 as `1,183`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            html("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
        assert_eq!(html("a\u{1b}[31mb\u{0}"), "a\u{fffd}[31mb\u{fffd}");
        assert_eq!(html("x < y\n\tz"), "x &lt; y\n\tz");
    }

    #[test]
    fn code_is_marked_and_escaped() {
        assert_eq!(prose("`&mut T` & more"), "<code>&amp;mut T</code> &amp; more");
    }

    #[test]
    fn nothing_of_a_text_ends_a_cell() {
        assert_eq!(cell(" a | b\nc <d> "), "a \\| b c &lt;d>");
        assert_eq!(code("Vec<a|b>`"), "`Vec<a\\|b> `");
        assert_eq!(code("  "), "");
    }

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!([7, 999, 1_183, 1_000_000].map(thousands), ["7", "999", "1,183", "1,000,000"]);
    }
}
