//! Reads `{:?}` output back, so that two implementations can be compared field by field without naming the fields.

use std::iter::Peekable;
use std::str::Chars;

/// A value as its derived `Debug` shows it. Newtypes and `Some` are unwrapped, and null, the empty string and the
/// empty list are one (defaults of absent fields may differ in that; the bytes tell them apart where they matter).
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tree {
    Empty,
    Atom(String),
    List(Vec<Tree>),
    /// Sorted by field name.
    Struct(Vec<(String, Tree)>),
}

impl Tree {
    pub(crate) fn parse(text: &str) -> Self {
        let mut input = text.chars().peekable();
        let tree = value(&mut input);
        assert_eq!(input.next(), None, "left over in {text}");
        tree
    }

    /// Leaves out those of the fields `names` that stand where `other` has no such field.
    pub(crate) fn without_fields_unknown_to(self, other: &Self, names: &[&str]) -> Self {
        match (self, other) {
            (Self::Struct(fields), Self::Struct(others)) => {
                let kept = fields.into_iter().filter_map(|(name, field)| {
                    match others.iter().find(|(other, _)| *other == name) {
                        Some((_, other)) => Some((name, field.without_fields_unknown_to(other, names))),
                        None if names.contains(&name.as_str()) => None,
                        None => Some((name, field)),
                    }
                });
                Self::Struct(kept.collect())
            }
            (Self::List(items), Self::List(others)) if items.len() == others.len() => {
                let items = items.into_iter().zip(others);
                Self::List(items.map(|(item, other)| item.without_fields_unknown_to(other, names)).collect())
            }
            (other, _) => other,
        }
    }
}

fn value(input: &mut Peekable<Chars<'_>>) -> Tree {
    skip_space(input);
    match input.peek() {
        Some('"') => quoted(input),
        Some('[') => list(input),
        Some('{') => {
            // A map: only `unknown_tagged_fields`, which is dropped by name.
            while input.next_if(|&c| c != '}').is_some() {}
            input.next();
            Tree::Empty
        }
        _ => named(input),
    }
}

fn named(input: &mut Peekable<Chars<'_>>) -> Tree {
    let name = word(input);
    match input.peek().copied() {
        Some('"') if name == "b" => quoted(input),
        Some('(') => {
            input.next();
            let inner = value(input);
            skip_space(input);
            assert_eq!(input.next(), Some(')'), "after {name}");
            inner
        }
        Some(' ') if input.clone().nth(1) == Some('{') => {
            skip_space(input);
            fields(input)
        }
        _ if name == "None" => Tree::Empty,
        _ => Tree::Atom(name),
    }
}

fn fields(input: &mut Peekable<Chars<'_>>) -> Tree {
    assert_eq!(input.next(), Some('{'));
    let mut fields = Vec::new();
    loop {
        skip_space(input);
        if input.next_if_eq(&'}').is_some() {
            break;
        }
        let name = word(input);
        assert_eq!(input.next(), Some(':'), "after {name}");
        let field = value(input);
        if name != "unknown_tagged_fields" {
            fields.push((name, field));
        }
        input.next_if_eq(&',');
    }
    fields.sort();
    Tree::Struct(fields)
}

fn list(input: &mut Peekable<Chars<'_>>) -> Tree {
    input.next();
    let mut items = Vec::new();
    loop {
        skip_space(input);
        if input.next_if_eq(&']').is_some() {
            break;
        }
        items.push(value(input));
        input.next_if_eq(&',');
    }
    if items.is_empty() { Tree::Empty } else { Tree::List(items) }
}

fn quoted(input: &mut Peekable<Chars<'_>>) -> Tree {
    input.next();
    let mut text = String::new();
    while let Some(c) = input.next() {
        match c {
            '"' => break,
            '\\' => text.extend([c, input.next().expect("an escape has two characters")]),
            _ => text.push(c),
        }
    }
    if text.is_empty() { Tree::Empty } else { Tree::Atom(text) }
}

fn word(input: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(c) = input.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')) {
        word.push(c);
    }
    word
}

fn skip_space(input: &mut Peekable<Chars<'_>>) {
    while input.next_if_eq(&' ').is_some() {}
}
