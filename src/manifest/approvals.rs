//! The approvals of a tool: as they were read from a document, or still in the index of one ([`super::index`]), where each is
//! decoded when somebody asks for it. A check sees a few dozen tools; a large organisation approves thousands of versions.

use super::Approval;
use super::index::Index;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Arc, OnceLock};

/// The approvals of one tool, in file order. As a slice it holds all of them; [`Approvals::versions`] and [`Approvals::of_version`]
/// touch no more than they give back.
#[derive(Clone, Default)]
pub struct Approvals(Source);

#[derive(Clone)]
enum Source {
    Listed(Vec<Approval>),
    Indexed(Indexed),
}

/// A part of an index.
#[derive(Clone)]
struct Indexed {
    index: Arc<Index>,
    /// Numbers of approvals in the index.
    range: Range<usize>,
    /// Those that were asked for one by one, by their place in the range.
    some: OnceLock<Vec<OnceLock<Approval>>>,
    all: OnceLock<Vec<Approval>>,
}

impl Default for Source {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl Approvals {
    /// Those of an index with these numbers, all of which it has.
    pub(super) fn of_index(index: Arc<Index>, range: Range<usize>) -> Self {
        Self(Source::Indexed(Indexed { index, range, some: OnceLock::new(), all: OnceLock::new() }))
    }

    /// The index they stand in.
    pub(super) fn index(&self) -> Option<&Arc<Index>> {
        match &self.0 {
            Source::Listed(_) => None,
            Source::Indexed(indexed) => Some(&indexed.index),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Source::Listed(list) => list.len(),
            Source::Indexed(indexed) => indexed.range.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The version of each, as its ecosystem writes it.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        let (listed, indexed) = match &self.0 {
            Source::Listed(list) => (list.as_slice(), None),
            Source::Indexed(indexed) => (&[][..], Some(indexed)),
        };
        let numbers = indexed.into_iter().flat_map(|i| i.range.clone().map(|number| i.index.version(number)));
        listed.iter().map(|approval| approval.version.as_str()).chain(numbers)
    }

    /// Those whose version is meant.
    #[must_use]
    pub fn of_version(&self, is_meant: impl Fn(&str) -> bool) -> Vec<&Approval> {
        match &self.0 {
            Source::Listed(list) => list.iter().filter(|approval| is_meant(&approval.version)).collect(),
            Source::Indexed(indexed) => {
                let meant = indexed.range.clone().filter(|number| is_meant(indexed.index.version(*number)));
                meant.map(|number| indexed.one(number)).collect()
            }
        }
    }
}

impl Indexed {
    fn one(&self, number: usize) -> &Approval {
        let some = self.some.get_or_init(|| self.range.clone().map(|_| OnceLock::new()).collect());
        some[number - self.range.start].get_or_init(|| self.index.approval(number))
    }

    fn all(&self) -> &Vec<Approval> {
        self.all.get_or_init(|| self.range.clone().map(|number| self.index.approval(number)).collect())
    }
}

impl Deref for Approvals {
    type Target = [Approval];

    fn deref(&self) -> &[Approval] {
        match &self.0 {
            Source::Listed(list) => list,
            Source::Indexed(indexed) => indexed.all(),
        }
    }
}

/// What is changed stands in no index any more.
impl DerefMut for Approvals {
    fn deref_mut(&mut self) -> &mut [Approval] {
        if let Source::Indexed(indexed) = &self.0 {
            self.0 = Source::Listed(indexed.all().clone());
        }
        match &mut self.0 {
            Source::Listed(list) => list,
            Source::Indexed(_) => &mut [],
        }
    }
}

impl From<Vec<Approval>> for Approvals {
    fn from(list: Vec<Approval>) -> Self {
        Self(Source::Listed(list))
    }
}

impl FromIterator<Approval> for Approvals {
    fn from_iter<I: IntoIterator<Item = Approval>>(approvals: I) -> Self {
        Vec::from_iter(approvals).into()
    }
}

impl<'a> IntoIterator for &'a Approvals {
    type Item = &'a Approval;
    type IntoIter = std::slice::Iter<'a, Approval>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Approvals {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Approvals {}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Approvals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Approvals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}
