//! Which tools a name stands for.

use super::{Text, Tool};
use crate::tool::Ecosystem;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What kind of name it is: the same text in two kinds is two names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
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

/// A name and the number of a tool that has it.
pub(super) type Name = (NameKind, Text, usize);

/// The names of all tools.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Sorted when the program was made, so that nothing has to be put in order when it starts.
    built_in: Vec<Name>,
    added: BTreeMap<NameKind, BTreeMap<Text, Vec<usize>>>,
}

impl Names {
    /// Of names that are in order.
    pub(super) fn of(built_in: Vec<Name>) -> Self {
        Self { built_in, added: BTreeMap::new() }
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

    /// The numbers of the tools that have a name, in the order of the catalogue.
    pub(super) fn find(&self, kind: NameKind, name: &str) -> impl Iterator<Item = usize> {
        let wanted = (kind, name);
        let start = self.built_in.partition_point(|(kind, name, _)| (*kind, name.as_str()) < wanted);
        let built_in = self.built_in[start..].iter().take_while(move |(kind, name, _)| (*kind, name.as_str()) == wanted);
        let added = self.added.get(&kind).and_then(|names| names.get(name));
        built_in.map(|(_, _, number)| *number).chain(added.into_iter().flatten().copied())
    }
}
