//! What a tool is called: its id in the catalogue, its package, its platform, its package URL.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The id of a tool in the catalogue or in a manifest: lower-case letters, digits, `-` and `.`, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolId(String);

/// Why a text is no [`ToolId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is not a tool id: lower-case letters, digits, `-` and `.`, starting with a letter or digit, at most 64 characters", crate::text::printable(.0))]
pub struct ToolIdError(String);

impl ToolId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ToolId {
    type Err = ToolIdError;
    fn from_str(text: &str) -> Result<Self, ToolIdError> {
        let first_is_word = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let rest_is_word = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        if first_is_word && rest_is_word && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(ToolIdError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for ToolId {
    type Error = ToolIdError;
    fn try_from(text: String) -> Result<Self, ToolIdError> {
        text.parse()
    }
}

impl From<ToolId> for String {
    fn from(id: ToolId) -> Self {
        id.0
    }
}

impl fmt::Display for ToolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of thing a tool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An agent or assistant run from a terminal.
    Cli,
    /// An editor built around an assistant.
    Ide,
    /// An extension of an editor.
    IdeExtension,
    /// A Model Context Protocol server.
    McpServer,
    /// A library that talks to a model.
    Sdk,
    /// A CI action or a hosted bot.
    Action,
    /// Model weights, or a model named by id.
    Model,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Cli, Self::Ide, Self::IdeExtension, Self::McpServer, Self::Sdk, Self::Action, Self::Model];

    /// The name in manifests and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Ide => "ide",
            Self::IdeExtension => "ide-extension",
            Self::McpServer => "mcp-server",
            Self::Sdk => "sdk",
            Self::Action => "action",
            Self::Model => "model",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A package ecosystem: half of a package's identity. The same name in two ecosystems is two packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// The npm registry's naming.
    Npm,
    /// The Python Package Index's naming (names compared after PEP 503 normalisation).
    Pypi,
    /// `publisher.name` of the VS Code family's marketplaces.
    VsCode,
    /// JetBrains plugin ids.
    JetBrains,
    /// Homebrew formulae and casks.
    Brew,
    /// Crates.
    Cargo,
    /// Go modules, by their import path.
    Go,
    /// Ruby gems.
    Gem,
    /// Container images, `[registry/]repository`, without tag.
    Docker,
    /// GitHub actions, `owner/repository`.
    GitHub,
    /// Ollama model names.
    Ollama,
    /// Hugging Face repositories, `organisation/name`.
    HuggingFace,
    /// What no package manager knows.
    Generic,
}

impl Ecosystem {
    /// The package URL type (purl-spec, "purl-types").
    #[must_use]
    pub fn purl_type(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::VsCode => "vscode-extension",
            Self::Brew => "brew",
            Self::GitHub => "github",
            Self::HuggingFace => "huggingface",
            Self::Cargo => "cargo",
            Self::Go => "golang",
            Self::Gem => "gem",
            Self::Docker => "docker",
            Self::JetBrains | Self::Ollama | Self::Generic => "generic",
        }
    }

    /// How versions are ordered there.
    #[must_use]
    pub fn scheme(self) -> crate::version::Scheme {
        match self {
            Self::Pypi => crate::version::Scheme::Pep440,
            Self::Ollama | Self::HuggingFace | Self::Docker => crate::version::Scheme::Opaque,
            _ => crate::version::Scheme::SemVer,
        }
    }
}

/// A package: an exact (ecosystem, name) pair. Names are traps: PyPI `codex-cli` is nobody's Codex.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Package {
    /// Where the name means something.
    pub ecosystem: Ecosystem,
    /// The name, normalised as the ecosystem does.
    pub name: String,
}

impl Package {
    /// A package with its name normalised (PEP 503 for PyPI, lower case where the ecosystem ignores case).
    #[must_use]
    pub fn new(ecosystem: Ecosystem, name: &str) -> Self {
        let name = match ecosystem {
            Ecosystem::Pypi => normalise_pypi(name),
            Ecosystem::VsCode | Ecosystem::GitHub => name.to_ascii_lowercase(),
            _ => name.to_owned(),
        };
        Self { ecosystem, name }
    }

