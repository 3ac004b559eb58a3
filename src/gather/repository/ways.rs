//! By which way a lock file comes to have a package: the shortest, from the project or from what nothing else needs.

use super::document::clipped;
use std::collections::{HashMap, HashSet, VecDeque};

/// The most packages that are named between the project and a tool; of a longer way, the two ends.
const MAX_WAY: usize = 32;

/// The ways to the packages of one lock.
pub(super) struct Ways {
    names: Vec<String>,
    before: Vec<Option<usize>>,
    roots: Vec<bool>,
}

impl Ways {
    /// The ways among packages with these names: `needs` says what each of them needs, `roots` which of them are the project itself.
    pub(super) fn of(names: &[String], needs: Vec<Vec<String>>, roots: &[bool]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            by_name.entry(name).or_default().push(index);
        }
        let mut before: Vec<Option<usize>> = vec![None; names.len()];
        let mut seen = vec![false; names.len()];
        let needed: HashSet<&str> = needs.iter().flatten().map(String::as_str).collect();
        let has_root = roots.iter().any(|is_root| *is_root);
        let is_start = |index: usize| if has_root { roots[index] } else { !needed.contains(names[index].as_str()) };
        let mut queue: VecDeque<usize> = (0..names.len()).filter(|index| is_start(*index)).collect();
        for start in &queue {
            seen[*start] = true;
        }
        while let Some(index) = queue.pop_front() {
            // What a package was needed for once is not asked again: a name is followed from its first place alone.
            for found in needs[index].iter().filter_map(|need| by_name.remove(need.as_str())).flatten() {
                if !std::mem::replace(&mut seen[found], true) {
                    before[found] = Some(index);
                    queue.push_back(found);
                }
            }
        }
        Self { names: names.to_vec(), before, roots: roots.to_vec() }
    }

    /// The packages that bring a package, outermost first; the project itself is none.
    pub(super) fn to(&self, index: usize) -> Vec<String> {
        let mut way = Vec::new();
        let mut at = index;
        while let Some(before) = self.before[at] {
            at = before;
            if !self.roots[at] {
                way.push(clipped(&self.names[at]));
            }
        }
        way.reverse();
        if way.len() > MAX_WAY {
            way.drain(MAX_WAY / 2..way.len() - MAX_WAY / 2);
        }
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(packages: &[(&str, &[&str], bool)]) -> Ways {
        let names: Vec<String> = packages.iter().map(|p| p.0.to_owned()).collect();
        let needs = packages.iter().map(|p| p.1.iter().map(|n| (*n).to_owned()).collect()).collect();
        Ways::of(&names, needs, &packages.iter().map(|p| p.2).collect::<Vec<_>>())
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
        let needs = (0..200).map(|i| vec![format!("p{}", i + 1)]).collect();
        let way = Ways::of(&names, needs, &[false; 200]).to(199);
        assert_eq!((way.len(), way[0].as_str(), way[MAX_WAY - 1].as_str()), (MAX_WAY, "p0", "p198"));
    }
}
