//! Which program a command starts in the end: behind `sudo`, `env`, `time`, and in the script that a shell is given.

use super::script::Word;

/// What a command comes to when what only prepares the way is taken off.
pub(super) enum Started<'w> {
    /// A program with its arguments.
    Program(&'w [Word]),
    /// A shell with a script in a word.
    Script(&'w Word),
    /// Nothing.
    Nothing,
}

/// Programs that run another one, with those of their options that take a word.
const WRAPPERS: [(&str, &[&str]); 26] = [
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T", "--user", "--group", "--chdir", "--host"]),
    ("doas", &["-u", "-C"]),
    ("exec", &["-a"]),
    ("command", &[]),
    ("builtin", &[]),
    ("time", &["-f", "-o", "--format", "--output"]),
    ("nohup", &[]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n", "--class", "--classdata"]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("setsid", &[]),
    ("caffeinate", &["-t", "-w"]),
    ("xargs", &["-I", "-n", "-P", "-L", "-d", "-a", "-E", "-s", "--max-args", "--max-procs", "--delimiter", "--arg-file"]),
    ("cross-env", &[]),
    ("cross-env-shell", &[]),
    ("winpty", &[]),
    ("corepack", &[]),
    ("retry", &["-t", "-d", "--times", "--delay"]),
    ("gosu", &[]),
    ("su-exec", &[]),
    ("flock", &["-w", "-E", "--timeout", "--wait", "--conflict-exit-code"]),
    ("coproc", &[]),
    ("call", &[]),
    ("busybox", &[]),
    ("watch", &["-n", "--interval"]),
    ("chronic", &[]),
];

/// Programs that run what stands behind `--`.
const BEHIND_DASHES: [&str; 10] =
    ["doppler", "op", "infisical", "dotenvx", "dotenv", "aws-vault", "direnv", "chamber", "teller", "hatch"];

/// Programs that fetch and run others.
const LAUNCHERS: [&str; 11] = ["npx", "bunx", "pnpx", "uvx", "pipx", "npm", "pnpm", "yarn", "bun", "docker", "podman"];

/// Programs whose own words stand behind `--` as well.
const TAKE_DASHES: [&str; 41] = [
    "npm", "npx", "pnpm", "pnpx", "yarn", "yarnpkg", "bun", "bunx", "deno", "volta", "ni", "nlx", "uv", "uvx", "pipx", "poetry",
    "pdm", "pipenv", "rye", "hatch", "mise", "rtx", "nix", "devbox", "flox", "git", "grep", "egrep", "fgrep", "rg", "ag", "ack",
    "echo", "printf", "set", "rm", "mv", "cp", "ls", "touch", "which",
];

/// Whether a word is the name of a program that fetches and runs others.
pub(super) fn launches(word: &str) -> bool {
    LAUNCHERS.iter().any(|launcher| name(word).eq_ignore_ascii_case(launcher))
}

pub(super) fn is_launcher(word: &Word) -> bool {
    launches(&word.text)
}

/// Whether what stands behind `--` is read with the rest of a program's words.
pub(super) fn takes_dashes(program: &str) -> bool {
    TAKE_DASHES.contains(&program)
}

/// The word behind one of these options.
fn value_behind<'w>(words: &'w [Word], names: &[&str]) -> Option<&'w Word> {
    let at = words.iter().position(|word| names.contains(&word.text.as_str()))?;
    words.get(at + 1)
}

/// Shells and what else runs a text as a script.
const SHELLS: [&str; 12] =
    ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "pwsh", "powershell", "iex", "invoke-expression", "eval"];

/// The name of a program: without folders, without the ending that Windows gives it.
pub(super) fn name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    [".exe", ".cmd", ".bat", ".ps1"]
        .iter()
        .find_map(|ending| {
            let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
            end.eq_ignore_ascii_case(ending).then_some(stem)
        })
        .unwrap_or(name)
}

/// Whether a word assigns a variable: `NAME=value`, `NAME+=value`.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// Whether a command is a shell, which runs what it reads.
pub(super) fn is_shell(words: &[Word]) -> bool {
    let words = match bare(words) {
        Started::Program(words) => words,
        Started::Script(_) => return true,
        Started::Nothing => return false,
    };
    words.first().is_some_and(|word| {
        let name = name(&word.text);
        SHELLS.iter().any(|shell| name.eq_ignore_ascii_case(shell)) || name == "source" || name == "."
    })
}

