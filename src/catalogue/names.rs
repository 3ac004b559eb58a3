//! Which tools a name stands for.
//!
//! The names of the built-in tools are a hash table that was made with the program, and nothing of it is read before it is searched:
//! a repository asks for thousands of names, of which hardly any is here.

use super::{Text, Tool};
use crate::tool::Ecosystem;
use serde::Deserialize;
use std::collections::HashMap;

/// What kind of name it is: the same text in two kinds is two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum NameKind {
    /// The id of a tool.
    Id,
    /// A package, by its normalised name.
    Package(Ecosystem),
    /// An npm package that holds a program for one platform.
    PlatformPackage,
    /// The file name of a program, without `.exe`.
    Program,
}

impl NameKind {
    fn number(self) -> u8 {
        match self {
            Self::Id => 0,
            Self::PlatformPackage => 1,
            Self::Program => 2,
            Self::Package(ecosystem) => 3 + ecosystem as u8,
        }
    }
}

/// The names of all tools.
#[derive(Debug, Default)]
pub(super) struct Names {
    built_in: Table,
    added: HashMap<NameKind, HashMap<Text, Vec<usize>>>,
}

impl Names {
    pub(super) fn of(built_in: Table) -> Self {
        Self { built_in, added: HashMap::new() }
    }

    /// Every name of a tool.
    pub(super) fn of_tool(tool: &Tool) -> impl Iterator<Item = (NameKind, Text)> {
        let id = (NameKind::Id, Text::from(tool.id.to_string()));
        let packages = tool.packages().map(|package| (NameKind::Package(package.ecosystem), package.name.into()));
        let platforms = tool.npm_platform_packages().map(|name| (NameKind::PlatformPackage, name.into()));
        let programs = tool.binaries.iter().map(|name| (NameKind::Program, name.clone()));
        std::iter::once(id).chain(packages).chain(platforms).chain(programs)
    }

    /// Add the names of a tool.
    pub(super) fn add(&mut self, tool: &Tool, number: usize) {
        for (kind, name) in Self::of_tool(tool) {
            self.added.entry(kind).or_default().entry(name).or_default().push(number);
        }
    }

    /// Every name of a kind.
    pub(super) fn of_kind(&self, kind: NameKind) -> impl Iterator<Item = &str> {
        let added = self.added.get(&kind).into_iter().flat_map(HashMap::keys).map(|name| &**name);
        self.built_in.of_kind(kind).chain(added)
    }

    /// The numbers of the tools that have a name, in the order of the catalogue.
    pub(super) fn find(&self, kind: NameKind, name: &str) -> impl Iterator<Item = usize> {
        let added = if self.added.is_empty() { None } else { self.added.get(&kind).and_then(|names| names.get(name)) };
        self.built_in.find(kind, name).chain(added.into_iter().flatten().copied())
    }
}

/// Kind, length, number of the tool, where the name begins in the text.
const RECORD: usize = 1 + 1 + 2 + 4;

/// A hash table whose numbers are little-endian, with open addressing: what begins at the slot of a name and ends at an empty slot may
/// be that name.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
pub(super) struct Table {
    /// For each slot the record that is there, from 1. As many as a power of two, of which at least half are empty.
    slots: &'static [u8],
    records: &'static [u8],
    text: &'static str,
}

impl Table {
    fn of_kind(&self, kind: NameKind) -> impl Iterator<Item = &str> {
        let (records, text) = (self.records.as_chunks::<RECORD>().0, self.text);
        records.iter().filter_map(move |[of, length, _, _, start @ ..]| {
            let start = u32::from_le_bytes(*start) as usize;
            text.get(start..start + usize::from(*length)).filter(|_| *of == kind.number())
        })
    }

    fn find(&self, kind: NameKind, name: &str) -> impl Iterator<Item = usize> {
        let slots = self.slots.as_chunks::<2>().0;
        let records = self.records.as_chunks::<RECORD>().0;
        let (before, from) = slots.split_at(slot(kind, name, slots.len()));
        let found =
            from.iter().chain(before).map_while(move |slot| records.get(usize::from(u16::from_le_bytes(*slot)).checked_sub(1)?));
        found.filter_map(move |[of, length, low, high, start @ ..]| {
            let is_it = *of == kind.number() && usize::from(*length) == name.len() && {
                let start = u32::from_le_bytes(*start) as usize;
                self.text.as_bytes().get(start..start + name.len()) == Some(name.as_bytes())
            };
            is_it.then(|| usize::from(u16::from_le_bytes([*low, *high])))
        })
    }
}