    /// The package URL (purl-spec 1.0), with a version where one is known.
    #[must_use]
    pub fn purl(&self, version: Option<&str>) -> String {
        let mut purl = format!("pkg:{}/", self.ecosystem.purl_type());
        let name = match self.ecosystem {
            // Marketplaces write `publisher.name`; the purl type has the publisher as namespace.
            Ecosystem::VsCode => self.name.replacen('.', "/", 1),
            _ => self.name.clone(),
        };
        for (index, segment) in name.split('/').enumerate() {
            if index > 0 {
                purl.push('/');
            }
            percent_encode(segment, &mut purl);
        }
        if let Some(version) = version {
            purl.push('@');
            percent_encode(version, &mut purl);
        }
        purl
    }
}

impl Package {
    /// Read a package URL: the package, and its version where it has one. Qualifiers and subpaths are refused: nothing here looks
    /// at them.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn parse_purl(text: &str) -> Result<(Self, Option<String>), String> {
        let wrong = || format!("`{text}` is not a package URL of a kind vetted knows, for example `pkg:npm/%40openai/codex`");
        let (kind, rest) = text.strip_prefix("pkg:").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let ecosystem = match kind {
            "npm" => Ecosystem::Npm,
            "pypi" => Ecosystem::Pypi,
            "vscode-extension" => Ecosystem::VsCode,
            "brew" => Ecosystem::Brew,
            "github" => Ecosystem::GitHub,
            "huggingface" => Ecosystem::HuggingFace,
            "cargo" => Ecosystem::Cargo,
            "golang" => Ecosystem::Go,
            "gem" => Ecosystem::Gem,
            "docker" => Ecosystem::Docker,
            _ => return Err(wrong()),
        };
        let (name, version) = rest.split_once('@').map_or((rest, None), |(name, version)| (name, Some(version)));
        let name = name.split('/').map(percent_decode).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        let version = version.map(|v| percent_decode(v).ok_or_else(wrong)).transpose()?;
        let name = name.join(if ecosystem == Ecosystem::VsCode { "." } else { "/" });
        Ok((Self::new(ecosystem, &name), version))
    }
}

impl ToolId {
    /// The id of a tool that no catalogue knows and that a package names: its name in the alphabet of ids, and the beginning of the
    /// digest of its package URL. Two packages never share one, and no person writes one: an approval of another tool cannot count
    /// for it.
    #[must_use]
    pub fn of_package(package: &Package) -> Self {
        let mut id = String::with_capacity(64);
        for c in package.name.chars().take(40) {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => id.push(c),
                _ if !id.is_empty() && !id.ends_with('-') => id.push('-'),
                _ => {}
            }
        }
        let digest = crate::digest::Digest::sha256_of(package.purl(None).as_bytes()).hex();
        let separator = if id.is_empty() || id.ends_with('-') { "" } else { "-" };
        Self(format!("{id}{separator}{}", &digest[..16]))
    }
}

/// One version of a package: what a package URL with a version names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackageVersion {
    /// The package.
    pub package: Package,
    /// Its version, as its ecosystem writes it.
    pub version: String,
}

impl PackageVersion {
    /// Read a package URL that has a version.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn parse_purl(text: &str) -> Result<Self, String> {
        match Package::parse_purl(text)? {
            (package, Some(version)) => Ok(Self { package, version }),
            (_, None) => Err(format!("`{text}` names no version, for example `pkg:npm/%40openai/codex@0.169.0`")),
        }
    }

    /// The package URL.
    #[must_use]
    pub fn purl(&self) -> String {
        self.package.purl(Some(&self.version))
    }
}

impl fmt::Display for PackageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.package.name, self.version)
    }
}

/// One segment of a package URL; `None` when it is empty, malformed, or holds what no package name has.
fn percent_decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'?' | b'#' => return None,
            _ => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '\\' && c != '/');
    is_plain.then_some(text)
}

/// PEP 503: runs of `-`, `_`, `.` are one `-`, letters are lower case.
fn normalise_pypi(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars() {
        if matches!(c, '-' | '_' | '.') {
            if !out.ends_with('-') {
                out.push('-');
            }
        } else {
            out.push(c.to_ascii_lowercase());
        }
    }
    out
}