/// The program that a command starts, or the script that it gives to a shell.
pub(super) fn started(words: &[Word]) -> Started<'_> {
    let words = match bare(words) {
        Started::Program(words) => words,
        other => return other,
    };
    let Some(first) = words.first() else { return Started::Nothing };
    let rest = &words[1..];
    match name(&first.text) {
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "fish" => match script_of_shell(rest) {
            Some(script) => Started::Script(script),
            None => Started::Program(words),
        },
        "pwsh" | "powershell" => {
            let at = rest.iter().position(|word| {
                ["-c", "-command", "/c", "/command"].iter().any(|option| word.text.eq_ignore_ascii_case(option))
            });
            match at.map(|at| &rest[at + 1..]) {
                Some([script]) => Started::Script(script),
                // The words behind it are one line.
                Some([first, ..]) if first.text.contains(' ') => Started::Script(first),
                Some(more @ [_, ..]) => bare(more),
                _ => Started::Program(words),
            }
        }
        "eval" if rest.len() == 1 => Started::Script(&rest[0]),
        "eval" => bare(rest),
        _ => Started::Program(words),
    }
}

/// The script behind `-c`, which may stand among other letters: `bash -lc`.
fn script_of_shell(arguments: &[Word]) -> Option<&Word> {
    let mut arguments = arguments.iter();
    while let Some(word) = arguments.next() {
        let text = word.text.as_str();
        if text.starts_with("--") {
            continue;
        }
        let letters = text.strip_prefix(['-', '+'])?;
        // `-o` takes the next word wherever it stands: `bash -euo pipefail -c ...`, `bash -ceo pipefail ...`.
        if letters.contains(['o', 'O']) {
            arguments.next();
        }
        if letters.contains('c') {
            return arguments.next();
        }
    }
    None
}

/// A command without what only prepares the way.
fn bare(mut words: &[Word]) -> Started<'_> {
    loop {
        let Some(first) = words.first() else { return Started::Nothing };
        if is_assignment(&first.text) {
            words = &words[1..];
            continue;
        }
        let rest = &words[1..];
        let name = name(&first.text);
        if let Some((_, with_word)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) {
            // `command -v name` only asks.
            if name == "command" && rest.first().is_some_and(|word| matches!(word.text.as_str(), "-v" | "-V")) {
                return Started::Nothing;
            }
            words = &rest[options(rest, with_word)..];
            if matches!(name, "gosu" | "su-exec" | "flock") {
                words = words.get(1..).unwrap_or_default();
            }
            if name == "flock" && words.first().is_some_and(|word| word.text == "-c") {
                return words.get(1).map_or(Started::Nothing, Started::Script);
            }
            continue;
        }
        match name {
            "env" | "env-cmd" => {
                let skipped = options(rest, &["-u", "--unset", "-C", "--chdir", "-f", "--file"]);
                // `-S` gives the whole command in one word.
                let split = rest[..skipped].iter().position(|word| word.text == "-S" || word.text == "--split-string");
                if let Some(script) = split.and_then(|at| rest.get(at + 1)) {
                    return Started::Script(script);
                }
                words = &rest[skipped..];
            }
            "timeout" | "gtimeout" => {
                let skipped = options(rest, &["-k", "-s", "--kill-after", "--signal"]);
                words = rest.get(skipped + 1..).unwrap_or_default();
            }
            "cmd" => {
                let at =
                    rest.iter().position(|word| word.text.eq_ignore_ascii_case("/c") || word.text.eq_ignore_ascii_case("/k"));
                match at.map(|at| &rest[at + 1..]) {
                    Some([script]) => return Started::Script(script),
                    Some(more) => words = more,
                    None => return Started::Program(words),
                }
            }
            // Somebody else's shell, or another machine's.
            "su" | "runuser" | "script" => match value_behind(rest, &["-c", "--command", "-lc"]) {
                Some(script) => return Started::Script(script),
                None => return Started::Program(words),
            },
            "trap" if rest.len() > 1 => return Started::Script(&rest[0]),
            "ssh" => match rest.last().filter(|word| word.text.contains(' ')) {
                Some(script) => return Started::Script(script),
                None => return Started::Program(words),
            },
            // `fnm exec --using=20 npx ...`, `nvm exec 20 npx ...`
            "fnm" | "nvm" | "asdf" | "nodenv" | "rbenv" | "pyenv" | "bundle"
                if rest.first().is_some_and(|word| word.text == "exec") =>
            {
                let rest = &rest[1..];
                let rest = &rest[options(rest, &["--using"])..];
                let is_version = rest.first().is_some_and(|word| {
                    word.text.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
                        && word.text.contains(|c: char| c.is_ascii_digit())
                });
                words = if is_version && name == "nvm" { &rest[1..] } else { rest };
            }
            "wsl" => words = &rest[options(rest, &["-d", "--distribution", "-u", "--user", "--cd"])..],
            _ if BEHIND_DASHES.contains(&name) => match rest.iter().position(|word| word.text == "--") {
                Some(at) => words = &rest[at + 1..],
                None => return Started::Program(words),
            },
            _ => return Started::Program(words),
        }
    }
}

/// How many words of options stand first, `--` included. Those named take the next word.
pub(super) fn options(words: &[Word], with_word: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            return at + 1;
        }
        if !text.starts_with('-') || text == "-" {
            break;
        }
        at += if with_word.contains(&text) { 2 } else { 1 };
    }
    at.min(words.len())
}
