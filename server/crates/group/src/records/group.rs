//! `GroupMetadataValue`: a group's generation, members and their assignments.

use bytes::Bytes;
use chronik_kafka::Str;

use super::wire::{Malformed, Problem, Reader, Writer};

/// Version that we write: as late as can be without tagged fields.
const WRITTEN: i16 = 3;
const WITH_REBALANCE_TIMEOUT: i16 = 1;
const WITH_STATE_TIMESTAMP: i16 = 2;
const WITH_INSTANCE_ID: i16 = 3;
const FLEXIBLE: i16 = 4;

/// A group as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupMetadata {
    /// Class of protocols; "consumer" for consumers, empty if the group never had a member.
    pub protocol_type: Str,
    /// Grows with every rebalance.
    pub generation: i32,
    /// The protocol that the members agreed on.
    pub protocol: Option<Str>,
    /// Member id of the leader.
    pub leader: Option<Str>,
    /// When the group came into its state, in milliseconds since the epoch; -1 if that is not known.
    pub state_timestamp_ms: i64,
    /// Its members.
    pub members: Vec<StoredMember>,
}

/// A member as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredMember {
    /// Its id.
    pub member_id: Str,
    /// `group.instance.id` of a static member (KIP-345).
    pub group_instance_id: Option<Str>,
    /// The client's name.
    pub client_id: Str,
    /// Where it connects from.
    pub client_host: Str,
    /// How long a rebalance waits for it, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// Its metadata for the protocol of the group.
    pub subscription: Bytes,
    /// What the leader gave it.
    pub assignment: Bytes,
}

impl GroupMetadata {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = Writer::version(WRITTEN);
        out.string(&self.protocol_type);
        out.i32(self.generation);
        out.nullable_string(self.protocol.as_deref());
        out.nullable_string(self.leader.as_deref());
        out.i64(self.state_timestamp_ms);
        out.count(self.members.len());
        for member in &self.members {
            out.string(&member.member_id);
            out.nullable_string(member.group_instance_id.as_deref());
            out.string(&member.client_id);
            out.string(&member.client_host);
            out.i32(member.rebalance_timeout_ms);
            out.i32(member.session_timeout_ms);
            out.bytes(&member.subscription);
            out.bytes(&member.assignment);
        }
        out.finish()
    }

    /// Reads versions 0 to 4.
    ///
    /// # Errors
    /// It is cut short, or of a later version.
    pub fn decode(bytes: &Bytes) -> Result<Self, Malformed> {
        let mut input = Reader::new(bytes);
        let version = input.i16("version")?;
        if !(0..=FLEXIBLE).contains(&version) {
            return Err(Malformed { field: "version of a group", problem: Problem::Version(version) });
        }
        if version >= FLEXIBLE {
            input.become_flexible();
        }
        let group = Self {
            protocol_type: input.string("protocol type")?,
            generation: input.i32("generation")?,
            protocol: input.nullable_string("protocol")?,
            leader: input.nullable_string("leader")?,
            state_timestamp_ms: if version >= WITH_STATE_TIMESTAMP {
                input.i64("state timestamp")?
            } else {
                -1
            },
            members: input.array("members", |input| StoredMember::decode(input, version))?,
        };
        input.skip_tags()?;
        Ok(group)
    }
}

