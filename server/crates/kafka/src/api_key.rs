//! Which APIs there are, in which versions, and how their headers look.

use std::fmt;

/// Versions from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The lowest version.
    pub min: i16,
    /// The highest version.
    pub max: i16,
}

impl VersionRange {
    /// Whether `version` is one of them.
    #[must_use]
    pub fn contains(self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }

    /// All of them, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = i16> {
        self.min..=self.max
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.min, self.max)
    }
}

macro_rules! first_flexible {
    (never) => {
        i16::MAX
    };
    ($version:literal) => {
        $version
    };
}

macro_rules! define_api_key {
    ($(
        $name:ident = $key:literal [$min:literal - $max:literal] flexible $flexible:tt
            => $module:ident::{$request:ident, $response:ident};
    )*) => {
        /// An API that the codec knows; the discriminant is Kafka's key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        #[allow(missing_docs, reason = "the names are Kafka's")]
        pub enum ApiKey {
            $($name = $key,)*
        }

        impl ApiKey {
            /// Every API of the table, by ascending key.
            pub const ALL: &[ApiKey] = &[$(ApiKey::$name,)*];

            /// The API with this key, if the codec knows it.
            #[must_use]
            pub const fn from_code(key: i16) -> Option<Self> {
                match key {
                    $($key => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Versions that the codec reads and writes.
            #[must_use]
            pub const fn versions(self) -> VersionRange {
                match self {
                    $(Self::$name => VersionRange { min: $min, max: $max },)*
                }
            }

            const fn first_flexible(self) -> i16 {
                match self {
                    $(Self::$name => first_flexible!($flexible),)*
                }
            }

            /// Kafka's name, for logs and metric labels.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

with_apis!(define_api_key);

impl ApiKey {
    /// Kafka's key.
    #[must_use]
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Versions to advertise in ApiVersions: those served, except that Produce claims to begin at 0.
    ///
    /// librdkafka turns gzip, snappy and lz4 off for a broker whose Produce range does not include version 0
    /// (KAFKA-18659, librdkafka#4956). Versions below the served range are still refused.
    #[must_use]
    pub const fn advertised(self) -> VersionRange {
        let served = self.versions();
        match self {
            Self::Produce => VersionRange { min: 0, max: served.max },
            _ => served,
        }
    }

    /// Whether `version` uses compact lengths and tagged fields (KIP-482). Defined for any version, because the
    /// header of a request in an unknown version must be readable.
    #[must_use]
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.first_flexible()
    }

    /// Version of the request header: 1, or 2 (with tagged fields) in flexible versions.
    #[must_use]
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// Version of the response header: 0, or 1 (with tagged fields) in flexible versions.
    ///
    /// Always 0 for ApiVersions: its client does not know yet what the broker can do (KIP-511).
    #[must_use]
    pub const fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && !matches!(self, Self::ApiVersions) { 1 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ascending_and_come_back() {
        assert!(ApiKey::ALL.is_sorted());
        for &api in ApiKey::ALL {
            assert_eq!(ApiKey::from_code(api.code()), Some(api));
            assert!(api.versions().min <= api.versions().max);
        }
        assert_eq!(ApiKey::from_code(-1), None);
    }

    #[test]
    fn produce_is_advertised_from_version_0_but_served_from_3() {
        assert_eq!(ApiKey::Produce.advertised(), VersionRange { min: 0, max: 13 });
        assert!(!ApiKey::Produce.versions().contains(0));
        for &api in ApiKey::ALL.iter().filter(|&&api| api != ApiKey::Produce) {
            assert_eq!(api.advertised(), api.versions());
        }
    }

    #[test]
    fn api_versions_response_header_is_always_version_0() {
        for version in ApiKey::ApiVersions.versions().iter() {
            assert_eq!(ApiKey::ApiVersions.response_header_version(version), 0);
        }
        assert_eq!(ApiKey::Metadata.response_header_version(9), 1);
        assert_eq!(ApiKey::Metadata.response_header_version(8), 0);
    }
}
