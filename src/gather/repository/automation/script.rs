//! Scripts, Makefiles, justfiles, and the scripts of `package.json`.

use super::command::{Variables, mentions_in, mentions_with};
use crate::evidence::Request;
use crate::gather::repository::document::Node;
use crate::gather::repository::{Format, Place, Reading, Source};
use std::path::Path;

/// The largest script that is read, in bytes.
const LARGEST: u64 = 4 << 20;

/// Shell scripts, by their ending; hooks and programs without one, by their first line.
pub(in crate::gather::repository) const SCRIPTS: Format =
    Format { largest: LARGEST, is_told_by_name: false, ..Format::named("script", is_script, read_script) };

/// Batch files of Windows.
pub(in crate::gather::repository) const BATCH: Format =
    Format { largest: LARGEST, is_told_by_name: false, ..Format::named("batch file", is_batch, read_batch) };

/// Notebooks, whose cells run commands: `!pip install name`, `%pip install name`.
pub(in crate::gather::repository) const NOTEBOOKS: Format =
    Format { is_told_by_name: false, ..Format::named("notebook", |place| place.ending() == "ipynb", read_notebook) };

/// Makefiles.
pub(in crate::gather::repository) const MAKEFILES: Format =
    Format { largest: LARGEST, is_told_by_name: false, ..Format::named("Makefile", is_makefile, read_makefile) };

/// justfiles.
pub(in crate::gather::repository) const JUSTFILES: Format =
    Format { largest: LARGEST, is_told_by_name: false, ..Format::named("justfile", is_justfile, read_justfile) };

/// The scripts of `package.json`, which is read as what it installs elsewhere.
pub(in crate::gather::repository) const PACKAGE_JSON: Format =
    Format { is_told_by_name: false, ..Format::named("package.json", is_package_json, read_package_json) };

/// Folders in which a file without an ending may well be a script.
const FOLDERS: [&str; 16] = [
    "bin",
    "script",
    "scripts",
    "hooks",
    ".husky",
    ".githooks",
    ".hooks",
    ".ci",
    "ci",
    "tools",
    "hack",
    ".devcontainer",
    "tasks",
    "mise-tasks",
    ".mise-tasks",
    "libexec",
];

fn is_script(place: &Place<'_>) -> bool {
    const ENDINGS: [&str; 9] = ["sh", "bash", "zsh", "ksh", "fish", "ps1", "command", "bats", "envrc"];
    const NAMES: [&str; 7] = [".envrc", ".bashrc", ".zshrc", ".profile", ".bash_profile", ".bash_aliases", "setup"];
    let mut folders = place.parent().into_iter().flat_map(Path::iter).peekable();
    ENDINGS.contains(&place.ending())
        || place.is_called(&NAMES)
        || (place.extension().is_none()
            && (folders.peek().is_none() || folders.any(|folder| FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known)))))
}

fn is_batch(place: &Place<'_>) -> bool {
    matches!(place.ending(), "bat" | "cmd")
}

/// A line is a command: quotes do not reach beyond it, `@` hides it, `^` at its end goes on.
fn read_batch(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    let mut reading = Reading::default();
    let mut variables = Variables::default();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim_start_matches('\u{feff}').trim();
        let (first, mut whole) = open.take().unwrap_or((number, String::new()));
        let line = if whole.is_empty() { line.trim_start_matches('@') } else { line };
        let is_remark = line.starts_with("::") || line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("rem "));
        if let Some(part) = line.strip_suffix('^').filter(|_| whole.len() < 64 << 10) {
            whole.push_str(part);
            open = Some((first, whole));
            continue;
        }
        whole.push_str(line);
        if is_remark {
            continue;
        }
        if let Some((name, value)) =
            whole.get(..4).filter(|word| word.eq_ignore_ascii_case("set ")).and_then(|_| whole[4..].split_once('='))
        {
            variables.set(name.trim().trim_matches('"'), value.trim().trim_matches('"'));
        }
        reading.mentions.extend(mentions_with(source, &whole.replace('\\', "/"), first, &variables));
    }
    reading
}

fn read_script(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let first = text.lines().next().unwrap_or_default();
    let is_named = source.path.extension().is_some_and(|ending| !ending.is_empty())
        || source.path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    // Husky's hooks have no first line of that kind.
    let is_hook = source.path.parent().and_then(Path::file_name).is_some_and(|folder| folder == ".husky");
    let is_shell = first.strip_prefix("#!").map_or(is_named || is_hook, is_shell_line);
    let mut reading = Reading::default();
    if is_shell {
        reading.mentions = mentions_in(source, text, 1);
    }
    reading
}

