//! `key = value` lines in sections, as npm's `.npmrc` and Python's `pip.conf` have them. The two differ in what separates and
//! quotes, and in what an indented line is.

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The section it stands in, empty before the first.
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// Whose rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The `ini` package of npm: only `=` separates, values may be quoted, keys hold `:` and `/`.
    Npm,
    /// Python's `configparser` without interpolation: `=` or `:`, an indented line goes on with the value before it.
    Python,
}

/// The settings in order. A line that is none is passed over, as npm does; pip refuses such a file, and the index it names with it.
pub(super) fn read(text: &str, dialect: Dialect) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut section = String::new();
    let mut is_open = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if dialect == Dialect::Python && is_open && line.starts_with([' ', '\t']) {
            if let Some(last) = settings.last_mut() {
                last.value.push('\n');
                last.value.push_str(trimmed);
            }
            continue;
        }
        is_open = false;
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
            continue;
        }
        let at = match dialect {
            Dialect::Npm => trimmed.find('='),
            Dialect::Python => trimmed.find(['=', ':']),
        };
        let Some(at) = at else { continue };
        let (key, value) = (trimmed[..at].trim(), trimmed[at + 1..].trim());
        let value = if dialect == Dialect::Npm { unquoted(value) } else { value.to_owned() };
        is_open = true;
        settings.push(Setting { section: section.clone(), key: key.to_owned(), value });
    }
    settings
}

/// A value in quotes without them; outside of quotes it ends at a comment.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.to_owned();
        }
    }
    let mut out = String::new();
    let mut is_escaped = false;
    for c in value.chars() {
        match c {
            '\\' if !is_escaped => is_escaped = true,
            ';' | '#' if !is_escaped => break,
            _ => {
                if is_escaped && !matches!(c, '\\' | ';' | '#') {
                    out.push('\\');
                }
                is_escaped = false;
                out.push(c);
            }
        }
    }
    if is_escaped {
        out.push('\\');
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str, dialect: Dialect) -> Vec<(String, String, String)> {
        read(text, dialect).into_iter().map(|s| (s.section, s.key, s.value)).collect()
    }

    #[test]
    fn npm_keys_hold_colons_and_values_end_at_comments() {
        let text = "\u{feff}; c\n//acme.example:8080/npm/:_authToken=a=b\nregistry = \"https://acme.example/#x\"\n@a:registry=u ; why\nk=a\\;b\\x\nlone\n";
        let own = |k: &str, v: &str| (String::new(), k.to_owned(), v.to_owned());
        assert_eq!(
            pairs(text, Dialect::Npm),
            [
                own("//acme.example:8080/npm/:_authToken", "a=b"),
                own("registry", "https://acme.example/#x"),
                own("@a:registry", "u"),
                own("k", "a;b\\x"),
            ]
        );
    }

    #[test]
    fn python_values_go_on_in_indented_lines() {
        let text = "[global]\nindex-url : https://acme.example/simple\nextra =\n  one\n\n  # no\n  two\n[install]\n x=1\nindex-url=\"q\"\n";
        let set = |s: &str, k: &str, v: &str| (s.to_owned(), k.to_owned(), v.to_owned());
        assert_eq!(
            pairs(text, Dialect::Python),
            [
                set("global", "index-url", "https://acme.example/simple"),
                set("global", "extra", "\none\ntwo"),
                set("install", "x", "1"),
                set("install", "index-url", "\"q\""),
            ]
        );
    }
}
