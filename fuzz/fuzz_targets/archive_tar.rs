//! Tar archives: any bytes are read or refused, packed or before they are packed, and what comes out stays in its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write as _};
use vetted::archive::{Contents, Kind, Limits, contents};
use vetted::layout::npm;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { total: 16 << 20, file: 4 << 20, kept: 1 << 20, ..Limits::default() };
    let read = |bytes: &[u8]| contents(Cursor::new(bytes), Kind::TarGz, &limits, &npm::keep);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes what is written");
    let packed = encoder.finish().expect("memory takes what is written");
    for result in [read(bytes), read(&packed)] {
        match result {
            Ok(contents) => check(&contents),
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }
});

fn check(contents: &Contents) {
    let names = contents.files.iter().map(|file| &file.name).chain(contents.links.iter().map(|link| &link.name));
    for name in names {
        assert!(vetted::digest::is_hashable_name(name) && !name.starts_with('/'));
    }
    assert!(contents.files.windows(2).all(|pair| pair[0].name < pair[1].name));
    // What has no layout says why.
    if let Err(refusal) = npm::lay(contents) {
        assert!(!refusal.to_string().is_empty());
    }
}
