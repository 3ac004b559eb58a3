//! Wheels: the first line is the file name, what follows its descriptions; a tree or a reason comes out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::archive::{Contents, Unpacked};
use vetted::digest::Digest;
use vetted::layout::{vendor, wheel};

fuzz_target!(|bytes: &[u8]| {
    let _ = vendor::list(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = wheel::record::fields(text);
    let mut parts = text.split("\n===\n");
    let name = parts.next().unwrap_or_default();
    let info = name.split('-').take(2).collect::<Vec<_>>().join("-");
    let mut contents = Contents::default();
    for (file, part) in ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "x.py"].into_iter().zip(parts) {
        let name = if file == "x.py" { format!("{info}.data/purelib/{file}") } else { format!("{info}.dist-info/{file}") };
        let Digest::Sha256(sha256) = Digest::sha256_of(part.as_bytes()) else { return };
        let size = part.len() as u64;
        contents.files.push(Unpacked { name: name.clone(), sha256, size, executable: false, start: [0; 16], as_unix_script: None });
        contents.kept.insert(name, part.as_bytes().to_vec());
    }
    contents.files.sort_by(|a, b| a.name.cmp(&b.name));
    match wheel::lay(name, &contents) {
        Ok(laid) => assert!(laid.tree.list.files.iter().all(|file| vetted::digest::is_hashable_name(&file.name))),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});
