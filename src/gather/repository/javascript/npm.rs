//! What npm's words ask for: a dependency's specification, an alias, a tarball's address, a package for one platform.

use crate::catalogue::{Catalogue, Tool};
use crate::evidence::Request;
use crate::gather::repository::document::clipped;
use crate::tool::{Ecosystem, Package};
use crate::version::Version;

/// A tool that a package name stands for.
pub(in crate::gather::repository) struct Known<'a> {
    pub(in crate::gather::repository) tool: &'a Tool,
    pub(in crate::gather::repository) package: Package,
    /// Whether the package holds the tool's program for one platform.
    pub(in crate::gather::repository) is_platform: bool,
}

/// The tool that a package of this exact name is.
pub(in crate::gather::repository) fn known<'a>(catalogue: &'a Catalogue, name: &str) -> Option<Known<'a>> {
    // Almost no name is one of a tool, and locks hold tens of thousands.
    if !catalogue.has_npm_package(name) {
        return None;
    }
    let package = Package::new(Ecosystem::Npm, name);
    if let Some(tool) = catalogue.by_package(&package) {
        return Some(Known { tool, package, is_platform: false });
    }
    let tool = catalogue.by_platform_package(name)?;
    Some(Known { tool, package, is_platform: true })
}

/// The package that a dependency `name: specification` brings, and which version of it.
///
/// `npm:other@range` brings another package than its name says, and so does the address of a registry's tarball. `workspace:` brings
/// nothing: it is a folder of the repository itself.
pub(in crate::gather::repository) fn asked<'a>(
    catalogue: &'a Catalogue,
    name: &str,
    specification: &str,
) -> Option<(Known<'a>, Request)> {
    let specification = specification.trim();
    // All that speaks of another package than the name has a colon; almost no specification has one.
    if !specification.contains(':') {
        return as_named(catalogue, name, specification);
    }
    if strip_ignoring_case(specification, "workspace:").is_some() {
        return None;
    }
    if let Some(alias) = strip_ignoring_case(specification, "npm:") {
        let (package, range) = split_version(alias);
        // The alias's own name still tells the platform: `@openai/codex-linux-x64` is `npm:@openai/codex@0.169.0-linux-x64`.
        let known = platform_alias(catalogue, name, package).or_else(|| known(catalogue, package))?;
        let request = request(known.tool, range);
        return Some((known, request));
    }
    // A package with changes of the repository's own: `patch:name@npm%3A1.0.0#./name.patch` (yarn, "Patch protocol").
    if let Some(patched) = strip_ignoring_case(specification, "patch:") {
        let inner = decoded(patched.split('#').next().unwrap_or_default());
        let (package, range) = split_version(&inner);
        let range = strip_ignoring_case(range, "npm:").unwrap_or(range);
        let known = known(catalogue, package).or_else(|| known(catalogue, split_version(range).0))?;
        let range = if range.starts_with('@') { split_version(range).1 } else { range };
        let request = request(known.tool, range);
        return Some((known, request));
    }
    if let Some((package, version)) = tarball(specification)
        && let Some(known) = known(catalogue, &package)
    {
        let version = version_of(known.tool, &version);
        return Some((known, Request::Exact(version)));
    }
    as_named(catalogue, name, specification)
}

fn as_named<'a>(catalogue: &'a Catalogue, name: &str, specification: &str) -> Option<(Known<'a>, Request)> {
    let known = known(catalogue, name)?;
    let request = request(known.tool, specification);
    Some((known, request))
}

/// The name of the catalog that a specification refers to; empty for the one without.
pub(in crate::gather::repository) fn catalog_of(specification: &str) -> Option<&str> {
    specification.trim().strip_prefix("catalog:")
}

/// The platform package that an alias names, where the package behind it is the same tool.
pub(in crate::gather::repository) fn platform_alias<'a>(
    catalogue: &'a Catalogue,
    alias: &str,
    package: &str,
) -> Option<Known<'a>> {
    let behind = known(catalogue, package)?;
    known(catalogue, alias).filter(|known| known.is_platform && known.tool.id == behind.tool.id)
}

