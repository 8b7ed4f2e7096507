//! What a consumer subscribes to: the front of `ConsumerProtocolSubscription`, which is the same in every version.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use chronik_kafka::Str;

/// The topics of all subscriptions; `None` if one of them cannot be read.
pub(super) fn of_all(subscriptions: impl Iterator<Item = Bytes>) -> Option<BTreeSet<Str>> {
    let mut topics = BTreeSet::new();
    for subscription in subscriptions {
        read(subscription, &mut topics)?;
    }
    Some(topics)
}

/// Version, then an array of topic names.
fn read(mut bytes: Bytes, topics: &mut BTreeSet<Str>) -> Option<()> {
    let version = bytes.try_get_i16().ok()?;
    let count = bytes.try_get_i32().ok()?;
    if version < 0 || count < 0 {
        return None;
    }
    for _ in 0..count {
        let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
        if bytes.len() < length {
            return None;
        }
        topics.insert(Str::from_utf8(bytes.split_to(length)).ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_all_members_are_joined() {
        let subscription = |bytes: &'static [u8]| Bytes::from_static(bytes);
        let first = subscription(b"\x00\x00\x00\x00\x00\x02\x00\x01a\x00\x01b\xff\xff\xff\xff");
        let second = subscription(b"\x00\x03\x00\x00\x00\x01\x00\x01c\x00\x00\x00\x00");
        let topics = of_all([first.clone(), second].into_iter()).unwrap();
        assert!(topics.iter().map(Str::as_str).eq(["a", "b", "c"]));
        for bad in [
            &b""[..],
            b"\x00\x00\x00\x00\x00\x01",
            b"\xff\xff\x00\x00\x00\x00",
            b"\x00\x00\x7f\xff\xff\xff\x00\x01a",
        ] {
            assert_eq!(of_all([first.clone(), Bytes::copy_from_slice(bad)].into_iter()), None, "{bad:?}");
        }
    }
}