/// Whether the interpreter that a first line names is a shell.
fn is_shell_line(interpreter: &str) -> bool {
    let mut words = interpreter.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    words.any(|word| matches!(word, "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "fish" | "pwsh" | "bats"))
}

/// A line of a cell behind `!` or `%` is a command; `%%bash` makes all of the cell one.
fn read_notebook(source: &Source<'_>) -> Reading {
    let mut reading = Reading::default();
    let Ok(root) = source.json() else { return reading };
    let is_code = |cell: &&Node<'_>| cell.get("cell_type").and_then(Node::text) == Some("code");
    for cell in root.get("cells").map(Node::items).unwrap_or_default().iter().filter(is_code) {
        let Some(text) = cell.get("source") else { continue };
        let lines = text.items().iter().chain(text.text().map(|_| text)).filter_map(|item| Some((item.text()?, item.line)));
        let mut is_shell = false;
        for (number, (text, line)) in lines.enumerate() {
            for (part, text) in text.lines().enumerate() {
                let text = text.trim();
                if number == 0 && part == 0 {
                    is_shell = ["%%bash", "%%sh", "%%script bash", "%%!"].iter().any(|magic| text.starts_with(magic));
                }
                let command = text.strip_prefix('!').or_else(|| text.strip_prefix('%')).or(is_shell.then_some(text));
                if let Some(command) = command {
                    reading.mentions.extend(mentions_in(source, command.trim_start_matches(['!', '%', ' ']), line));
                }
            }
        }
    }
    reading
}

fn is_makefile(place: &Place<'_>) -> bool {
    place.is_called(&["Makefile", "GNUmakefile", "BSDmakefile", "Makefile.am", "Makefile.in"]) || place.ending() == "mk"
}

/// Lines behind a tab are commands; `$(shell ...)` is one anywhere.
fn read_makefile(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    let mut reading = Reading::default();
    let mut variables = Variables::default();
    for (line, logical) in logical_lines(&text) {
        let of_rule = logical.split_once(';').filter(|(rule, _)| rule.contains(':') && !rule.contains(['=', '#', '"', '\'']));
        let (script, is_recipe) = match logical.strip_prefix('\t') {
            Some(recipe) => (recipe.trim_start_matches(['@', '-', '+', ' ', '\t']), true),
            // `target: ; command`
            None if of_rule.is_some() => {
                (of_rule.map_or("", |(_, recipe)| recipe.trim_start_matches(['@', '-', '+', ' ', '\t'])), true)
            }
            None => (logical.as_str(), logical.contains("$(shell ")),
        };
        if let Some((name, value)) = logical.split_once('=').filter(|_| !logical.starts_with('\t')) {
            variables.set(name.trim_end_matches([':', '?', '+', '!']).trim().trim_start_matches("export "), value.trim());
        }
        if is_recipe {
            // `$$` is one for the shell; `$(shell ...)` is the shell's `$(...)`.
            let script = script.replace("$(shell ", "$(").replace("$$", "$");
            let is_value = !logical.starts_with('\t') && of_rule.is_none();
            let script = if is_value { format!("_=\"{script}\"") } else { script };
            reading.mentions.extend(mentions_with(source, &script, line, &variables));
        }
    }
    reading
}

/// Lines with those that a backslash adds to them, each with the number of its first.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut continues = false;
    for (number, line) in (1_u32..).zip(text.lines()) {
        match found.last_mut() {
            Some((_, logical)) if continues => {
                logical.push('\n');
                logical.push_str(line);
            }
            _ => found.push((number, line.to_owned())),
        }
        continues = line.ends_with('\\');
    }
    found
}

fn is_justfile(place: &Place<'_>) -> bool {
    place.is_called(&["justfile", ".justfile"]) || place.ending() == "just"
}

/// The body of a recipe is what is indented below it.
fn read_justfile(source: &Source<'_>) -> Reading {
    let text = String::from_utf8_lossy(source.bytes);
    let mut reading = Reading::default();
    let mut body: Option<(u32, String)> = None;
    for (number, line) in (1_u32..).zip(text.lines().chain(std::iter::once("end"))) {
        if line.starts_with([' ', '\t']) {
            let (_, script) = body.get_or_insert_with(|| (number, String::new()));
            script.push_str(line.trim_start().trim_start_matches(['@', '-']));
            script.push('\n');
        } else if line.trim().is_empty() {
            if let Some((_, script)) = &mut body {
                script.push('\n');
            }
        } else if let Some((first, script)) = body.take()
            && script.strip_prefix("#!").and_then(|rest| rest.lines().next()).is_none_or(is_shell_line)
        {
            reading.mentions.extend(mentions_in(source, &script, first));
        }
    }
    reading
}

fn is_package_json(place: &Place<'_>) -> bool {
    place.is_called(&["package.json"]) && !place.components().any(|part| part.as_os_str() == "node_modules")
}

fn read_package_json(source: &Source<'_>) -> Reading {
    let mut reading = Reading::default();
    // What cannot be read is said by whoever reads its dependencies.
    let Ok(root) = source.json() else { return reading };
    let sections = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    let is_dependency = |name: &str| sections.iter().any(|section| root.at(&[section, name]).is_some());
    for script in root.get("scripts").map(Node::members).unwrap_or_default() {
        let found = mentions_in(source, script.value.text().unwrap_or_default(), script.line);
        // `npx package` of a dependency runs the one that is installed, which is read as such.
        let is_own = |request: &Request, name: &str| {
            matches!(request, Request::Floating { text, .. } if text == "*") && is_dependency(name)
        };
        let lines = found.into_iter().filter(|mention| !is_own(&mention.request, &mention.package.name));
        reading.mentions.extend(lines.map(|mut mention| {
            // A script of JSON is one line, whatever its text says.
            mention.location.line = Some(script.value.line);
            mention
        }));
    }
    reading
}
