//! A string that shares the memory of the frame it came in.
#![expect(unsafe_code, reason = "one unchecked view of bytes that every constructor has checked")]

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::Utf8Error;

use bytes::Bytes;

/// UTF-8 in a [`Bytes`]. A clone is a reference count; it keeps the whole frame alive, so what outlives a request
/// should be copied with [`Str::detached`].
// Invariant: the bytes are valid UTF-8. Every constructor checks it or takes a `str`; nothing mutates them.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Str(Bytes);

impl Str {
    /// A string that needs no memory.
    #[must_use]
    pub const fn from_static(string: &'static str) -> Self {
        Self(Bytes::from_static(string.as_bytes()))
    }

    /// Checks `bytes` and shares them.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }

    /// The string itself.
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        // SAFETY: the invariant on the type.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes, shared.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// A copy with memory of its own.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// As `str` hashes, so that a map of `Str` can be asked with a `&str`.
impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl From<&str> for Str {
    fn from(string: &str) -> Self {
        Self(Bytes::copy_from_slice(string.as_bytes()))
    }
}

impl From<String> for Str {
    fn from(string: String) -> Self {
        Self(string.into_bytes().into())
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_map_of_str_can_be_asked_with_a_plain_str() {
        let map = HashMap::from([(Str::from_static("orders"), 1)]);
        assert_eq!(map.get("orders"), Some(&1));
    }

    #[test]
    fn invalid_utf8_is_refused() {
        assert!(Str::from_utf8(Bytes::from_static(b"ab\xff")).is_err());
    }

    #[test]
    fn a_detached_string_has_memory_of_its_own() {
        let frame = Bytes::from(b"topic".to_vec());
        let shared = Str::from_utf8(frame.clone()).unwrap();
        assert_eq!(shared.as_bytes().as_ptr(), frame.as_ptr());
        assert_ne!(shared.detached().as_bytes().as_ptr(), frame.as_ptr());
    }
}
