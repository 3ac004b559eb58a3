//! Names of npm packages that are tools, as a filter: a lock file names tens of thousands, of which a handful are. The table of names is
//! half full, so that a name that is not there is compared with one or two that are; here one bit answers, and nearly always the same.

/// Bits of the filter: about fifty for each name of the catalogue, so that one name in fifty passes that is none of them.
const BITS: usize = 1 << 15;

/// A set of names that may take a name for one of its own, and never misses one.
#[derive(Debug)]
pub(super) struct NpmNames(Box<[u64]>);

impl NpmNames {
    pub(super) fn of<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut words = vec![0; BITS / 64].into_boxed_slice();
        for name in names {
            let bit = bit_of(name);
            words[bit / 64] |= 1_u64 << (bit % 64);
        }
        Self(words)
    }

    pub(super) fn may_hold(&self, name: &str) -> bool {
        let bit = bit_of(name);
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }
}

/// One bit for each name: of its length and of the eight bytes at either end, where names differ.
fn bit_of(name: &str) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = name.as_bytes();
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or_else(|| short(name.as_bytes()), |bytes| u64::from_le_bytes(*bytes));
    let (first, last) = (word(bytes.first_chunk()), word(bytes.last_chunk()));
    let mixed = ((first ^ bytes.len() as u64).wrapping_mul(FACTOR).rotate_left(29) ^ last).wrapping_mul(FACTOR);
    // The high bits depend on all others.
    usize::try_from(mixed >> (u64::BITS - BITS.trailing_zeros())).unwrap_or_default()
}

/// The bytes of a name of less than eight.
fn short(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, Tool};
    use crate::tool::{Ecosystem, Kind, Package};
    use proptest::prelude::*;

    #[test]
    fn every_name_of_the_catalogue_passes_and_few_others_do() {
        let mut catalogue = Catalogue::built_in();
        for tool in catalogue.tools() {
            let platforms: Vec<String> = tool.npm_platform_packages().collect();
            for name in tool.npm.iter().map(|name| &**name).chain(platforms.iter().map(String::as_str)) {
                assert!(catalogue.has_npm_package(name), "{name}");
            }
        }
        let filter = catalogue.npm_names.get().unwrap();
        let passed = (0..10_000).filter(|i| filter.may_hold(&format!("package-{i}"))).count();
        assert!(passed < 500, "{passed}");
        // A tool that a manifest describes later is looked for as well.
        let name = (0..1_000).map(|i| format!("@acme/agent-{i}")).find(|name| !filter.may_hold(name)).unwrap();
        let package = [Package::new(Ecosystem::Npm, &name)];
        catalogue.add(Tool::described_by_manifest("acme".parse().unwrap(), "Acme", Kind::Cli, &package, &[])).unwrap();
        assert!(catalogue.has_npm_package(&name));
    }

    proptest! {
        #[test]
        fn no_name_is_missed(names in prop::collection::vec(".{0,20}", 0..50)) {
            let filter = NpmNames::of(names.iter().map(String::as_str));
            for name in &names {
                prop_assert!(filter.may_hold(name));
            }
        }
    }
}
