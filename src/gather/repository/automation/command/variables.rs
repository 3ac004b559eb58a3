//! Variables that a file sets to a text it writes out: `VERSION=2.1.150`, then `npx package@$VERSION`.
//!
//! What a variable holds when a command runs cannot be known without running it: somebody else may set it, and one branch may set it
//! otherwise than another. So the command as it is written keeps its say, and each text that the file gives to the variable is one more
//! reading beside it. A reading can refuse something, never approve it in place of the command.

use super::script::Word;
use std::collections::HashMap;

/// The most variables of one file.
const MOST: usize = 512;
/// The most texts that one of them is remembered with.
const MOST_VALUES: usize = 8;
/// The longest text, and the longest word in which variables are replaced, in bytes.
const LONGEST: usize = 4_096;

/// Variables with the texts that a file gives them.
#[derive(Debug, Clone, Default)]
pub(in crate::gather::repository) struct Variables {
    values: HashMap<String, Vec<String>>,
}

impl Variables {
    /// One more text that a variable may have.
    pub(in crate::gather::repository) fn set(&mut self, name: &str, text: &str) {
        // What another command writes is not written out here.
        if text.is_empty()
            || text.len() > LONGEST
            || name.len() > LONGEST
            || ["`", "$(shell", "$( "].iter().any(|mark| text.contains(mark))
        {
            return;
        }
        if self.values.len() >= MOST && !self.values.contains_key(name) {
            return;
        }
        // A variable that repeats another one has its texts.
        for index in 0..MOST_VALUES {
            let text = self.replaced(text, index).map_or_else(|| text.to_owned(), |(text, _)| text);
            let known = self.values.entry(name.to_owned()).or_default();
            if known.contains(&text) || known.len() >= MOST_VALUES || text.len() > LONGEST {
                break;
            }
            known.push(text);
        }
    }

    /// What a command that stands in a script sets: `export NAME=value`, `for NAME in ...`, `$NAME = value`.
    pub(super) fn learn(&mut self, assignments: &[Word], words: &[Word]) {
        let assigned = |word: &Word| word.text.split_once('=').map(|(name, text)| (name.to_owned(), text.to_owned()));
        let exports = words.first().is_some_and(|word| {
            matches!(word.text.as_str(), "export" | "readonly" | "declare" | "typeset" | "local" | "set" | "ARG" | "ENV")
        });
        let exported = if exports { &words[1..] } else { &[] };
        for (name, text) in assignments.iter().chain(exported).filter_map(assigned) {
            self.set(name.trim_end_matches('+'), &text);
        }
        match words {
            [first, name, within, items @ ..] if first.text == "for" && within.text == "in" => {
                items.iter().take(MOST_VALUES).for_each(|item| self.set(&name.text, &item.text));
            }
            [name, equals, text, ..] if equals.text == "=" => {
                if let Some(name) = name.text.strip_prefix('$') {
                    self.set(name.strip_prefix("env:").unwrap_or(name), &text.text);
                }
            }
            _ => {}
        }
    }

    /// What the words of a command may come to besides what they are.
    pub(super) fn readings(&self, words: &[Word]) -> Vec<Vec<Word>> {
        let mut found: Vec<Vec<Word>> = Vec::new();
        if !words.iter().any(|word| word.text.contains(['$', '{', '%'])) {
            return found;
        }
        for index in 0..MOST_VALUES {
            let mut changed = false;
            let mut reading = Vec::with_capacity(words.len());
            for word in words {
                let (text, is_replaced) = match self.replaced(&word.text, index) {
                    Some((text, _)) => (text, true),
                    None => (word.text.clone(), false),
                };
                // What a variable holds is split at its spaces; so is what stands in braces, at its commas.
                let is_script = word.text.contains(char::is_whitespace);
                let parts: Vec<&str> = if is_replaced && !is_script { text.split_whitespace().collect() } else { vec![&text] };
                let parts: Vec<String> = parts.into_iter().flat_map(braced).collect();
                changed |= is_replaced || parts.len() != 1;
                reading.extend(parts.into_iter().map(|text| Word { text, ..word.clone() }));
            }
            if !changed || found.last() == Some(&reading) {
                break;
            }
            found.push(reading);
        }
        found
    }

    /// A text with the variables in it replaced by the text of this number that each was given, and whether any of them has one.
    /// Nothing where there is nothing to replace.
    fn replaced(&self, text: &str, index: usize) -> Option<(String, bool)> {
        if text.len() > LONGEST || !text.contains(['$', '%']) {
            return None;
        }
        let mut found = String::with_capacity(text.len());
        let mut changed = false;
        let mut rest = text;
        while let Some(at) = rest.find(['$', '%']) {
            found.push_str(&rest[..at]);
            rest = &rest[at..];
            let (value, length) = match reference(rest) {
                Some((name, default, length)) => {
                    let known = self.values.get(name).filter(|known| !known.is_empty());
                    (known.map(|known| known[index.min(known.len() - 1)].as_str()).or(default), length)
                }
                None => (None, 1),
            };
            changed |= value.is_some();
            found.push_str(value.unwrap_or(&rest[..length]));
            rest = &rest[length..];
            if found.len() > LONGEST {
                return None;
            }
        }
        found.push_str(rest);
        changed.then_some((found, true))
    }
}

