//! What a setting's value can be: how it is read, shown and bounded.

use std::fmt;

use chronik_log::CleanupPolicy;

/// Kind of value, as clients that describe settings are told (`ConfigDef.Type`, KIP-569).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// true or false
    Boolean = 1,
    /// A text.
    String = 2,
    /// 32 bits.
    Int = 3,
    /// 16 bits.
    Short = 4,
    /// 64 bits.
    Long = 5,
    /// A fraction.
    Double = 6,
    /// Separated by commas.
    List = 7,
}

impl ConfigType {
    /// As it stands on the wire.
    pub fn code(self) -> i8 {
        self as i8
    }
}

/// A value that can be read from text and shown as the same text.
pub trait Value: Sized {
    /// Kind of value, for readers.
    const KIND: &'static str;
    /// Kind of value, for clients.
    const TYPE: ConfigType;
    /// Whether TOML writes it without quotes.
    const BARE_IN_TOML: bool = false;

    /// Reads it; the error says what was expected.
    fn read(text: &str) -> Result<Self, String>;
    /// Shows it as [`read`](Self::read) takes it; empty for a value that is not set.
    fn show(&self) -> String;
    /// The number that bounds apply to.
    fn number(&self) -> Option<i128> {
        None
    }
    /// The same for what is not a whole number.
    fn fraction(&self) -> Option<f64> {
        None
    }
}

/// Which values a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum Allowed {
    /// All.
    Any,
    /// All that say something.
    NotEmpty,
    /// This number and above.
    AtLeast(i64),
    /// From the first to the second number, both included.
    Between(i64, i64),
    /// From 0 to 1.
    Fraction,
}

impl Allowed {
    /// Gives `value` back if it is allowed.
    pub fn check<T: Value>(self, value: T) -> Result<T, String> {
        let number = value.number();
        let fine = match self {
            Self::Any => true,
            Self::NotEmpty => !value.show().is_empty(),
            Self::AtLeast(low) => number.is_none_or(|number| number >= i128::from(low)),
            Self::Between(low, high) => {
                number.is_none_or(|number| (i128::from(low)..=i128::from(high)).contains(&number))
            }
            Self::Fraction => value.fraction().is_none_or(|share| (0.0..=1.0).contains(&share)),
        };
        if fine { Ok(value) } else { Err(format!("it must be {}", self.describe())) }
    }

    /// The values allowed, for readers; empty if the kind says it all.
    pub fn describe(self) -> String {
        match self {
            Self::Any => String::new(),
            Self::NotEmpty => "not empty".to_owned(),
            Self::AtLeast(low) => format!("at least {low}"),
            Self::Between(low, high) => format!("from {low} to {high}"),
            Self::Fraction => "from 0 to 1".to_owned(),
        }
    }
}

macro_rules! numbers {
    ($($type:ty: $config_type:ident),+) => { $(
        impl Value for $type {
            const KIND: &'static str = "number";
            const TYPE: ConfigType = ConfigType::$config_type;
            const BARE_IN_TOML: bool = true;

            fn read(text: &str) -> Result<Self, String> {
                let number: i128 = text.parse().map_err(|_| "it must be a whole number".to_owned())?;
                let most = (<$type>::MIN, <$type>::MAX);
                Self::try_from(number).map_err(|_| format!("it must be from {} to {}", most.0, most.1))
            }

            fn show(&self) -> String {
                self.to_string()
            }

            fn number(&self) -> Option<i128> {
                i128::try_from(*self).ok()
            }
        }
    )+ };
}

numbers!(i16: Short, i32: Int, i64: Long, u64: Long, usize: Long);

