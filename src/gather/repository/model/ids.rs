//! Ids of models in configuration and code: who calls which model. Read only where a policy says something of models or their vendors,
//! because every text file has to be looked at for it.
//!
//! Prose is not read: a document that compares models uses none.

use crate::evidence::{Trace, TraceOrigin};
use crate::gather::repository::{Format, Place, Reading, Source};
use std::collections::HashSet;

/// The largest file that is looked at: generated ones are larger.
const LARGEST: u64 = 2 << 20;
/// The most ids of one file.
const MOST: usize = 200;
/// The longest line that is looked at, in bytes; longer ones are packed for browsers.
const LONGEST_LINE: usize = 8 << 10;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { largest: LARGEST, is_told_by_name: false, is_for_model_ids: true, ..Format::named("model ids", matches, read) };

/// Endings of code and configuration.
const ENDINGS: [&str; 62] = [
    "bash",
    "bat",
    "c",
    "cc",
    "cfg",
    "cjs",
    "clj",
    "conf",
    "cpp",
    "cs",
    "cts",
    "dart",
    "env",
    "erl",
    "ex",
    "exs",
    "fish",
    "go",
    "gradle",
    "groovy",
    "h",
    "hcl",
    "hpp",
    "hs",
    "ini",
    "ipynb",
    "java",
    "jl",
    "js",
    "json",
    "json5",
    "jsonc",
    "jsx",
    "kt",
    "kts",
    "lua",
    "m",
    "mjs",
    "mm",
    "mts",
    "nix",
    "php",
    "pl",
    "properties",
    "ps1",
    "py",
    "pyi",
    "r",
    "rb",
    "rs",
    "scala",
    "sh",
    "sql",
    "svelte",
    "swift",
    "tf",
    "tfvars",
    "toml",
    "ts",
    "tsx",
    "vue",
    "xml",
];
/// More of them, and names without an ending.
const MORE: [&str; 5] = ["yaml", "yml", "zig", "zsh", "ml"];
const NAMES: [&str; 8] = ["dockerfile", "containerfile", "makefile", "justfile", ".env", ".envrc", "modelfile", "procfile"];

fn matches(place: &Place<'_>) -> bool {
    let Some(name) = place.file_name().and_then(|name| name.to_str()) else { return false };
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_code = ENDINGS.iter().chain(&MORE).any(|known| ending.eq_ignore_ascii_case(known));
    let is_named = NAMES.iter().any(|known| {
        name.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known))
            && name[known.len()..].chars().next().is_none_or(|next| next == '.')
    });
    // Lock files name packages, packed files what somebody else wrote, and documentation everything.
    let is_made = [".min.js", "-lock.json", "-lock.yaml", ".lock"].iter().any(|made| name.ends_with(made));
    (is_code || is_named) && !is_made && !place.parent().is_some_and(|parent| parent.iter().any(is_documentation))
}

fn is_documentation(part: &std::ffi::OsStr) -> bool {
    ["docs", "doc", "node_modules", "CHANGELOG"].iter().any(|known| part.eq_ignore_ascii_case(known))
}

fn read(source: &Source<'_>) -> Reading {
    let mut reading = Reading::default();
    let ids = source.catalogue.model_ids();
    let Ok(text) = std::str::from_utf8(source.bytes) else { return reading };
    let mut is_of_models: Option<bool> = None;
    let mut seen = HashSet::new();
    for (line, text) in (1_u32..).zip(text.lines()).filter(|(_, text)| text.len() <= LONGEST_LINE) {
        for named in ids.find(text) {
            let mut is_about = || *is_of_models.get_or_insert_with(|| holds_ignoring_case(source.bytes, b"gpt-"));
            if !is_meant(text, named.id, &named.place, &mut is_about) || !seen.insert((named.id.to_owned(), line)) {
                continue;
            }
            if reading.traces.len() == MOST {
                return reading;
            }
            reading.traces.push(Trace {
                tool: Some(named.tool.clone()),
                model: Some(named.id.to_owned()),
                vendor: named.vendor.to_owned(),
                origin: TraceOrigin::File(source.at(Some(line))),
                quote: None,
            });
        }
    }
    reading
}

/// Whether bytes hold a word, whatever its case. The word is in lower case.
fn holds_ignoring_case(bytes: &[u8], word: &[u8]) -> bool {
    memchr::memchr2_iter(word[0], word[0].to_ascii_uppercase(), bytes)
        .any(|at| bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word)))
}

