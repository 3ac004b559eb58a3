//! The built-in catalogue as it is compiled into the program: `catalogue.bin`, which a unit test makes of `catalogue.toml` and
//! `known.tsv` and compares with them. Parsing those costs 0.9 ms, a third of a commit's check; this costs a twentieth of it.

use super::known::{Finder, KnownFiles};
use super::names::{Name, Names};
use super::{Catalogue, Text, Tool};
use serde::Deserialize;

/// [`Compiled`] as `postcard` writes it.
static COMPILED: &[u8] = include_bytes!("catalogue.bin");
/// Files whose bytes are known. The lines are what is read; what is compiled says where a digest stands in them.
const KNOWN_FILES: &str = include_str!("known.tsv");

/// Everything that would be found out of the sources in each run.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(bound(deserialize = "'de: 'static"))]
struct Compiled {
    date: Text,
    tools: Vec<Tool>,
    /// In their order.
    names: Vec<Name>,
    known: Finder,
}

/// The catalogue; `None` where the bytes are not what they are tested to be.
pub(super) fn catalogue() -> Option<Catalogue> {
    let Compiled { date, tools, names, known } = postcard::from_bytes(COMPILED).ok()?;
    Some(Catalogue::of(date, tools, Names::of(names), KnownFiles::found_by(KNOWN_FILES, known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(tools: &'static str, known: &'static str) -> Vec<u8> {
        let Catalogue { date, tools, .. } = Catalogue::parse(tools, known).unwrap();
        let mut names: Vec<Name> = tools
            .iter()
            .enumerate()
            .flat_map(|(number, tool)| Names::of_tool(tool).map(move |(kind, name)| (kind, name, number)))
            .collect();
        names.sort();
        postcard::to_allocvec(&Compiled { date, tools, names, known: Finder::of(known) }).unwrap()
    }

    /// What is compiled is what the sources say. `VETTED_BLESS=1` writes it anew.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file is made here")]
    fn the_compiled_catalogue_is_that_of_its_sources() {
        let compiled = compile(include_str!("catalogue.toml"), KNOWN_FILES);
        if std::env::var_os("VETTED_BLESS").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalogue/catalogue.bin"), &compiled).unwrap();
        } else {
            assert!(compiled == COMPILED, "run `VETTED_BLESS=1 cargo test --lib compiled` after a change of the catalogue");
        }
    }

    /// Nothing of it is copied but ids.
    #[test]
    fn texts_are_part_of_the_program() {
        let catalogue = Catalogue::built_in();
        let program = COMPILED.as_ptr_range();
        assert!(catalogue.tools().iter().flat_map(|tool| &tool.npm).all(|name| program.contains(&name.as_ptr())));
    }
}