/// An exact version, or what lets the next installation choose: a range, a tag, an address.
pub(in crate::gather::repository) fn request(tool: &Tool, text: &str) -> Request {
    let version = version_of(tool, text);
    if version.is_ordered() && text.trim_start().starts_with(['=', 'v', 'V', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) {
        return Request::Exact(version);
    }
    Request::Floating { text: clipped(text), locked: false }
}

/// The version of the tool that a package version stands for: without the platform that some vendors append to it.
pub(in crate::gather::repository) fn version_of(tool: &Tool, text: &str) -> Version {
    let text = clipped(text);
    let text = if tool.npm_platform.is_empty() { &text } else { without_platform(&text) };
    Version::parse(Ecosystem::Npm.scheme(), text)
}

/// `0.169.0-linux-x64` is version 0.169.0 for one platform; read as a version it would stand before 0.169.0.
fn without_platform(text: &str) -> &str {
    const SYSTEMS: [&str; 9] =
        ["-linux-", "-linuxmusl-", "-darwin-", "-win32-", "-windows-", "-freebsd-", "-openbsd-", "-android-", "-sunos-"];
    const MACHINES: [&str; 11] =
        ["x64", "arm64", "ia32", "arm", "riscv64", "ppc64", "s390x", "loong64", "musl", "gnu", "baseline"];
    let cut = SYSTEMS.iter().filter_map(|system| text.rfind(system).map(|at| (at, system.len()))).max();
    match cut {
        Some((at, length)) if text[at + length..].split('-').all(|part| MACHINES.contains(&part)) => &text[..at],
        _ => text,
    }
}

/// `name@version` apart; the `@` of a scope does not count. Without a version: any.
pub(in crate::gather::repository) fn split_version(text: &str) -> (&str, &str) {
    match text.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, "*"),
    }
}

/// The package and version in the address of a registry's tarball: `.../<name>/-/<name without scope>-<version>.tgz`.
pub(in crate::gather::repository) fn tarball(address: &str) -> Option<(String, String)> {
    let path = address.split(['?', '#']).next()?;
    if !path.contains("://") {
        return None;
    }
    let mut path = decoded(path);
    // What a server takes for the same place.
    while path.contains("/./") {
        path = path.replace("/./", "/");
    }
    let (scheme, rest) = path.split_once("://")?;
    let rest: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let path = format!("{scheme}://{}", rest.join("/"));
    let (before, file) = path.rsplit_once("/-/")?;
    let (rest, base) = before.rsplit_once('/')?;
    let name = match rest.rsplit_once('/') {
        Some((_, scope)) if scope.starts_with('@') => format!("{scope}/{base}"),
        _ => base.to_owned(),
    };
    let file = file.rsplit('/').next()?;
    let version = file.strip_suffix(".tgz").or_else(|| file.strip_suffix(".tar.gz"))?.strip_prefix(base)?.strip_prefix('-')?;
    Some((name, version.to_owned()))
}

/// A text with its `%xx` replaced (RFC 3986, 2.1); what is no such code stays.
pub(in crate::gather::repository) fn decoded(text: &str) -> String {
    let digit =
        |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes();
    let mut found = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2))).filter(|_| *byte == b'%');
        found.push(code.map_or(*byte, |(high, low)| (high << 4) | low));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&found).into_owned()
}

