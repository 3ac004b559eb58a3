//! Scripts as strangers write them, by themselves and in the files that hold some. Any bytes are read; what is found stands on a line of
//! the file, and reading goes on where a quote or a bracket is never closed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::LazyLock;
use vetted::catalogue::Catalogue;
use vetted::gather::repository::read_for_fuzzing;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

const PATHS: [&str; 6] = ["a.sh", "Dockerfile", "Makefile", "justfile", "flake.nix", "Brewfile"];

fuzz_target!(|bytes: &[u8]| {
    let lines = u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count() + 1).expect("a small file");
    for path in PATHS.map(Path::new) {
        for mention in read_for_fuzzing(path, bytes, &CATALOGUE).mentions {
            assert!(mention.location.line.is_some_and(|line| (1..=lines).contains(&line)), "{path:?}: {mention:?}");
        }
    }
});