impl StoredMember {
    fn decode(input: &mut Reader, version: i16) -> Result<Self, Malformed> {
        let member_id = input.string("member id")?;
        let group_instance_id =
            if version >= WITH_INSTANCE_ID { input.nullable_string("group instance id")? } else { None };
        let (client_id, client_host) = (input.string("client id")?, input.string("client host")?);
        let rebalance_timeout_ms =
            if version >= WITH_REBALANCE_TIMEOUT { Some(input.i32("rebalance timeout")?) } else { None };
        let session_timeout_ms = input.i32("session timeout")?;
        let member = Self {
            member_id,
            group_instance_id,
            client_id,
            client_host,
            rebalance_timeout_ms: rebalance_timeout_ms.unwrap_or(session_timeout_ms),
            session_timeout_ms,
            subscription: input.bytes("subscription")?,
            assignment: input.bytes("assignment")?,
        };
        input.skip_tags()?;
        Ok(member)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn metadata() -> GroupMetadata {
        let member = StoredMember {
            member_id: "m1".into(),
            group_instance_id: Some("i".into()),
            client_id: "c".into(),
            client_host: "/h".into(),
            rebalance_timeout_ms: 3,
            session_timeout_ms: 4,
            subscription: Bytes::from_static(b"s"),
            assignment: Bytes::from_static(b"as"),
        };
        GroupMetadata {
            protocol_type: "consumer".into(),
            generation: 5,
            protocol: Some("range".into()),
            leader: Some("m1".into()),
            state_timestamp_ms: 6,
            members: vec![member],
        }
    }

    /// Each version, written down by hand from `GroupMetadataValue.json`.
    #[test]
    fn every_version_is_read() {
        const HEAD: &[u8] = b"\x00\x08consumer\x00\x00\x00\x05\x00\x05range\x00\x02m1";
        const TIME: &[u8] = b"\x00\x00\x00\x00\x00\x00\x00\x06";
        const ONE: &[u8] = b"\x00\x00\x00\x01";
        const CLIENT: &[u8] = b"\x00\x01c\x00\x02/h";
        const TAIL: &[u8] = b"\x00\x00\x00\x04\x00\x00\x00\x01s\x00\x00\x00\x02as";
        let full = metadata();
        let mut dynamic = full.clone();
        dynamic.members[0].group_instance_id = None;
        let without_time = GroupMetadata { state_timestamp_ms: -1, ..dynamic.clone() };
        let mut oldest = without_time.clone();
        oldest.members[0].rebalance_timeout_ms = 4;
        let flexible =
            b"\x00\x04\x09consumer\x00\x00\x00\x05\x06range\x03m1\x00\x00\x00\x00\x00\x00\x00\x06\x02\
            \x03m1\x02i\x02c\x03/h\x00\x00\x00\x03\x00\x00\x00\x04\x02s\x03as\x00\x00";
        let known: [(&[&[u8]], GroupMetadata); 5] = [
            (&[b"\x00\x00", HEAD, ONE, b"\x00\x02m1", CLIENT, TAIL], oldest),
            (&[b"\x00\x01", HEAD, ONE, b"\x00\x02m1", CLIENT, b"\x00\x00\x00\x03", TAIL], without_time),
            (&[b"\x00\x02", HEAD, TIME, ONE, b"\x00\x02m1", CLIENT, b"\x00\x00\x00\x03", TAIL], dynamic),
            (
                &[b"\x00\x03", HEAD, TIME, ONE, b"\x00\x02m1\x00\x01i", CLIENT, b"\x00\x00\x00\x03", TAIL],
                full.clone(),
            ),
            (&[flexible], full),
        ];
        for (bytes, expected) in known {
            let bytes = Bytes::from(bytes.concat());
            assert_eq!(GroupMetadata::decode(&bytes), Ok(expected));
            for length in 0..bytes.len() {
                assert!(GroupMetadata::decode(&bytes.slice(..length)).is_err(), "{bytes:?} cut to {length}");
            }
        }
    }

    #[test]
    fn what_is_written_is_version_3() {
        let bytes = metadata().encode();
        assert_eq!(bytes[..2], [0, 3]);
        assert_eq!(GroupMetadata::decode(&bytes), Ok(metadata()));
        let empty = GroupMetadata { state_timestamp_ms: 1, ..Default::default() };
        assert_eq!(GroupMetadata::decode(&empty.encode()), Ok(empty));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_an_error(bytes: Vec<u8>) {
            let _either = GroupMetadata::decode(&Bytes::from(bytes));
        }
    }
}
