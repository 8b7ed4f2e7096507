//! Peak live heap while decoding stays within 64 times the frame and 4 KiB, whatever the bytes are.
//!
//! `CHRONIK_FUZZ_FRAMES` sets the number of frames (default below); the seed is fixed, so a run can be repeated.
#![cfg(not(any(loom, shuttle)))]
#![expect(unsafe_code, reason = "a counting allocator wraps the system's")]

mod hostile;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::{BufMut, Bytes, BytesMut};
use chronik_kafka::message::{self, Message, RequestBody, ResponseBody};
use chronik_kafka::sample::Source;
use chronik_kafka::{ApiKey, RequestHeader, ResponseHeader, with_apis};

use hostile::{damage, dense_frame};

const DEFAULT_FRAMES: u64 = 400_000;
const BYTES_PER_FRAME_BYTE: usize = 64;
const BYTES_PER_FRAME: usize = 4096;
/// The ratio is reported for frames from this size on; below it the constant dominates.
const RATIO_FROM: usize = 256;
const SEEDS_PER_SHAPE: usize = 12;

struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

fn count_alloc(size: usize) {
    LIVE.with(|live| {
        live.set(live.get() + size);
        PEAK.with(|peak| peak.set(peak.get().max(live.get())));
    });
}

fn count_dealloc(size: usize) {
    LIVE.with(|live| live.set(live.get().saturating_sub(size)));
}

// SAFETY: every call is passed on to the system allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_alloc(layout.size());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count_dealloc(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both blocks may live while the contents move.
        count_alloc(new_size);
        // SAFETY: as above.
        let moved = unsafe { System.realloc(pointer, layout, new_size) };
        count_dealloc(layout.size());
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Peak live heap beyond what was live before, while `work` runs.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (PEAK.get() - before, result)
}

/// One API in one version and direction, with valid bodies to start from.
struct Shape {
    api: ApiKey,
    version: i16,
    is_request: bool,
    bodies: Vec<Bytes>,
    /// Computed bound, in heap bytes for each byte of the frame.
    heap_per_byte: usize,
}

fn shape<M: Message>(version: i16, is_request: bool) -> Shape {
    let mut source = Source::new(u64::from(version.cast_unsigned()) + 1);
    let bodies = (0..SEEDS_PER_SHAPE)
        .map(|_| message::to_bytes(&message::sample::<M>(&mut source, version), version).unwrap())
        .collect();
    Shape { api: M::API, version, is_request, bodies, heap_per_byte: message::heap_per_byte::<M>(version) }
}

macro_rules! all_shapes {
    ($(
        $name:ident = $key:literal [$min:literal - $max:literal] flexible $flexible:tt
            => $module:ident::{$request:ident, $response:ident};
    )*) => {
        fn shapes() -> Vec<Shape> {
            let mut shapes = Vec::new();
            $(for version in ApiKey::$name.versions().iter() {
                shapes.push(shape::<message::$request>(version, true));
                shapes.push(shape::<message::$response>(version, false));
            })*
            shapes
        }
    };
}

with_apis!(all_shapes);

impl Shape {
    /// A frame as it comes off the socket: header, then a body that is valid, damaged, or hostile.
    fn frame(&self, source: &mut Source) -> BytesMut {
        let mut frame = self.header();
        let body_from = frame.len();
        frame.extend_from_slice(&self.bodies[source.below(self.bodies.len())]);
        for _ in 0..=source.below(3) {
            damage(&mut frame, body_from, source);
        }
        frame
    }

    fn name(&self) -> String {
        let direction = if self.is_request { "request" } else { "response" };
        format!("{:?} {direction} v{}", self.api, self.version)
    }

    fn header(&self) -> BytesMut {
        let mut out = BytesMut::new();
        if self.is_request {
            out.put_i16(self.api.code());
            out.put_i16(self.version);
        }
        out.put_i32(1);
        if self.is_request {
            out.put_i16(-1);
        }
        let header_version = if self.is_request {
            self.api.request_header_version(self.version) - 1
        } else {
            self.api.response_header_version(self.version)
        };
        if header_version == 1 {
            out.put_u8(0);
        }
        out
    }

