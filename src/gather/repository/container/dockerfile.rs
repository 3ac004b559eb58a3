//! Dockerfiles and Containerfiles: the images they begin with and copy from, and what they install.

use crate::evidence::Role;
use crate::gather::repository::automation::command::{Variables, mentions_of_package, mentions_of_words, mentions_with};
use crate::gather::repository::document::json;
use crate::gather::repository::{Format, Place, Reading, Source};
use crate::tool::Ecosystem;

/// This format.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { is_told_by_name: false, largest: 4 << 20, ..Format::named("Dockerfile", matches, read) };

fn matches(place: &Place<'_>) -> bool {
    let name = place.name();
    ["dockerfile", "containerfile"].iter().any(|word| {
        let rest = name.strip_prefix(word);
        // `Dockerfile.dev` and `dev.Dockerfile`, but not `dockerfile.md`.
        rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('.') && !is_text(rest)) || is_kind(rest))
            || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// `Dockerfile-dev`, `Dockerfile_test`; `dockerfile-notes` is none.
fn is_kind(rest: &str) -> bool {
    let kinds = [
        "dev",
        "development",
        "prod",
        "production",
        "test",
        "tests",
        "ci",
        "build",
        "base",
        "release",
        "debug",
        "local",
        "staging",
    ];
    rest.strip_prefix(['-', '_']).is_some_and(|kind| kinds.contains(&kind))
}

fn is_text(ending: &str) -> bool {
    matches!(ending, ".md" | ".txt" | ".rst" | ".html" | ".json" | ".py" | ".ts" | ".js" | ".go" | ".rs" | ".dockerignore")
}

/// One instruction with the here-documents behind it.
struct Instruction {
    word: String,
    /// What follows the word, its lines as they are; comments between them are empty lines that go on.
    rest: String,
    line: u32,
    /// The bodies of its here-documents: where each begins, and what it says.
    bodies: Vec<(u32, String)>,
}

fn read(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    read_text(source, &text, 1)
}

/// The text of a Dockerfile that may stand in another file, from its line `first_line` on.
pub(super) fn read_text(source: &Source<'_>, text: &str, first_line: u32) -> Reading {
    let mut reading = Reading::default();
    let mut file = File::default();
    let instructions = instructions(text, first_line);
    for instruction in &instructions {
        file.learn(instruction);
    }
    for instruction in &instructions {
        take(source, instruction, &mut file, &mut reading);
    }
    reading
}

/// What instructions share.
#[derive(Default)]
struct File {
    /// Names of stages.
    stages: Vec<String>,
    /// What `ARG` and `ENV` set.
    variables: Variables,
}

impl File {
    fn learn(&mut self, instruction: &Instruction) {
        let is = |word: &str| instruction.word.eq_ignore_ascii_case(word);
        if !is("arg") && !is("env") {
            return;
        }
        let text = instruction.rest.replace("\\\n", " ");
        // `ENV NAME value`, the older form.
        if let Some((name, value)) = text.trim().split_once(' ').filter(|(name, _)| is("env") && !name.contains('=')) {
            return self.variables.set(name, value.trim());
        }
        for (name, value) in text.split_whitespace().filter_map(|word| word.split_once('=')) {
            self.variables.set(name, value.trim_matches(['"', '\'']));
        }
    }
}

fn take(source: &Source<'_>, instruction: &Instruction, file: &mut File, reading: &mut Reading) {
    let File { stages, variables } = file;
    let Instruction { word, rest, line, bodies } = instruction;
    let image = |name: &str, reading: &mut Reading| {
        if !stages.iter().any(|stage| stage.eq_ignore_ascii_case(name)) && !name.bytes().all(|b| b.is_ascii_digit()) {
            reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, name, *line, &Role::Container));
        }
    };
    match word.to_ascii_lowercase().as_str() {
        "from" => {
            let mut words = plain_words(rest).filter(|word| !word.starts_with("--"));
            let Some(name) = words.next() else { return };
            image(name, reading);
            if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"))
                && let Some(stage) = words.next()
            {
                stages.push(stage.to_owned());
            }
        }
        "copy" | "add" => {
            for word in plain_words(rest) {
                if let Some(name) = word.strip_prefix("--from=") {
                    image(name, reading);
                }
            }
            // An installer that is fetched here is run by a later line.
            if rest.contains("://") {
                let words: Vec<&str> = std::iter::once("curl").chain(plain_words(rest)).collect();
                reading.mentions.extend(mentions_of_words(source, &words, *line, &Role::Command));
            }
        }
        "healthcheck" => {
            if let Some(at) = rest.find("CMD").or_else(|| rest.find("cmd")) {
                run(source, &rest[at + 3..], *line, bodies, variables, reading);
            }
        }
        "run" | "cmd" | "entrypoint" => {
            let mut script = rest.as_str();
            while let Some(option) = begin(script).strip_prefix("--") {
                let end = option.find([' ', '\t', '\n']).unwrap_or(option.len());
                for part in option[..end].split([',', '=']).collect::<Vec<_>>().windows(2) {
                    if part[0] == "from" {
                        image(part[1], reading);
                    }
                }
                script = &option[end..];
            }
            let skipped = &rest[..rest.len() - script.len()];
            let before = u32::try_from(memchr::memchr_iter(b'\n', skipped.as_bytes()).count()).unwrap_or(u32::MAX);
            run(source, script, line.saturating_add(before), bodies, variables, reading);
        }
        "onbuild" => {
            let rest = rest.trim_start();
            let (word, rest) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
            if !word.eq_ignore_ascii_case("onbuild") {
                let inner = Instruction { word: word.to_owned(), rest: rest.to_owned(), line: *line, bodies: bodies.clone() };
                take(source, &inner, file, reading);
            }
        }
        _ => {}
    }
}

