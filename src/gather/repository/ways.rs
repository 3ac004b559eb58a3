//! By which way a lock file comes to have a package: the shortest, from the project or from what nothing else needs.

use super::document::clipped;
use std::cell::Cell;
use std::collections::{HashMap, HashSet, VecDeque};

/// The most packages that are named between the project and a tool; of a longer way, the two ends.
pub(super) const MAX_WAY: usize = 32;
/// Steps that are gone back from all tools of one file; past it, only the packages next to a tool are named.
const STEPS: usize = 10_000_000;

/// By which way a manager comes to install each package: the shortest.
pub(super) struct Ways {
    /// The package before it; none for the project itself and for what no way was found to.
    before: Vec<Option<usize>>,
    steps: Cell<usize>,
}

impl Ways {
    /// Ways from the roots to everything that is needed from there.
    pub(super) fn of(count: usize, roots: &[usize], mut needs: impl FnMut(usize) -> Vec<usize>) -> Self {
        let mut before = vec![None; count];
        let mut seen = vec![false; count];
        for root in roots {
            seen[*root] = true;
        }
        let mut queue: VecDeque<usize> = roots.iter().copied().collect();
        while let Some(index) = queue.pop_front() {
            for found in needs(index) {
                if !std::mem::replace(&mut seen[found], true) {
                    before[found] = Some(index);
                    queue.push_back(found);
                }
            }
        }
        Self { before, steps: Cell::new(STEPS) }
    }

    /// Whether something was found that brings it.
    pub(super) fn is_brought(&self, index: usize) -> bool {
        self.before[index].is_some()
    }

    /// The packages that bring a package, outermost first.
    pub(super) fn to<'n>(&self, index: usize, name: &dyn Fn(usize) -> Option<&'n str>) -> Vec<String> {
        let mut way: Vec<&str> = Vec::new();
        let mut at = index;
        while let Some(before) = self.before[at] {
            if self.steps.get() == 0 && way.len() == MAX_WAY {
                break;
            }
            self.steps.set(self.steps.get().saturating_sub(1));
            at = before;
            way.extend(name(at));
        }
        way.reverse();
        shortened(way)
    }
}

/// A way as reports show it: of a long one, the two ends.
pub(super) fn shortened(mut way: Vec<&str>) -> Vec<String> {
    if way.len() > MAX_WAY {
        way.drain(MAX_WAY / 2..way.len() - MAX_WAY / 2);
    }
    way.into_iter().map(clipped).collect()
}

/// The ways where a lock names what a package needs, and has each name at several places at most.
pub(super) struct NamedWays {
    ways: Ways,
    names: Vec<String>,
    roots: Vec<bool>,
}

impl NamedWays {
    /// The ways among packages with these names: `needs` says what each of them needs, `roots` which of them are the project itself.
    /// Without a project, what nothing else needs begins.
    pub(super) fn of(names: Vec<String>, needs: &[Vec<String>], roots: Vec<bool>) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            by_name.entry(name.as_str()).or_default().push(index);
        }
        let needed: HashSet<&str> = needs.iter().flatten().map(String::as_str).collect();
        let has_root = roots.iter().any(|is_root| *is_root);
        let is_start = |index: &usize| if has_root { roots[*index] } else { !needed.contains(names[*index].as_str()) };
        let starts: Vec<usize> = (0..names.len()).filter(is_start).collect();
        // What a package was needed for once is not asked again: a name is followed from its first place alone.
        let ways = Ways::of(names.len(), &starts, |index| {
            needs[index].iter().filter_map(|need| by_name.remove(need.as_str())).flatten().collect()
        });
        Self { ways, names, roots }
    }

    /// The packages that bring a package, outermost first; the project itself is none.
    pub(super) fn to(&self, index: usize) -> Vec<String> {
        self.ways.to(index, &|at| (!self.roots[at]).then_some(self.names[at].as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(packages: &[(&str, &[&str], bool)]) -> NamedWays {
        let names: Vec<String> = packages.iter().map(|p| p.0.to_owned()).collect();
        let needs: Vec<Vec<String>> = packages.iter().map(|p| p.1.iter().map(|n| (*n).to_owned()).collect()).collect();
        NamedWays::of(names, &needs, packages.iter().map(|p| p.2).collect())
    }

    #[test]
    fn the_shortest_way_from_the_project_is_told() {
        let found = ways(&[
            ("app", &["a", "b"], true),
            ("a", &["c"], false),
            ("b", &["a", "d"], false),
            ("c", &["d", "a"], false),
            ("d", &[], false),
        ]);
        assert_eq!(found.to(4), ["b"]);
        assert_eq!(found.to(3), ["a"]);
        assert_eq!(found.to(1), [] as [String; 0]);
        // Without a project what nothing needs begins.
        let found = ways(&[("a", &["b"], false), ("b", &["c"], false), ("c", &["b"], false)]);
        assert_eq!(found.to(2), ["a", "b"]);
    }

    #[test]
    fn a_long_way_keeps_its_ends() {
        let names: Vec<String> = (0..200).map(|i| format!("p{i}")).collect();
        let needs: Vec<Vec<String>> = (0..200).map(|i| vec![format!("p{}", i + 1)]).collect();
        let way = NamedWays::of(names, &needs, vec![false; 200]).to(199);
        assert_eq!((way.len(), way[0].as_str(), way[MAX_WAY - 1].as_str()), (MAX_WAY, "p0", "p198"));
    }
}
