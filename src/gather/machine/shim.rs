//! Small scripts that only start something else: what they lead to. pnpm and npm on Windows write one for each command, Python
//! installers write one with the interpreter of its environment in the first line.

use std::path::{Component, Path, PathBuf};

/// The file that a launcher script starts, as far as it names one: an absolute path, or one relative to the launcher.
pub(super) fn target(launcher: &Path, text: &str) -> Option<PathBuf> {
    let folder = launcher.parent()?;
    if let Some(line) = text.lines().rev().find_map(|line| line.trim().strip_prefix("# cmd-shim-target=")) {
        return Some(folder.join(line.trim()));
    }
    // `"$basedir/../lib/node_modules/x/cli.js"` and `"%dp0%\node_modules\x\cli.js"`.
    for base in ["$basedir/", "$basedir\"/", "%~dp0\\", "%dp0%\\", "$basedir_abs\"/"] {
        for (at, _) in text.match_indices(base) {
            let rest = text[at + base.len()..].trim_start_matches('\'');
            let end = rest.find(['"', '\'', '\n']).unwrap_or(rest.len());
            let relative = rest[..end].replace('\\', "/");
            if relative.contains("node_modules/") {
                return Some(normal(&folder.join(relative)));
            }
        }
    }
    None
}

/// The path with `..` taken out by name: a launcher is written for the folder it lies in.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// The interpreter with an absolute path that a script is run by: from its first line, or from the second where an installer
/// avoids a first line that is too long for the system.
pub(super) fn interpreter(text: &str) -> Option<PathBuf> {
    let first = text.lines().next()?.strip_prefix("#!")?.trim();
    let mut words = first.split_ascii_whitespace();
    let program = words.next()?;
    if program == "/bin/sh" {
        let second = text.lines().nth(1)?.strip_prefix("'''exec' ")?;
        let path = match second.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next()?,
            None => second.split(' ').next()?,
        };
        return Some(PathBuf::from(path)).filter(|p| p.is_absolute());
    }
    Some(PathBuf::from(program)).filter(|p| p.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_name_what_they_start() {
        let at = Path::new("/h/pnpm/bin/tool");
        let shell = "#!/bin/sh\nexec node  \"$basedir/../global/5/node_modules/tool/cli.js\" \"$@\"\n";
        assert_eq!(target(at, shell), Some(PathBuf::from("/h/pnpm/global/5/node_modules/tool/cli.js")));
        let newer = format!("{shell}# cmd-shim-target=/h/pnpm/global/v11/x/node_modules/tool/cli.js\n");
        assert_eq!(target(at, &newer), Some(PathBuf::from("/h/pnpm/global/v11/x/node_modules/tool/cli.js")));
        let quoted = "exec node  \"$basedir_abs\"/'../global/v11/y/node_modules/tool/cli.js' \"$@\"";
        assert_eq!(target(at, quoted), Some(PathBuf::from("/h/pnpm/global/v11/y/node_modules/tool/cli.js")));
        let windows = "\"%_prog%\"  \"%dp0%\\node_modules\\tool\\cli.js\" %*";
        assert_eq!(target(at, windows), Some(PathBuf::from("/h/pnpm/bin/node_modules/tool/cli.js")));
        assert_eq!(target(at, "#!/bin/sh\necho $basedir/nothing\n"), None);
    }

    #[test]
    fn interpreters_are_read_from_either_line() {
        assert_eq!(interpreter("#!/v/bin/python -E\n"), Some(PathBuf::from("/v/bin/python")));
        assert_eq!(interpreter("#!/bin/sh\n'''exec' /long/bin/python \"$0\" \"$@\"\n"), Some(PathBuf::from("/long/bin/python")));
        assert_eq!(interpreter("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\"\n"), Some(PathBuf::from("/a b/bin/python")));
        assert_eq!(interpreter("#!/bin/sh\n'''exec' \"$(dirname x)\"/'python'\n"), None);
        assert_eq!(interpreter("#!python\n"), None);
        assert_eq!(interpreter("\u{7f}ELF"), None);
    }
}