/// Where a name is looked for first: told by its kind, its length and eight bytes each of its beginning, its middle and its end, where
/// names differ, because a lock asks for tens of thousands. Whoever chooses names to be slow gains nothing: there is only so much here
/// to run into.
fn slot(kind: NameKind, name: &str, slots: usize) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = name.as_bytes();
    let parts = match (bytes.first_chunk(), bytes.get(bytes.len() / 2..).and_then(<[u8]>::first_chunk), bytes.last_chunk()) {
        (Some(first), middle, Some(last)) => [first, middle.unwrap_or(last), last].map(|part| u64::from_le_bytes(*part)),
        _ => [bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0, 0],
    };
    let seed = (bytes.len() as u64) << 8 | u64::from(kind.number());
    let hash = parts.into_iter().fold(seed, |hash, part| (hash ^ part).wrapping_mul(FACTOR).rotate_left(29));
    // The low bits of the whole, the high ones mixed in.
    usize::try_from((hash ^ (hash >> 32)) & u64::from(u32::MAX)).unwrap_or_default() & slots.saturating_sub(1)
}

#[cfg(test)]
impl Table {
    /// A table for as long as the tests run.
    pub(super) fn of(tools: &[Tool]) -> Self {
        let named: Vec<_> =
            tools.iter().enumerate().flat_map(|(number, tool)| Names::of_tool(tool).map(move |n| (n, number))).collect();
        let mut slots = vec![[0_u8; 2]; (named.len() * 2).next_power_of_two()];
        let (mut records, mut text) = (Vec::new(), String::new());
        for (index, ((kind, name), number)) in named.iter().enumerate() {
            let first = slot(*kind, name, slots.len());
            let free = (first..slots.len()).chain(0..first).find(|slot| slots[*slot] == [0; 2]).unwrap();
            slots[free] = u16::try_from(index + 1).unwrap().to_le_bytes();
            records.extend([kind.number(), u8::try_from(name.len()).unwrap()]);
            records.extend(u16::try_from(*number).unwrap().to_le_bytes());
            records.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            text.push_str(name);
        }
        Self { slots: slots.concat().leak(), records: records.leak(), text: text.leak() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn every_name_leads_to_the_tools_that_have_it() {
        let catalogue = Catalogue::built_in();
        let tools = catalogue.tools();
        for (number, tool) in tools.iter().enumerate() {
            for (kind, name) in Names::of_tool(tool) {
                let found: Vec<usize> = catalogue.names.find(kind, &name).collect();
                let with_it: Vec<usize> =
                    (0..tools.len()).filter(|other| Names::of_tool(&tools[*other]).any(|n| n == (kind, name.clone()))).collect();
                assert!(found.contains(&number) && found == with_it, "{name}: {found:?}, not {with_it:?}");
                assert!(catalogue.names.find(kind, &format!("{name}x")).next().is_none_or(|n| n != number), "{name}");
            }
        }
        assert_eq!(catalogue.names.find(NameKind::Id, "").count(), 0);
        assert_eq!(Names::default().find(NameKind::Id, "claude-code").count(), 0);
    }

    #[test]
    fn what_is_added_is_found_after_what_is_built_in() {
        let mut catalogue = Catalogue::built_in();
        let count = catalogue.tools().len();
        let own = Tool { binaries: vec!["claude".into()], ..Tool::unknown("own".parse().unwrap()) };
        catalogue.add(own).unwrap();
        let ids = |catalogue: &Catalogue| catalogue.by_binary("claude").map(|tool| tool.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(&catalogue), ["claude-code", "own"]);
        // Whether it was added before or after the others were looked at.
        let mut other = Catalogue::built_in();
        other.add(Tool { binaries: vec!["claude".into()], ..Tool::unknown("own".parse().unwrap()) }).unwrap();
        assert_eq!((ids(&other), other.tools().len()), (ids(&catalogue), count + 1));
    }
}
