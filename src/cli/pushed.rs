//! What a push brings, as git tells its `pre-push` and `pre-receive` hooks on standard input, and as pre-commit and prek tell it in the
//! environment.

use crate::error::Error;
use crate::gather::repository::Which;
use crate::world::World;
use crate::world::git::{Among, GitError, Repository};

/// The longest list of references that is read, in bytes: some 30,000 of them.
pub(super) const MAX_LIST: u64 = 4 << 20;

/// A reference that is given another commit.
#[derive(Debug, PartialEq, Eq)]
struct Update {
    /// What the other side has there; `None` where it has nothing, or nobody said.
    old: Option<String>,
    /// What it gets.
    new: String,
    /// Which references say what is there already.
    among: Among,
}

/// The ranges of commits to judge, each once.
///
/// `list` is what stood on standard input. Where nothing did, pre-commit's variables say what is pushed, and without them it is HEAD: a
/// hook manager that keeps standard input to itself makes more be looked at, not less.
///
/// # Errors
/// [`Error`] when a line is none of git's, or what is pushed cannot be read.
pub(super) fn ranges(list: &[u8], repository: &Repository, world: &World) -> Result<Vec<Which>, Error> {
    let text = std::str::from_utf8(list).map_err(|e| not_gits("it is not UTF-8").because(&e))?;
    let updates: Vec<Update> = if text.is_empty() {
        told_by_a_framework(repository, world).into_iter().collect()
    } else {
        let lines: Vec<Option<Update>> = text.lines().map(update).collect::<Result<_, _>>()?;
        lines.into_iter().flatten().collect()
    };
    let unreadable = |e: GitError| Error::undecided("cannot tell what the push brings").because(&e);
    let mut ranges = Vec::new();
    for Update { old, new, among } in updates {
        // The other side may have what was never fetched. What is pushed over it is judged against what is known.
        let base = match old.filter(|old| among == Among::All || repository.has_commit(old)) {
            Some(old) => old,
            None => repository.beginning_of(&new, among).map_err(unreadable)?,
        };
        let range = Which::Range { base, head: new };
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    Ok(ranges)
}

/// What one line says (githooks, `pre-push` and `pre-receive`); nothing where a reference is deleted.
fn update(line: &str) -> Result<Option<Update>, Error> {
    let words: Vec<&str> = line.split(' ').collect();
    let (old, new, among) = match words[..] {
        // OLD NEW REFERENCE, on the side that is pushed to.
        [old, new, _] if is_id(old) && is_id(new) => (old, new, Among::All),
        // WHAT ID REFERENCE OLD, on the side that pushes. What was pushed may have been named with blanks in it.
        [_, .., new, _, old] if words.len() >= 4 && is_id(old) && is_id(new) => (old, new, Among::Remotes),
        _ => return Err(not_gits("a line has another form").cause(crate::text::printable(line))),
    };
    let old = (!is_zero(old)).then(|| old.to_owned());
    Ok((!is_zero(new)).then(|| Update { old, new: new.to_owned(), among }))
}

/// What pre-commit and prek say of a push, else HEAD, where there is one.
fn told_by_a_framework(repository: &Repository, world: &World) -> Option<Update> {
    let said = |name: &str| world.env.text(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let new = said("PRE_COMMIT_TO_REF").or_else(|| said("PRE_COMMIT_LOCAL_BRANCH"));
    let old = new.as_ref().and_then(|_| said("PRE_COMMIT_FROM_REF")).filter(|old| !is_zero(old));
    match new {
        Some(new) => (!is_zero(&new)).then_some(Update { old, new, among: Among::Remotes }),
        None if repository.has_commit("HEAD") => Some(Update { old: None, new: "HEAD".to_owned(), among: Among::Remotes }),
        None => None,
    }
}

fn not_gits(why: &str) -> Error {
    Error::undecided("standard input is not what git tells its hooks about a push")
        .cause(why)
        .hint("`--pushed` is for `pre-push` and `pre-receive` hooks; elsewhere: `vetted check --range BASE..HEAD`")
}

fn is_id(word: &str) -> bool {
    matches!(word.len(), 40 | 64) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_zero(word: &str) -> bool {
    is_id(word) && word.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_lines_are_told_apart() {
        let (one, two, zero) = ("1".repeat(40), "2".repeat(40), "0".repeat(40));
        let says = |line: String| update(&line).map(|u| u.map(|u| (u.old, u.new, u.among)));
        let some = |old: Option<&str>, among| Some((old.map(str::to_owned), two.clone(), among));
        assert_eq!(says(format!("{one} {two} refs/heads/x")).unwrap(), some(Some(&one), Among::All));
        assert_eq!(says(format!("{zero} {two} refs/heads/x")).unwrap(), some(None, Among::All));
        assert_eq!(says(format!("refs/heads/y {two} refs/heads/x {one}")).unwrap(), some(Some(&one), Among::Remotes));
        assert_eq!(says(format!("HEAD@{{1 day ago}} {two} refs/heads/x {zero}")).unwrap(), some(None, Among::Remotes));
        assert_eq!(says(format!("(delete) {zero} refs/heads/x {one}")).unwrap(), None);
        assert_eq!(says(format!("{one} {zero} refs/heads/x")).unwrap(), None);
        let long = "a".repeat(64);
        assert!(says(format!("x {long} refs/heads/x {long}")).unwrap().is_some());
        for line in ["", "hello", "a b c d", &format!("{one} {two}"), &format!("{one} {two} "), &format!("x {one} y z")] {
            let is_form = *line == *format!("{one} {two} ");
            assert_eq!(says(line.to_owned()).is_ok(), is_form, "{line}");
        }
    }
}
