//! Who speaks: the first bytes in each direction, and whether two nodes may have a connection.
//!
//! ```text
//! | magic "CHRONIKP" | lowest version u16 | highest version u16 |   then a frame: hello, or refusal
//! ```
//!
//! The one who dials speaks first. Preamble, hello and refusal stay as they are in every version, so that any two versions can tell each other that they do
//! not fit; a later version may add bytes to the end of a hello, which an earlier one does not read.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::NodeId;

/// Bytes of magic and versions.
pub const PREAMBLE_BYTES: usize = 12;
/// What this node speaks.
pub const VERSIONS: Versions = Versions { lowest: 1, highest: 1 };

const MAGIC: [u8; 8] = *b"CHRONIKP";
/// Bytes of a hello of version 1.
const HELLO_BYTES: usize = 49;
/// Bits of [`Hello::features`] that this node knows: none yet.
const KNOWN_FEATURES: u64 = 0;
/// Characters of a refusal's text that are believed.
const MAX_REFUSAL_CHARS: usize = 300;

/// Versions of the protocol, from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest that is spoken.
    pub lowest: u16,
    /// The newest.
    pub highest: u16,
}

impl Versions {
    /// The highest that both speak.
    pub fn common(self, other: Self) -> Option<u16> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }

    /// As they stand on the wire, behind the magic.
    pub fn preamble(self) -> [u8; PREAMBLE_BYTES] {
        let mut bytes = [0; PREAMBLE_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.lowest.to_be_bytes());
        bytes[10..].copy_from_slice(&self.highest.to_be_bytes());
        bytes
    }

    /// Reads a preamble; `None` if it does not begin with the magic: then this is no node of Chronik.
    pub fn of_preamble(bytes: [u8; PREAMBLE_BYTES]) -> Option<Self> {
        let (magic, versions) = bytes.split_at(MAGIC.len());
        let &[a, b, c, d] = versions else { return None };
        let versions = Self { lowest: u16::from_be_bytes([a, b]), highest: u16::from_be_bytes([c, d]) };
        (magic == MAGIC).then_some(versions)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.lowest, self.highest)
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// Heartbeats, Raft messages and requests.
    Control = 0,
    /// Streams of data, which must not delay those.
    Data = 1,
}

impl Purpose {
    /// As it is called in messages and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Data => "data",
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Control, Self::Data].into_iter().find(|purpose| *purpose as u8 == code)
    }
}

/// Who speaks, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Nil while the node belongs to none.
    pub cluster_id: Uuid,
    /// Who speaks.
    pub node_id: NodeId,
    /// Who should hear it.
    pub to: NodeId,
    /// Tells one start of the process from another; a later one is larger.
    pub incarnation: u64,
    /// What the connection is for.
    pub purpose: Purpose,
    /// What the connection needs beside this (TLS, authentication): a bit each. A node refuses what it does not know.
    pub features: u64,
}

impl Hello {
    /// As the payload of its frame.
    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HELLO_BYTES);
        bytes.put_slice(self.cluster_id.as_bytes());
        bytes.put_u64(self.node_id);
        bytes.put_u64(self.to);
        bytes.put_u64(self.incarnation);
        bytes.put_u8(self.purpose as u8);
        bytes.put_u64(self.features);
        bytes.freeze()
    }

    /// Reads the payload of a hello; `None` if it is too short, or for a purpose that no version has. What follows is of a later version.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; HELLO_BYTES] = payload.first_chunk()?;
        let number = |at: usize| bytes[at..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        Some(Self {
            cluster_id: Uuid::from_bytes(*bytes.first_chunk()?),
            node_id: number(16)?,
            to: number(24)?,
            incarnation: number(32)?,
            purpose: Purpose::from_code(bytes[40])?,
            features: number(41)?,
        })
    }

    /// Whether the node `own` of `cluster_id` may have a connection with whoever speaks. A node without a cluster fits each.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, own: NodeId, cluster_id: Uuid) -> Result<(), Refusal> {
        if self.node_id == own {
            return Err(Refusal::OwnId { id: own });
        }
        let (ours, theirs) = (cluster_id, self.cluster_id);
        if ours != theirs && !ours.is_nil() && !theirs.is_nil() {
            return Err(Refusal::Cluster { ours, theirs });
        }
        if self.to != own {
            return Err(Refusal::NotMe { asked_for: self.to, own });
        }
        let unknown = self.features & !KNOWN_FEATURES;
        if unknown != 0 {
            return Err(Refusal::Features { unknown });
        }
        Ok(())
    }
}