impl Value for f64 {
    const KIND: &'static str = "number";
    const TYPE: ConfigType = ConfigType::Double;
    const BARE_IN_TOML: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or("it must be a number".to_owned())
    }

    fn show(&self) -> String {
        format!("{self:?}") // with a point, or TOML would take it for a whole number
    }

    fn fraction(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Value for bool {
    const KIND: &'static str = "true or false";
    const TYPE: ConfigType = ConfigType::Boolean;
    const BARE_IN_TOML: bool = true;

    fn read(text: &str) -> Result<Self, String> {
        text.to_ascii_lowercase().parse().map_err(|_| format!("it must be {}", Self::KIND))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const KIND: &'static str = "text";
    const TYPE: ConfigType = ConfigType::String;

    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

/// Empty text stands for "not set".
impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const TYPE: ConfigType = T::TYPE;
    const BARE_IN_TOML: bool = T::BARE_IN_TOML;

    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::read(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }

    fn number(&self) -> Option<i128> {
        self.as_ref().and_then(T::number)
    }

    fn fraction(&self) -> Option<f64> {
        self.as_ref().and_then(T::fraction)
    }
}

/// Comma-separated.
impl Value for Vec<HostPort> {
    const KIND: &'static str = "list of host:port";
    const TYPE: ConfigType = ConfigType::List;

    fn read(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(HostPort::read).collect()
    }

    fn show(&self) -> String {
        self.iter().map(HostPort::to_string).collect::<Vec<_>>().join(",")
    }
}

/// A place on the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// The port; 0 stands for any free one.
    pub port: u16,
}

impl HostPort {
    /// That port of that host.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// Whether it stands for every address of the machine, so that nobody can connect to it by that name.
    pub fn is_wildcard(&self) -> bool {
        matches!(self.host.as_str(), "0.0.0.0" | "::" | "")
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Value for HostPort {
    const KIND: &'static str = "host:port";
    const TYPE: ConfigType = ConfigType::String;

    fn read(text: &str) -> Result<Self, String> {
        let expected = || format!("'{text}' must be host:port, such as 127.0.0.1:9092 or [::1]:9092");
        let place = match text.split_once("://") {
            None => text,
            Some((scheme, place)) if scheme.eq_ignore_ascii_case("PLAINTEXT") => place,
            Some((scheme, _)) => return Err(format!("'{scheme}' is not supported; only PLAINTEXT is")),
        };
        let (host, port) = place.rsplit_once(':').ok_or_else(expected)?;
        let port = port.parse().map_err(|_| expected())?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if bare.is_none() && host.contains(':') {
            return Err(expected());
        }
        match bare.unwrap_or(host) {
            "" => Ok(Self::new("0.0.0.0", port)), // as Kafka reads PLAINTEXT://:9092
            host => Ok(Self::new(host, port)),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

macro_rules! choices {
    ($(#[doc = $about:literal])+ $name:ident { $( $(#[doc = $doc:literal])+ $variant:ident = $text:literal ),+ } $kind:literal) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $doc])+ $variant, )+ }

        impl Value for $name {
            const KIND: &'static str = $kind;
            const TYPE: ConfigType = ConfigType::String;

            fn read(text: &str) -> Result<Self, String> {
                $( if text.eq_ignore_ascii_case($text) { return Ok(Self::$variant); } )+
                Err(format!("it must be {}", $kind))
            }

            fn show(&self) -> String {
                match self { $( Self::$variant => $text, )+ }.to_owned()
            }
        }
    };
}

choices! {
    /// When a write is synced to disk.
    WalFlush {
        /// Before it is acknowledged.
        Commit = "commit",
        /// Every `wal.flush.interval.ms`.
        Interval = "interval",
        /// When the operating system likes.
        Os = "os"
    } "commit, interval or os"
}

choices! {
    /// How logs are written.
    LogFormat {
        /// Lines for people.
        Human = "human",
        /// A JSON object a line.
        Json = "json"
    } "human or json"
}

choices! {
    /// Who sets the timestamp of a record.
    TimestampSource {
        /// The producer.
        CreateTime = "CreateTime",
        /// The server, when it appends.
        LogAppendTime = "LogAppendTime"
    } "CreateTime or LogAppendTime"
}

choices! {
    /// Which replica a consumer reads from (KIP-392).
    ReplicaSelector {
        /// The leader.
        Leader = "",
        /// One in its own rack, if there is one.
        RackAware = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
    } "empty, or org.apache.kafka.common.replica.RackAwareReplicaSelector"
}

choices! {
    /// How batches are compressed on disk.
    CompressionType {
        /// As the producer has compressed them.
        Producer = "producer"
    } "producer"
}

impl Value for CleanupPolicy {
    const KIND: &'static str = "delete, compact, or both with a comma between";
    const TYPE: ConfigType = ConfigType::List;

    fn read(text: &str) -> Result<Self, String> {
        Self::parse(text).ok_or_else(|| format!("it must be {}", Self::KIND))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