/// Whether a word is the id of a model and no name of something else: `o3` has to stand behind its vendor, as the value of something
/// that is called a model, or alone in quotes in a file that names `gpt-...` as well. Tests call objects "o1" and "o2".
fn is_meant(line: &str, id: &str, place: &std::ops::Range<usize>, is_about: &mut dyn FnMut() -> bool) -> bool {
    if id.contains('-') {
        return true;
    }
    let is_quote = |c: char| matches!(c, '"' | '\'' | '`');
    let (before, after) = (&line[..place.start], &line[place.end..]);
    let is_closed = after.is_empty() || after.starts_with(|c: char| is_quote(c) || c.is_whitespace() || c == ',');
    let is_quoted = before.ends_with(is_quote) && after.starts_with(is_quote);
    let is_of_vendor = before.to_ascii_lowercase().ends_with("openai/") && is_closed;
    // `model: o3`, `"review_model": "o3"`, `--model o3`, `choose_model("o3")`.
    let key = before.trim_end_matches([':', '=', '(', ',', '"', '\'', '`', ' ', '\t']);
    let is_apart = before[key.len()..].contains([':', '=', '(', ',']) || key.to_ascii_lowercase().ends_with("-model");
    let is_value = is_apart && key.to_ascii_lowercase().ends_with("model") && (is_closed || is_quoted);
    is_of_vendor || is_value || is_quoted && is_about()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use std::path::Path;

    fn ids(path: &str, text: &str) -> Vec<(String, u32)> {
        let catalogue = Catalogue::built_in();
        assert!(matches(&Place::of(Path::new(path))), "{path}");
        let reading = read(&Source::new(Path::new(path), text.as_bytes(), &catalogue));
        let one = |trace: Trace| match trace.origin {
            TraceOrigin::File(location) => (trace.model.unwrap(), location.line.unwrap()),
            TraceOrigin::Commit { .. } => panic!(),
        };
        reading.traces.into_iter().map(one).collect()
    }

    #[test]
    fn ids_in_code_and_configuration() {
        let of =
            |path: &str, text: &str| ids(path, text).into_iter().map(|(id, line)| format!("{line} {id}")).collect::<Vec<_>>();
        assert_eq!(
            of("a.py", "x = 1\nmodel=\"gpt-5.3-codex\"  # or claude-opus-4-8\n"),
            ["2 gpt-5.3-codex", "2 claude-opus-4-8"]
        );
        assert_eq!(of("config.yaml", "model: o3\nname: o3\nreview_model: openai/o1-mini\n"), ["1 o3", "3 o1-mini"]);
        assert_eq!(of(".env.production", "MODEL=deepseek-v4-pro\n"), ["1 deepseek-v4-pro"]);
        assert_eq!(of("a.ts", "const o1 = f(o3, o4); call('o3', 'GPT-x')\n"), ["1 o3"]);
        assert_eq!(of("a.ts", "f(o3, o4); call('o3')\nchoose_model('o3')\n"), ["2 o3"]);
        assert_eq!(of("a.sh", "run --model o3 x\nrun --models o1mini\nmodelo3\n"), ["1 o3"]);
        assert_eq!(
            of("a.py", "model = fit(frame[['o1', 'o3']])\nf('o1', x.model())\nd = {'model': 'DIN', 'o3': 'C4'}\n"),
            [""; 0]
        );
        assert_eq!(of("a.yml", "models: [o1, o3]\ntext: the model o1 is fitted\n"), [""; 0]);
        assert_eq!(of("a.ts", "expect('npx @openai/codex').toBe(1); order('o1', 'o3')\n"), [""; 0]);
        assert_eq!(of("a_test.go", "order = [\"o1\", \"o2\"]\nMockOrigin.of(\"o1\")\n"), [""; 0]);
        assert_eq!(of("a.rs", "let o1 = x[\"key\"].o3; // o1 and o3\n"), [""; 0]);
        assert_eq!(of("a.py", "same = ['gpt-5', 'gpt-5']"), ["1 gpt-5"]);
        assert_eq!(of("a.py", &"m = 'gpt-5'\n".repeat(1_000)).len(), MOST);
        assert_eq!(of("a.js", &format!("{}'gpt-5'", " ".repeat(LONGEST_LINE))), [""; 0]);
    }

    #[test]
    fn prose_is_not_read() {
        for path in [
            "README.md",
            "a.txt",
            "docs/conf.py",
            "a.rst",
            "package-lock.json",
            "a.min.js",
            "pnpm-lock.yaml",
            "LICENSE",
            "a.html",
        ] {
            assert!(!matches(&Place::of(Path::new(path))), "{path}");
        }
        for path in ["src/a.rs", "Dockerfile", ".env", "Makefile", "a.ipynb", ".codex/config.toml"] {
            assert!(matches(&Place::of(Path::new(path))), "{path}");
        }
    }
}