/// Why two nodes have no connection. The text goes to the other side: "this node" is the one that refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No version in common.
    #[error(
        "this node speaks versions {ours} of the inter-node protocol, the other one {theirs}; upgrade the older one"
    )]
    Version {
        /// Of the node that refuses.
        ours: Versions,
        /// Of the other one.
        theirs: Versions,
    },
    /// Two clusters.
    #[error(
        "this node belongs to cluster {ours}, the other one to cluster {theirs}; see to the addresses of the nodes"
    )]
    Cluster {
        /// Of the node that refuses.
        ours: Uuid,
        /// Of the other one.
        theirs: Uuid,
    },
    /// Two nodes have one id, or a node has been given its own address.
    #[error("this node is node {id}, too; give each node a node.id of its own, and see to its address")]
    OwnId {
        /// The id.
        id: NodeId,
    },
    /// An address leads elsewhere.
    #[error("this is node {own}, not node {asked_for}; see to the addresses of the nodes")]
    NotMe {
        /// Whom the other one wants.
        asked_for: NodeId,
        /// Who this is.
        own: NodeId,
    },
    /// A later version needs something.
    #[error("the other one needs features that this node does not have (bits {unknown:#x}); upgrade it")]
    Features {
        /// Those that are not known.
        unknown: u64,
    },
    /// It is not known, or not yet.
    #[error("node {id} is no member of the cluster of this node; let it join ('start --join')")]
    Unwelcome {
        /// The other one.
        id: NodeId,
    },
    /// It was a member, and will not be one again.
    #[error("node {id} was removed from the cluster of this node, and its id is not used again")]
    Removed {
        /// The other one.
        id: NodeId,
    },
}

impl Refusal {
    /// Tells the reasons apart, in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Version { .. } => "version",
            Self::Cluster { .. } => "cluster",
            Self::OwnId { .. } => "own_id",
            Self::NotMe { .. } => "other_node",
            Self::Features { .. } => "features",
            Self::Unwelcome { .. } => "unknown_node",
            Self::Removed { .. } => "removed_node",
        }
    }

    /// As the payload of its frame: text for people.
    pub fn encode(&self) -> Bytes {
        self.to_string().into()
    }

    /// Reads the payload of a refusal, whoever may have sent it: nothing in it moves the cursor of a terminal, and it is short.
    pub fn text(payload: &[u8]) -> String {
        let text = String::from_utf8_lossy(payload);
        text.chars().take(MAX_REFUSAL_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn versions(lowest: u16, highest: u16) -> Versions {
        Versions { lowest, highest }
    }

    fn hello() -> Hello {
        let cluster_id = Uuid::from_u128(7);
        Hello { cluster_id, node_id: 2, to: 1, incarnation: 5, purpose: Purpose::Control, features: 0 }
    }

    #[test]
    fn the_highest_common_version_is_taken() {
        for (ours, theirs, common) in [
            (versions(1, 1), versions(1, 1), Some(1)),
            (versions(1, 3), versions(2, 5), Some(3)),
            (versions(2, 5), versions(1, 3), Some(3)),
            (versions(1, 2), versions(3, 4), None),
            (versions(3, 4), versions(1, 2), None),
            (versions(1, 9), versions(4, 3), None),
        ] {
            assert_eq!(ours.common(theirs), common, "{ours} and {theirs}");
        }
    }

    #[test]
    fn who_may_connect() {
        let cluster = Uuid::from_u128(7);
        let other = Uuid::from_u128(8);
        for (hello, refusal) in [
            (hello(), None),
            (Hello { cluster_id: Uuid::nil(), ..hello() }, None),
            (Hello { cluster_id: other, ..hello() }, Some("cluster")),
            (Hello { node_id: 1, ..hello() }, Some("own_id")),
            (Hello { to: 3, ..hello() }, Some("other_node")),
            (Hello { features: 1 << 63, ..hello() }, Some("features")),
        ] {
            assert_eq!(hello.admit(1, cluster).err().map(|refusal| refusal.name()), refusal, "{hello:?}");
        }
        let stranger = Hello { cluster_id: other, ..hello() };
        assert_eq!(stranger.admit(1, Uuid::nil()), Ok(()), "a node without a cluster fits each");
    }

    #[test]
    fn a_refusal_names_both_sides() {
        let version = Refusal::Version { ours: versions(1, 2), theirs: versions(3, 4) }.to_string();
        assert!(version.contains("1 to 2") && version.contains("3 to 4"), "{version}");
        let (ours, theirs) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let cluster = Refusal::Cluster { ours, theirs }.to_string();
        assert!(cluster.contains(&ours.to_string()) && cluster.contains(&theirs.to_string()), "{cluster}");
    }

    #[test]
    fn a_refusals_text_is_short_and_harmless() {
        assert_eq!(Refusal::text(b"no\x1b[2J\nway"), "no [2J way");
        assert_eq!(Refusal::text(&[b'x'; 10_000]).len(), MAX_REFUSAL_CHARS);
        assert_eq!(Refusal::text(&[0xff]), "\u{fffd}");
    }

    #[test]
    fn a_hello_looks_like_this() {
        let encoded = hello().encode();
        assert_eq!(encoded.len(), HELLO_BYTES);
        assert_eq!(encoded[15..25], [7, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        let longer = [&encoded[..], b"of a later version"].concat();
        assert_eq!(Hello::decode(&longer), Some(hello()));
        assert_eq!(Hello::decode(&encoded[..HELLO_BYTES - 1]), None);
        let unknown_purpose = [&encoded[..40], &[9], &encoded[41..]].concat();
        assert_eq!(Hello::decode(&unknown_purpose), None);
    }

    #[test]
    fn other_protocols_are_none_of_ours() {
        assert_eq!(Versions::of_preamble(*b"GET / HTTP/1"), None);
        assert_eq!(Versions::of_preamble(VERSIONS.preamble()), Some(VERSIONS));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_hello_or_none(payload in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Some(hello) = Hello::decode(&payload) {
                prop_assert_eq!(&hello.encode()[..], &payload[..HELLO_BYTES]);
            }
        }
    }
}