/// Percent-encode what purl-spec does not leave bare: everything but unreserved characters and `:`.
fn percent_encode(text: &str, out: &mut String) {
    use fmt::Write as _;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The operating system whose layout of folders applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Os {
    /// Linux and other systems with the XDG folders.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Os {
    /// The system this program was built for.
    #[must_use]
    pub fn here() -> Self {
        match std::env::consts::OS {
            "macos" => Self::MacOs,
            "windows" => Self::Windows,
            _ => Self::Linux,
        }
    }
}

/// The machine an artefact runs on, `os/architecture`, in the words of Rust's target triples.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Platform(pub String);

impl Platform {
    /// The platform of this build, for example `linux/x86_64`.
    #[must_use]
    pub fn here() -> Self {
        Self(format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH))
    }
}

/// By which way a tool came to lie where it lies. It chooses the command that repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// `npm install -g`.
    Npm,
    /// `pnpm add -g`.
    Pnpm,
    /// `bun add -g`.
    Bun,
    /// `yarn global add`.
    Yarn,
    /// `volta install`.
    Volta,
    /// The npx cache: run once, kept.
    NpxCache,
    /// `node_modules` of the repository being checked.
    NodeModules,
    /// `mise`, `asdf` and their kin.
    VersionManager,
    /// `pip install` outside a virtual environment.
    Pip,
    /// A virtual environment, the repository's `.venv` included.
    Venv,
    /// `pipx install`.
    Pipx,
    /// `uv tool install`.
    UvTool,
    /// The uvx cache: run once, kept.
    UvCache,
    /// The vendor's own installer.
    Native,
    /// Homebrew.
    Homebrew,
    /// An extension of a VS Code family editor.
    Editor,
    /// A plugin of a JetBrains IDE.
    JetBrains,
    /// The Ollama model store.
    Ollama,
    /// The Hugging Face cache.
    HuggingFace,
    /// The LM Studio model folder.
    LmStudio,
    /// A file on `PATH` that belongs to no package that could be found: a copy.
    Path,
}

impl Channel {
    /// The word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Bun => "bun",
            Self::Yarn => "yarn",
            Self::Volta => "volta",
            Self::NpxCache => "npx-cache",
            Self::NodeModules => "node-modules",
            Self::VersionManager => "version-manager",
            Self::Pip => "pip",
            Self::Venv => "venv",
            Self::Pipx => "pipx",
            Self::UvTool => "uv-tool",
            Self::UvCache => "uv-cache",
            Self::Native => "native",
            Self::Homebrew => "homebrew",
            Self::Editor => "editor",
            Self::JetBrains => "jetbrains",
            Self::Ollama => "ollama",
            Self::HuggingFace => "hugging-face",
            Self::LmStudio => "lm-studio",
            Self::Path => "path",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_canonical() {
        let purl = |e, n, v| Package::new(e, n).purl(v);
        assert_eq!(purl(Ecosystem::Npm, "@openai/codex", Some("0.169.0")), "pkg:npm/%40openai/codex@0.169.0");
        assert_eq!(purl(Ecosystem::Pypi, "Claude_Agent.SDK", Some("0.1.55")), "pkg:pypi/claude-agent-sdk@0.1.55");
        assert_eq!(purl(Ecosystem::VsCode, "Anthropic.claude-code", None), "pkg:vscode-extension/anthropic/claude-code");
        assert_eq!(purl(Ecosystem::Npm, "a b", Some("1+2")), "pkg:npm/a%20b@1%2B2");
    }

    #[test]
    fn package_urls_are_read_as_they_are_written() {
        for purl in [
            "pkg:npm/%40openai/codex",
            "pkg:pypi/claude-agent-sdk",
            "pkg:vscode-extension/anthropic/claude-code",
            "pkg:golang/github.com/acme/agent",
        ] {
            let (package, version) = Package::parse_purl(purl).unwrap();
            assert_eq!((package.purl(None).as_str(), version), (purl, None));
        }
        assert_eq!(Package::parse_purl("pkg:npm/a@1%2B2").unwrap().1.as_deref(), Some("1+2"));
        for bad in ["npm/a", "pkg:npm", "pkg:npm/", "pkg:swift/a", "pkg:npm/a?x=1", "pkg:npm/%0a", "pkg:npm/a%", "pkg:npm/%+1"] {
            assert!(Package::parse_purl(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_plain() {
        assert!("claude-code".parse::<ToolId>().is_ok());
        for bad in ["", "-a", "A", "a b", "a/b", "a\u{1b}", &"a".repeat(65)] {
            assert!(bad.parse::<ToolId>().is_err(), "{bad:?}");
        }
    }
}