    fn decode(&self, mut frame: Bytes) -> Decoded {
        if self.is_request {
            let header = RequestHeader::decode(&mut frame).map_err(drop)?;
            let body = RequestBody::decode(header.api, header.version, &frame).map_err(drop)?;
            Ok(Box::new(body))
        } else {
            ResponseHeader::decode(&mut frame, self.api, self.version).map_err(drop)?;
            let body = ResponseBody::decode(self.api, self.version, &frame).map_err(drop)?;
            Ok(Box::new(body))
        }
    }
}

/// The decoded message is kept alive until the peak is read.
type Decoded = Result<Box<dyn std::any::Any>, ()>;

#[derive(Default)]
struct Report {
    frames: u64,
    decoded: u64,
    worst_ratio: f64,
    worst: String,
}

impl Report {
    fn record(&mut self, shape: &Shape, length: usize, peak: usize, decoded: bool) {
        let label = || format!("{}, {length} bytes, peak {peak}", shape.name());
        assert!(peak <= shape.heap_per_byte * length + BYTES_PER_FRAME, "over the bound: {}", label());
        self.frames += 1;
        self.decoded += u64::from(decoded);
        let ratio = as_f64(peak) / as_f64(length);
        if length >= RATIO_FROM && ratio > self.worst_ratio {
            self.worst_ratio = ratio;
            self.worst = label();
        }
    }
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("frames of this test are small"))
}

/// The bound computed from the schemas: for each level of nesting, what an element takes in memory over what it
/// takes at least on the wire. The other tests measure against it.
#[test]
fn the_computed_bound_is_at_most_64() {
    let shapes = shapes();
    let worst = shapes.iter().max_by_key(|shape| shape.heap_per_byte).unwrap();
    println!("heap bound: computed worst {} ({})", worst.heap_per_byte, worst.name());
    assert!(worst.heap_per_byte <= BYTES_PER_FRAME_BYTE, "{}", worst.name());
}

#[test]
fn decoding_keeps_within_64_times_the_frame() {
    let frames = std::env::var("CHRONIK_FUZZ_FRAMES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(DEFAULT_FRAMES);
    let shapes = shapes();
    let mut source = Source::new(0x6368_726f_6e69_6b00);
    let mut report = Report::default();
    for _ in 0..frames {
        let shape = &shapes[source.below(shapes.len())];
        let frame = shape.frame(&mut source).freeze();
        let length = frame.len();
        let (peak, decoded) = peak_of(|| shape.decode(frame));
        report.record(shape, length, peak, decoded.is_ok());
    }
    println!(
        "heap bound: {} frames over {} shapes, {} decoded, worst ratio {:.1} ({})",
        report.frames,
        shapes.len(),
        report.decoded,
        report.worst_ratio,
        report.worst
    );
}

/// Every position of a short valid body, replaced by an array as long as the rest of the frame may allow, of the
/// smallest elements: the search for the worst ratio that chance would need long for.
#[test]
fn the_densest_arrays_keep_within_the_bound() {
    let mut report = Report::default();
    for shape in &shapes() {
        let header = shape.header();
        let body = shape.bodies.iter().min_by_key(|body| body.len()).unwrap();
        for at in 0..body.len().min(48) {
            for divisor in [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 18, 22, 26, 36] {
                for (filler, compact) in [(0, false), (0, true), (1, true)] {
                    let frame = dense_frame(&header, &body[..at], divisor, filler, compact);
                    let length = frame.len();
                    let (peak, decoded) = peak_of(|| shape.decode(frame));
                    report.record(shape, length, peak, decoded.is_ok());
                }
            }
        }
    }
    println!(
        "heap bound: {} dense frames, worst ratio {:.1} ({})",
        report.frames, report.worst_ratio, report.worst
    );
}

/// The largest claim in the smallest frame: what made other decoders abort the process.
#[test]
fn a_tiny_frame_with_the_largest_count_allocates_next_to_nothing() {
    for &api in ApiKey::ALL {
        for version in api.versions().iter() {
            for claim in [&[0x7f, 0xff, 0xff, 0xff][..], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
                for padding in 0..32 {
                    let mut body = vec![0; padding];
                    body.extend_from_slice(claim);
                    let body = Bytes::from(body);
                    let (peak, _kept) = peak_of(|| {
                        (RequestBody::decode(api, version, &body), ResponseBody::decode(api, version, &body))
                    });
                    assert!(peak <= BYTES_PER_FRAME, "{api:?} v{version}: {peak} bytes");
                }
            }
        }
    }
}
