//! Zip archives: any bytes are read or refused, and what is read is what the crate `zip` reads too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Read as _};
use vetted::archive::{Kind, Limits, contents};
use vetted::layout::{jetbrains, program, vsix};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { total: 16 << 20, file: 4 << 20, ..Limits::default() };
    let contents = match contents(Cursor::new(bytes), Kind::Zip, &limits, &|_, size| size < 1 << 16) {
        Ok(contents) => contents,
        Err(refusal) => return assert!(!refusal.to_string().is_empty()),
    };
    assert!(contents.files.windows(2).all(|pair| pair[0].name < pair[1].name));
    let Ok(mut other) = zip::ZipArchive::new(Cursor::new(bytes)) else { return };
    for file in &contents.files {
        assert!(vetted::digest::is_hashable_name(&file.name));
        let Ok(mut entry) = other.by_name(&file.name) else { continue };
        let mut content = Vec::new();
        if entry.read_to_end(&mut content).is_ok()
            && let Some(kept) = contents.kept.get(&file.name)
        {
            assert!(*kept == content, "two readers see two files");
        }
    }
    let _ = (vsix::lay(&contents), jetbrains::lay(&contents), program::of_archive(&contents, None));
});
