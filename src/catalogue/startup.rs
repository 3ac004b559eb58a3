//! Files that Python runs at its start and whose bytes are known: `startup.tsv`. What makes an environment puts them there, and they
//! belong to no tool; with any other bytes they are somebody's code that runs before the tool does.

use crate::digest::Digest;

/// The data compiled into the program.
const STARTUP_FILES: &str = include_str!("startup.tsv");

/// Whether a file of this name with these bytes is one that a known installer writes.
#[must_use]
pub fn is_known_startup_file(name: &str, bytes: &[u8]) -> bool {
    let sha256 = Digest::sha256_of(bytes).hex();
    lines().any(|line| (line.name, line.sha256) == (name, sha256.as_str()))
}

struct Line {
    name: &'static str,
    sha256: &'static str,
}

fn lines() -> impl Iterator<Item = Line> {
    STARTUP_FILES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Line { name: fields.next()?, sha256: fields.next()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    #[test]
    fn every_line_is_whole() {
        for line in STARTUP_FILES.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 3, "{line}");
            assert!(Digest::parse(Algorithm::Sha256, fields[1]).is_ok() && !fields[2].trim().is_empty(), "{line}");
        }
    }

    #[test]
    fn only_the_very_bytes_are_known() {
        assert!(is_known_startup_file("_virtualenv.pth", b"import _virtualenv"));
        assert!(!is_known_startup_file("_virtualenv.pth", b"import _virtualenv; import evil"));
        assert!(!is_known_startup_file("other.pth", b"import _virtualenv"));
        let shim = b"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; \
                     enabled and __import__('_distutils_hack').add_shim(); \n";
        assert_eq!(shim.len(), 151);
        assert!(is_known_startup_file("distutils-precedence.pth", shim));
    }
}
