//! The attestations of GitHub, as they are and compressed with snappy: both are read alike or refused, within the caps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::attestation::forms;

fuzz_target!(|bytes: &[u8]| {
    let plain = forms::read(bytes);
    if let Ok(addresses) = forms::elsewhere(bytes) {
        assert!(addresses.len() <= forms::MAX_BUNDLES);
    }
    if bytes.starts_with(b"{") {
        let packed = snap::raw::Encoder::new().compress_vec(bytes).expect("it is small");
        // A block whose first byte is a brace is taken for JSON, which no block of a bundle's length begins with.
        if packed[0] != b'{' && packed[0] != b'[' && !packed[0].is_ascii_whitespace() {
            assert_eq!(forms::read(&packed), plain);
        }
    }
});