/// A script from its first word on, which may stand on a later line.
fn begin(mut script: &str) -> &str {
    loop {
        let rest = script.trim_start();
        let rest = rest.strip_prefix("\\\n").unwrap_or(rest);
        if rest.len() == script.len() {
            return script;
        }
        script = rest;
    }
}

fn plain_words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|word| *word != "\\" && *word != "`")
}

/// The shell form, the form in JSON, or a here-document that is the script.
fn run(source: &Source<'_>, script: &str, line: u32, bodies: &[(u32, String)], variables: &Variables, reading: &mut Reading) {
    if script.trim_start().starts_with('[')
        && let Ok(root) = json::parse(script.replace("\\\n", " ").trim().as_bytes())
    {
        let words: Vec<&str> = root.items().iter().filter_map(|item| item.text()).collect();
        return reading.mentions.extend(mentions_of_words(source, &words, line, &Role::Command));
    }
    if bodies.is_empty() {
        return reading.mentions.extend(mentions_with(source, script, line, variables));
    }
    // `RUN <<EOF` is a script, `RUN bash <<EOF` too; another program reads what is no script.
    let is_bare = script.trim_start().starts_with("<<");
    if is_bare {
        for (line, body) in bodies {
            let first = body.lines().next().unwrap_or_default();
            let is_shell = first.strip_prefix("#!").is_none_or(|first| first.contains("sh"));
            if is_shell {
                reading.mentions.extend(mentions_with(source, body, *line, variables));
            }
        }
    } else {
        let mut whole = script.trim_end().to_owned();
        for (_, body) in bodies {
            whole.push('\n');
            whole.push_str(body);
        }
        reading.mentions.extend(mentions_with(source, &whole, line, variables));
    }
}

/// The instructions of a file, in its order.
fn instructions(text: &str, first_line: u32) -> Vec<Instruction> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_of(text);
    let mut found = Vec::new();
    let mut lines = (first_line..).zip(text.lines()).peekable();
    while let Some((line, first)) = lines.next() {
        let first = first.trim_start();
        if first.is_empty() || first.starts_with('#') {
            continue;
        }
        let (word, rest) = first.split_at(first.find(char::is_whitespace).unwrap_or(first.len()));
        let mut rest = rest.to_owned();
        while goes_on(&mut rest, escape) {
            // Comments and empty lines between do not end it.
            let Some((_, next)) = lines.next() else { break };
            rest.push_str("\\\n");
            if next.trim_start().starts_with('#') || next.trim().is_empty() {
                rest.push(escape);
            } else {
                rest.push_str(next);
            }
        }
        let mut bodies = Vec::new();
        if matches!(word.to_ascii_lowercase().as_str(), "run" | "copy" | "add" | "onbuild") {
            for (delimiter, is_indented) in here_documents(&rest) {
                let start = lines.peek().map_or(line, |(line, _)| *line);
                let mut body = String::new();
                for (_, next) in lines.by_ref() {
                    let next = if is_indented { next.trim_start_matches('\t') } else { next };
                    body.push_str(next);
                    body.push('\n');
                    if next.trim_end_matches('\r') == delimiter {
                        break;
                    }
                }
                bodies.push((start, body));
            }
        }
        found.push(Instruction { word: word.to_owned(), rest, line, bodies });
    }
    found
}

/// The character that `# escape=` of the first lines sets.
fn escape_of(text: &str) -> char {
    let mut directives = text.lines().take_while(|line| line.trim_start().starts_with('#'));
    let sets = |line: &str| {
        let (key, value) = line.trim_start_matches(['#', ' ', '\t']).split_once('=')?;
        key.trim().eq_ignore_ascii_case("escape").then(|| value.trim().chars().next())?
    };
    directives.find_map(sets).filter(|c| matches!(c, '\\' | '`')).unwrap_or('\\')
}

/// Whether an instruction goes on in the next line; its escape is then taken off.
fn goes_on(rest: &mut String, escape: char) -> bool {
    let Some(cut) = rest.trim_end().strip_suffix(escape).map(str::len) else { return false };
    rest.truncate(cut);
    true
}

/// The delimiters of the here-documents of an instruction, and whether tabs before their lines do not count.
fn here_documents(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("<<") {
        let after = &text[at + 2..];
        if after.starts_with('<') || text[..at].ends_with('<') {
            continue;
        }
        let (after, is_indented) = after.strip_prefix('-').map_or((after, false), |after| (after, true));
        let word: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '\'')).collect();
        let word = word.trim_matches(['"', '\'']);
        if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            found.push((word.to_owned(), is_indented));
        }
    }
    found
}
