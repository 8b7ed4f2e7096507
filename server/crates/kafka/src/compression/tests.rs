use super::*;

const CODECS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| b"the quick brown fox "[at * at % 20]).collect()
}

#[test]
fn what_is_compressed_comes_back() {
    for codec in CODECS {
        for bytes in [0, 1, 100, 32 << 10, (32 << 10) + 1, 300_000] {
            let plain = text(bytes);
            let compressed = compress(codec, &plain).unwrap();
            assert_eq!(decompress(codec, &compressed, bytes).as_deref(), Ok(&plain[..]), "{codec:?} {bytes}");
            if bytes > 0 {
                let limit = bytes - 1;
                let refused = Err(CompressionError::TooLarge { limit });
                assert_eq!(decompress(codec, &compressed, limit), refused, "{codec:?} {bytes}");
            }
        }
    }
}

#[test]
fn bare_snappy_is_read_as_well() {
    let plain = text(100_000);
    let bare = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    assert_eq!(decompress(Compression::Snappy, &bare, 100_000).unwrap(), plain);
}

/// As snappy-java writes it: `SnappyOutputStream` over "abc" (header, one block with one literal).
#[test]
fn a_xerial_stream_is_what_snappy_java_writes() {
    let stream = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x05\x03\x08abc";
    assert_eq!(decompress(Compression::Snappy, stream, 3).unwrap(), b"abc");
    assert_eq!(compress(Compression::Snappy, b"abc").unwrap(), stream);
}

#[test]
fn a_bomb_costs_an_error() {
    let plain = vec![0; 64 << 20];
    for codec in CODECS {
        let bomb = compress(codec, &plain).unwrap();
        let refused = Err(CompressionError::TooLarge { limit: 1 << 20 });
        assert_eq!(decompress(codec, &bomb, 1 << 20), refused, "{codec:?}, {} bytes", bomb.len());
    }
    // A block that claims 4 GiB.
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    let refused = Err(CompressionError::TooLarge { limit: 1 << 20 });
    assert_eq!(decompress(Compression::Snappy, &claim, 1 << 20), refused);
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let plain = text(5_000);
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let sound = compress(codec, &plain).unwrap();
        for at in 0..sound.len() {
            let mut damaged = sound.clone();
            damaged[at] ^= 0x55;
            let _either = decompress(codec, &damaged, 10_000);
            let cut = decompress(codec, &sound[..at], 10_000);
            // A frame that ends between two blocks is shorter, no more: the batch's CRC and its count of records know better.
            assert!(cut.is_err() || plain.starts_with(&cut.unwrap()), "{codec:?} cut at {at}");
        }
        assert!(decompress(codec, b"no such thing", 10_000).is_err(), "{codec:?}");
    }
    assert!(
        decompress(Compression::Unknown(5), b"", 1).is_err()
            && compress(Compression::Unknown(7), b"").is_err()
    );
}
