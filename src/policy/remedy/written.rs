//! What to do about what a repository file asks for: the command of the manager that keeps the file, or the words to write in it.

use super::is_plain;
use crate::evidence::{Mention, Role};
use crate::policy::finding::Help;
use crate::text::printable_path;
use crate::tool::Ecosystem;

/// How to ask for exactly this version at the place of a mention.
pub(in crate::policy) fn exact(mention: &Mention, version: &str) -> Help {
    let is_safe = is_plain(&mention.package.name) && is_plain(version);
    match command(mention, version).filter(|_| is_safe && mention.role == Role::Dependency) {
        Some(command) => Help::command(command),
        None => Help::note(format!("write `{}` in {}", text(mention, version), place(mention))),
    }
}

/// How to ask for some exact version, where nobody says which.
pub(in crate::policy) fn some_exact(mention: &Mention) -> Help {
    let lock = if mention.role == Role::Dependency { ", or commit the lock file" } else { "" };
    Help::note(format!(
        "write `{}` in {}, an exact version that is looked at and approved{lock}",
        text(mention, "VERSION"),
        place(mention)
    ))
}

fn place(mention: &Mention) -> String {
    let path = printable_path(&mention.location.path);
    mention.location.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"))
}

/// The name with an exact version, as files and commands of its manager write it.
fn text(mention: &Mention, version: &str) -> String {
    let name = &mention.package.name;
    match mention.package.ecosystem {
        Ecosystem::Pypi => format!("{name}=={version}"),
        Ecosystem::Go => format!("{name}@v{}", version.trim_start_matches('v')),
        // A tag can be moved; these two cannot.
        Ecosystem::Docker if !version.starts_with("sha256:") => format!("{name}@sha256:DIGEST"),
        Ecosystem::GitHub if !is_commit(version) => format!("{name}@COMMIT # {version}"),
        _ => format!("{name}@{version}"),
    }
}

/// Whether a version of an action is a commit.
fn is_commit(version: &str) -> bool {
    matches!(version.len(), 40 | 64) && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The command by which the manager of a lock file, or of the file beside it, takes a version.
fn command(mention: &Mention, version: &str) -> Option<String> {
    let name = &mention.package.name;
    let file = mention.location.path.file_name()?.to_str()?;
    Some(match (mention.package.ecosystem, file) {
        (Ecosystem::Npm, "pnpm-lock.yaml" | "pnpm-workspace.yaml") => format!("pnpm add --save-exact {name}@{version}"),
        (Ecosystem::Npm, "yarn.lock") => format!("yarn add --exact {name}@{version}"),
        (Ecosystem::Npm, "bun.lock" | "bun.lockb") => format!("bun add --exact {name}@{version}"),
        (Ecosystem::Npm, "package.json" | "package-lock.json" | "npm-shrinkwrap.json") => {
            format!("npm install --save-exact {name}@{version}")
        }
        (Ecosystem::Pypi, "uv.lock") => format!("uv add {name}=={version}"),
        (Ecosystem::Pypi, "poetry.lock") => format!("poetry add {name}=={version}"),
        (Ecosystem::Pypi, "pdm.lock") => format!("pdm add {name}=={version}"),
        (Ecosystem::Pypi, "Pipfile" | "Pipfile.lock") => format!("pipenv install {name}=={version}"),
        (Ecosystem::Cargo, "Cargo.lock") => format!("cargo update {name} --precise {version}"),
        (Ecosystem::Cargo, "Cargo.toml") => format!("cargo add {name}@={version}"),
        (Ecosystem::Go, "go.mod" | "go.sum") => format!("go get {}", text(mention, version)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Integrity, Request};
    use crate::source::Location;
    use crate::tool::Package;

    fn help(ecosystem: Ecosystem, name: &str, path: &str, role: Role) -> String {
        let mention = Mention {
            tool: "x".parse().unwrap(),
            package: Package::new(ecosystem, name),
            request: Request::Floating { text: "*".to_owned(), locked: false },
            integrity: Integrity::none(),
            location: Location { path: path.into(), line: Some(7) },
            brought_by: Vec::new(),
            role,
            quote: None,
        };
        let help = exact(&mention, "1.2.3");
        help.command.or(help.note).unwrap()
    }

    #[test]
    fn each_manager_has_its_command_and_everything_else_is_written() {
        let dependency = |ecosystem, path| help(ecosystem, "a", path, Role::Dependency);
        assert_eq!(dependency(Ecosystem::Npm, "web/package.json"), "npm install --save-exact a@1.2.3");
        assert_eq!(dependency(Ecosystem::Npm, "pnpm-lock.yaml"), "pnpm add --save-exact a@1.2.3");
        assert_eq!(dependency(Ecosystem::Npm, "yarn.lock"), "yarn add --exact a@1.2.3");
        assert_eq!(dependency(Ecosystem::Npm, "bun.lock"), "bun add --exact a@1.2.3");
        assert_eq!(dependency(Ecosystem::Pypi, "uv.lock"), "uv add a==1.2.3");
        assert_eq!(dependency(Ecosystem::Pypi, "requirements.txt"), "write `a==1.2.3` in requirements.txt:7");
        assert_eq!(dependency(Ecosystem::Cargo, "Cargo.lock"), "cargo update a --precise 1.2.3");
        assert_eq!(dependency(Ecosystem::Go, "go.mod"), "go get a@v1.2.3");
        let command = help(Ecosystem::Npm, "@a/b", ".github/workflows/ci.yml", Role::Command);
        assert_eq!(command, "write `@a/b@1.2.3` in .github/workflows/ci.yml:7");
        assert_eq!(help(Ecosystem::GitHub, "a/b", "action.yml", Role::Action), "write `a/b@COMMIT # 1.2.3` in action.yml:7");
        // What a shell could take for something else is no part of a command to copy.
        assert!(help(Ecosystem::Npm, "a;b", "package.json", Role::Dependency).starts_with("write `a;b@1.2.3`"));
    }
}
