//! The built-in catalogue as it is compiled into the program: `catalogue.bin`, which a unit test makes of `catalogue.toml` and
//! `known.tsv` and compares with them. Parsing those cost 0.9 ms in each run, a third of a commit's check.

use super::known::{Finder, KnownFiles};
use super::names::{Names, Table};
use super::{Catalogue, Text, Tool};
use serde::Deserialize;
use std::sync::OnceLock;

/// [`Compiled`] as `postcard` writes it.
static COMPILED: &[u8] = include_bytes!("catalogue.bin");
/// Files whose bytes are known. The lines are what is read; what is compiled says where a digest stands in them.
const KNOWN_FILES: &str = include_str!("known.tsv");

/// Everything that would be found out of the sources in each run.
#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
struct Compiled {
    date: Text,
    /// How many tools there are.
    count: usize,
    /// The tools, by themselves: hardly any commit names one.
    tools: &'static [u8],
    names: Table,
    known: Finder,
}

/// The catalogue; `None` where the bytes are not what they are tested to be.
pub(super) fn catalogue() -> Option<Catalogue> {
    let Compiled { date, count, tools, names, known } = postcard::from_bytes(COMPILED).ok()?;
    let tools = Tools { count, built_in: tools, ..Tools::default() };
    Some(Catalogue::of(date, tools, Names::of(names), KnownFiles::found_by(KNOWN_FILES, known)))
}

/// The tools: those that are part of this program are decoded when any is first asked for.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// How many are part of this program.
    count: usize,
    built_in: &'static [u8],
    added: Vec<Tool>,
    all: OnceLock<Vec<Tool>>,
}

impl Tools {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count + self.added.len()
    }

    /// Add one.
    pub(super) fn push(&mut self, tool: Tool) {
        if let Some(all) = self.all.get_mut() {
            all.push(tool.clone());
        }
        self.added.push(tool);
    }

    /// All of them, those that were added last.
    pub(super) fn all(&self) -> &[Tool] {
        self.all.get_or_init(|| {
            let mut all: Vec<Tool> = match self.built_in {
                [] => Vec::new(),
                bytes => postcard::from_bytes(bytes).expect("the compiled tools are compared with their source by a unit test"),
            };
            all.extend_from_slice(&self.added);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use crate::tool::{Ecosystem, Package};
    use std::path::Path;

    fn compile(tools: &'static str, known: &'static str) -> Vec<u8> {
        let Catalogue { date, tools, .. } = Catalogue::parse(tools, known).unwrap();
        let (names, bytes) = (Table::of(tools.all()), postcard::to_allocvec(tools.all()).unwrap());
        let compiled = Compiled { date, count: tools.len(), tools: bytes.leak(), names, known: Finder::of(known) };
        postcard::to_allocvec(&compiled).unwrap()
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

    #[test]
    fn it_says_what_its_sources_say() {
        let parsed = Catalogue::parse(include_str!("catalogue.toml"), KNOWN_FILES).unwrap();
        assert_eq!(Catalogue::built_in().tools(), parsed.tools());
        assert_eq!(Catalogue::built_in().date, parsed.date);
    }

    /// Nothing of it is copied but ids.
    #[test]
    fn texts_are_part_of_the_program() {
        let catalogue = Catalogue::built_in();
        let program = COMPILED.as_ptr_range();
        assert!(catalogue.tools().iter().flat_map(|tool| &tool.npm).all(|name| program.contains(&name.as_ptr())));
    }

    /// A commit that names no tool decodes none.
    #[test]
    fn tools_are_decoded_when_one_is_asked_for() {
        let mut catalogue = Catalogue::built_in();
        let starter = include_bytes!("../trust/starter.toml");
        catalogue.learn_files_of(&Manifest::parse(Path::new("starter.toml"), starter).unwrap()).unwrap();
        assert!(catalogue.by_package(&Package::new(Ecosystem::Npm, "left-pad")).is_none());
        assert!(catalogue.tools.all.get().is_none());
        assert!(catalogue.tool(&"claude-code".parse().unwrap()).is_some() && catalogue.tools.all.get().is_some());
    }
}