/// The variable that a text begins with: `$NAME`, `${NAME}`, `${NAME:-default}`, `$(NAME)` of make, `${{ env.NAME }}` of workflows,
/// `$env:NAME`, `%NAME%`. Its name, what stands in its place without it, and how long it is.
fn reference(text: &str) -> Option<(&str, Option<&str>, usize)> {
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if let Some(rest) = text.strip_prefix("${{") {
        let end = rest.find("}}")?;
        let name = rest[..end].trim();
        return Some((name.strip_prefix("env.").unwrap_or(name), None, 3 + end + 2));
    }
    if let Some(rest) = text.strip_prefix("${") {
        let end = rest.find('}')?;
        let inner = rest[..end].strip_prefix("env:").unwrap_or(&rest[..end]);
        let name_end = inner.find([':', '-', '=']).unwrap_or(inner.len());
        let (name, default) = inner.split_at(name_end);
        let default = [":-", ":=", "-", "="].iter().find_map(|mark| default.strip_prefix(mark));
        return is_name(name).then_some((name, default, 2 + end + 1));
    }
    if let Some(rest) = text.strip_prefix("$(") {
        let end = rest.find(')')?;
        return is_name(&rest[..end]).then_some((&rest[..end], None, 2 + end + 1));
    }
    if let Some(rest) = text.strip_prefix('%') {
        let end = rest.find('%')?;
        return is_name(&rest[..end]).then_some((&rest[..end], None, 1 + end + 1));
    }
    let rest = text.strip_prefix('$')?;
    let before = if rest.starts_with("env:") { 4 } else { 0 };
    let length = rest[before..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len() - before);
    let name = &rest[before..before + length];
    is_name(name).then_some((name, None, 1 + before + length))
}

/// `a{b,c}d` as a shell has it: `abd`, `acd`. Braces in braces stay what they are.
fn braced(text: &str) -> Vec<String> {
    let whole = || vec![text.to_owned()];
    let Some(open) = text.find('{').filter(|open| !text[..*open].ends_with('$')) else { return whole() };
    let Some(close) = text[open..].find('}').map(|close| open + close) else { return whole() };
    let inner = &text[open + 1..close];
    if !inner.contains(',') || inner.contains(['{', ' ', '"', ':']) || inner.split(',').count() > MOST_VALUES {
        return whole();
    }
    inner
        .split(',')
        .map(|part| format!("{}{part}{}", &text[..open], &text[close + 1..]))
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        text.split(' ').map(|text| Word { text: text.to_owned(), line: 1, is_substituted: false }).collect()
    }

    fn read(variables: &Variables, text: &str) -> Vec<String> {
        let joined = |words: Vec<Word>| words.into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
        variables.readings(&words(text)).into_iter().map(joined).collect()
    }

    #[test]
    fn every_text_that_a_variable_is_given_is_a_reading() {
        let mut variables = Variables::default();
        variables.set("V", "1.0");
        variables.set("V", "2.0");
        variables.set("P", "pkg@$V");
        variables.set("matrix.v", "3.0");
        assert_eq!(read(&variables, "npx a@$V"), ["npx a@1.0", "npx a@2.0"]);
        assert_eq!(read(&variables, "npx $P ${V}"), ["npx pkg@1.0 1.0", "npx pkg@2.0 2.0"]);
        assert_eq!(read(&variables, "npx ${X:-d}@${{env.V}}"), ["npx d@1.0", "npx d@2.0"]);
        assert_eq!(read(&variables, "npx a@${{matrix.v}} $(V) %V% $env:V"), ["npx a@3.0 1.0 1.0 1.0", "npx a@3.0 2.0 2.0 2.0"]);
        assert_eq!(read(&variables, "npx {a,b}@1 ${c,d}"), ["npx a@1 b@1 ${c,d}"]);
        for text in ["npx a", "npx $X", "npx $", "npx 100%", "${", "$(a b)", "{a}", "%%"] {
            assert_eq!(read(&variables, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn scripts_say_what_they_set() {
        let mut variables = Variables::default();
        variables.learn(&words("A=1 B+=2"), &[]);
        variables.learn(&[], &words("export C=3 D"));
        variables.learn(&[], &words("for e in 4 5"));
        variables.learn(&[], &words("$f = 6"));
        assert_eq!(read(&variables, "x $A $B $C $e $f $D"), ["x 1 2 3 4 6 $D", "x 1 2 3 5 6 $D"]);
    }

    #[test]
    fn texts_do_not_grow() {
        let mut variables = Variables::default();
        variables.set("A", &"x".repeat(LONGEST));
        variables.set("B", "$A$A");
        for name in 0..10_000 {
            variables.set(&format!("N{name}"), "1");
            variables.set("M", &format!("{name}"));
        }
        assert!(variables.values.len() <= MOST && variables.values["M"].len() <= MOST_VALUES);
        assert_eq!(read(&variables, "$A$A"), [""; 0]);
    }
}