fn strip_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, specification: &str) -> Option<(String, String, String)> {
        let catalogue = Catalogue::built_in();
        let (known, request) = asked(&catalogue, name, specification)?;
        let request = match request {
            Request::Exact(version) => format!("={version}"),
            Request::Floating { text, .. } => format!("~{text}"),
        };
        Some((known.tool.id.to_string(), known.package.name, request))
    }

    #[track_caller]
    fn asks(name: &str, specification: &str, tool: &str, package: &str, request: &str) {
        assert_eq!(ask(name, specification), Some((tool.to_owned(), package.to_owned(), request.to_owned())));
    }

    #[test]
    fn exact_versions_and_everything_else() {
        let claude = "@anthropic-ai/claude-code";
        for (specification, request) in [
            ("2.1.150", "=2.1.150"),
            ("=2.1.150", "==2.1.150"),
            ("v2.1.150", "=v2.1.150"),
            (" 2.1.150-beta.1 ", "=2.1.150-beta.1"),
            ("^2.0.59", "~^2.0.59"),
            ("2.1", "~2.1"),
            ("2.x", "~2.x"),
            ("*", "~*"),
            ("", "~"),
            ("latest", "~latest"),
            (">=2.1.0 <3", "~>=2.1.0 <3"),
            ("2.1.150 || 2.1.151", "~2.1.150 || 2.1.151"),
            ("git+https://example.com/x.git#v2", "~git+https://example.com/x.git#v2"),
            ("file:../claude", "~file:../claude"),
            ("catalog:", "~catalog:"),
        ] {
            asks(claude, specification, "claude-code", claude, request);
        }
    }

    #[test]
    fn what_is_behind_another_name() {
        let claude = "@anthropic-ai/claude-code";
        asks("notes", "npm:@anthropic-ai/claude-code@2.1.150", "claude-code", claude, "=2.1.150");
        asks("notes", "npm:@anthropic-ai/claude-code", "claude-code", claude, "~*");
        asks("notes", "NPM:@anthropic-ai/claude-code@^2", "claude-code", claude, "~^2");
        asks(
            "notes",
            "https://mirror.example/npm/@anthropic-ai/claude-code/-/claude-code-2.1.150.tgz",
            "claude-code",
            claude,
            "=2.1.150",
        );
        asks(
            "notes",
            "https://mirror.example/@anthropic-ai%2fclaude-code/-/claude-code-2.1.150.tgz?x#y",
            "claude-code",
            claude,
            "=2.1.150",
        );
        for path in ["%40anthropic-ai%2F%63laude-code/-", "@anthropic-ai/claude-code/./-", "@anthropic-ai/claude-code//-"] {
            let address = format!("https://mirror.example/{path}/claude-code-2.1.150.tgz");
            asks("notes", &address, "claude-code", claude, "=2.1.150");
        }
        asks(claude, "patch:@anthropic-ai/claude-code@npm%3A2.1.150#./x.patch", "claude-code", claude, "=2.1.150");
        asks("x", "patch:@anthropic-ai/claude-code@npm:^2#~/.yarn/x.patch", "claude-code", claude, "~^2");
        asks("x", "patch:y@npm%3A@anthropic-ai/claude-code@2.1.150#x", "claude-code", claude, "=2.1.150");
        assert_eq!(ask(claude, "patch:left-pad@npm%3A1.0.0#x"), None);
        asks("opencode-ai", "https://mirror.example/opencode-ai/-/opencode-ai-1.0.0.tgz", "opencode", "opencode-ai", "=1.0.0");
        // An alias takes the place of the package its name would be.
        assert_eq!(ask(claude, "npm:left-pad@1.0.0"), None);
        assert_eq!(ask(claude, "workspace:^"), None);
        assert_eq!(ask("claude-code", "2.1.150"), None);
        assert_eq!(ask("@Anthropic-AI/claude-code", "2.1.150"), None);
    }

    #[test]
    fn a_package_for_one_platform_is_the_tool() {
        let package = "@openai/codex-linux-x64";
        asks(package, "npm:@openai/codex@0.169.0-linux-x64", "openai-codex", package, "=0.169.0");
        asks(
            "@anthropic-ai/claude-code-linux-x64-musl",
            "2.1.150",
            "claude-code",
            "@anthropic-ai/claude-code-linux-x64-musl",
            "=2.1.150",
        );
        asks("x", "npm:@openai/codex@0.170.0-alpha.2-darwin-arm64", "openai-codex", "@openai/codex", "=0.170.0-alpha.2");
        // Not a platform: a pre-release stays one.
        asks("@openai/codex", "0.169.0-linux-party", "openai-codex", "@openai/codex", "=0.169.0-linux-party");
    }
}
