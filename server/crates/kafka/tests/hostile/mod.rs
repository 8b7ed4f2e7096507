//! Ways to damage a frame, and to make the densest ones there are.

use bytes::{BufMut, Bytes, BytesMut};
use chronik_kafka::sample::Source;
use chronik_kafka::varint;

/// Bytes of the elements in [`dense_frame`].
const ELEMENT_BYTES: usize = 1500;

/// One random change to what stands behind `from`.
pub(crate) fn damage(frame: &mut BytesMut, from: usize, source: &mut Source) {
    if frame.len() <= from {
        return;
    }
    let at = from + source.below(frame.len() - from);
    match source.below(9) {
        0 => frame[at] ^= 1 << source.below(8),
        1 => frame[at] = source.next_u64().to_le_bytes()[0],
        2 => frame.truncate(at),
        3 => frame.put_bytes(source.next_u64().to_le_bytes()[0], source.below(300)),
        4 => overwrite(frame, at, &hostile_count(frame.len() - at, source).to_be_bytes()),
        5 => overwrite(frame, at, &hostile_varint(frame.len() - at, source)),
        6 => dense(frame, at, source),
        7 => frame[at..].fill_with(|| source.next_u64().to_le_bytes()[0]),
        _ => {}
    }
}

fn overwrite(frame: &mut BytesMut, at: usize, bytes: &[u8]) {
    let length = bytes.len().min(frame.len() - at);
    frame[at..at + length].copy_from_slice(&bytes[..length]);
}

/// Counts that lie: the extremes, and what the rest of the frame could just hold.
fn hostile_count(left: usize, source: &mut Source) -> i32 {
    match source.below(4) {
        0 => i32::MAX,
        1 => i32::MIN,
        2 => i32::from_be_bytes(source.next_u64().to_be_bytes()[..4].try_into().unwrap()),
        _ => i32::try_from(left.saturating_sub(4) / (1 + source.below(40))).unwrap(),
    }
}

fn hostile_varint(left: usize, source: &mut Source) -> Vec<u8> {
    let value = match source.below(3) {
        0 => u64::from(u32::MAX) - source.next_u64() % 2,
        1 => source.next_u64() >> 30,
        _ => u64::try_from(left.saturating_sub(1) / (1 + source.below(40))).unwrap(),
    };
    let mut out = Vec::new();
    varint::write_u64(&mut out, value);
    out
}

/// The densest frames: an array as long as the frame allows, of the smallest elements there are (zero: null,
/// empty, no tags; one: the compact empty string).
fn dense(frame: &mut BytesMut, at: usize, source: &mut Source) {
    let filler = *[0, 1, 2].get(source.below(3)).unwrap();
    frame[at..].fill(filler);
    frame.put_bytes(filler, source.below(3000));
    let left = frame.len() - at;
    if source.coin() {
        overwrite(frame, at, &hostile_count(left, source).to_be_bytes());
    } else {
        let count = hostile_varint(left, source);
        overwrite(frame, at, &count);
    }
}

/// Header, prefix, then an array of minimal elements: as many as fit if one takes `divisor` bytes.
pub(crate) fn dense_frame(header: &[u8], prefix: &[u8], divisor: usize, filler: u8, compact: bool) -> Bytes {
    let mut frame = BytesMut::from(header);
    frame.put_slice(prefix);
    let count = ELEMENT_BYTES / divisor;
    if compact {
        varint::write_u64(&mut frame, u64::try_from(count + 1).unwrap());
    } else {
        frame.put_i32(i32::try_from(count).unwrap());
    }
    frame.put_bytes(filler, ELEMENT_BYTES);
    frame.freeze()
}
