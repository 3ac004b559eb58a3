//! What is known of one tool: an entry of `catalogue.toml`, or what a manifest says of a tool of its own.

use super::Text;
use crate::tool::{Ecosystem, Kind, Os, Package, ToolId};
use crate::version::Scheme;
use serde::Deserialize;

/// One tool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'static"))]
pub struct Tool {
    /// Its id.
    pub id: ToolId,
    /// Who makes it.
    pub vendor: String,
    /// What kind of tool it is.
    pub kind: Kind,
    /// npm packages that are this tool, exact names; the first is the one to install.
    #[serde(default)]
    pub npm: Vec<Text>,
    /// npm packages that hold this tool's program for one platform: exact names, `{a,b}` stands for either.
    #[serde(default)]
    pub npm_platform: Vec<Text>,
    /// What install scripts put in the place of files of the npm package, or beside them.
    #[serde(default)]
    pub replaced: Vec<Replaced>,
    /// PyPI distributions, exact names; the first is the one to install.
    #[serde(default)]
    pub pypi: Vec<Text>,
    /// Homebrew: `cask:<token>` or `formula:<name>`.
    #[serde(default)]
    pub brew: Vec<Text>,
    /// Crates, exact names.
    #[serde(default)]
    pub cargo: Vec<Text>,
    /// Go modules, exact import paths.
    #[serde(default)]
    pub go: Vec<Text>,
    /// Ruby gems, exact names.
    #[serde(default)]
    pub gem: Vec<Text>,
    /// Container images without tag, as they are written.
    #[serde(default)]
    pub docker: Vec<Text>,
    /// Addresses of its vendor's installers, without scheme: `{a,b}` stands for either, a part that is `*` for any.
    #[serde(default)]
    pub installers: Vec<Text>,
    /// Names in the registry of mise, which asdf's files share, and backends there: `claude`, `aqua:openai/codex`.
    #[serde(default)]
    pub mise: Vec<Text>,
    /// Attributes of nixpkgs.
    #[serde(default)]
    pub nix: Vec<Text>,
    /// `publisher.name` in the VS Code family.
    #[serde(default)]
    pub vscode_extensions: Vec<Text>,
    /// JetBrains plugin ids.
    #[serde(default)]
    pub jetbrains_plugins: Vec<Text>,
    /// GitHub actions, `owner/repository`.
    #[serde(default)]
    pub actions: Vec<Text>,
    /// Dev container features, globs.
    #[serde(default)]
    pub devcontainer_features: Vec<Text>,
    /// Names of its executables, without `.exe`.
    #[serde(default)]
    pub binaries: Vec<Text>,
    /// Those of `binaries` that are ordinary words: never enough by themselves to say a file is this tool.
    #[serde(default)]
    pub common_names: Vec<Text>,
    /// Where its own installer puts it, by system: globs that begin with `~`, `/`, `{brew}`, `%VARIABLE%`.
    #[serde(default)]
    pub paths: Paths,
    /// How many levels above a path's match its version stands, where a path of it carries one: the name of that file or
    /// folder is the version.
    #[serde(default)]
    pub version_in_path: Option<VersionInPath>,
    /// Text before the version inside its executable, for example `VERSION:"`.
    #[serde(default)]
    pub version_marker: Option<Text>,
    /// Whether its executable is packed, so that nothing can be read in it.
    #[serde(default)]
    pub packed: bool,
    /// What it brings along.
    #[serde(default)]
    pub carries: Vec<Carries>,
    /// Files by which it is configured in a repository or a home.
    #[serde(default)]
    pub config_files: Vec<Text>,
    /// Commit trailers it writes, globs.
    #[serde(default)]
    pub commit_trailers: Vec<Text>,
    /// Suffix of the author name in commits it makes.
    #[serde(default)]
    pub author_suffix: Option<Text>,
    /// Regular expressions of model ids.
    #[serde(default)]
    pub model_id_patterns: Vec<Text>,
    /// Hosts it talks to.
    #[serde(default)]
    pub api_hosts: Vec<Text>,
    /// Environment variables that steer it.
    #[serde(default)]
    pub env: Vec<Text>,
    /// Facts that are well known and were not seen: nothing is decided by them.
    #[serde(default)]
    pub unchecked: Vec<Text>,
    /// A remark for the reader.
    #[serde(default)]
    pub note: Option<Text>,
    /// Where the facts come from. Never empty.
    pub source: Text,
}

/// A file of an npm package that its install script replaces, or adds, by a program of a platform package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// In the package, `/`-separated.
    pub path: String,
    /// In the platform package; on Windows with `.exe`.
    pub by: String,
    /// Where the script makes a symbolic link there on systems that have them: its target.
    #[serde(default)]
    pub link: Option<String>,
}

/// Paths by system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'static"))]
pub struct Paths {
    /// Linux.
    #[serde(default)]
    pub linux: Vec<Text>,
    /// macOS.
    #[serde(default)]
    pub macos: Vec<Text>,
    /// Windows.
    #[serde(default)]
    pub windows: Vec<Text>,
}

impl Paths {
    /// Those of one system.
    #[must_use]
    pub fn of(&self, os: Os) -> &[Text] {
        match os {
            Os::Linux => &self.linux,
            Os::MacOs => &self.macos,
            Os::Windows => &self.windows,
        }
    }
}

/// Which part of a path is the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum VersionInPath {
    /// The file's own name.
    FileName,
    /// The name of the folder that holds it.
    Folder,
}

/// A tool that another one brings along.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Carries {
    /// Which tool.
    pub tool: ToolId,
    /// Its file inside the carrier, a glob relative to the carrier's root; none when it comes as a nested package, which is
    /// found by itself.
    #[serde(default)]
    pub path: Option<String>,
    /// Where its version stands.
    #[serde(default)]
    pub version: CarriedVersion,
    /// A remark for the reader.
    #[serde(default)]
    pub note: Option<String>,
}

/// Where the version of a carried tool stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(serde::Serialize))]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum CarriedVersion {
    /// Only the digest or the executable's own marker tells.
    #[default]
    Unknown,
    /// The carrier's own version.
    SameAsCarrier,
    /// A key of the carrier's `package.json`.
    PackageJson {
        /// The key.
        key: String,
    },
    /// A text file: the version is what stands between the first pair of quotes, or the whole trimmed content.
    File {
        /// Relative to the carrier's root.
        path: String,
    },
}

/// Every name that a pattern with `{a,b}` stands for; `{` and `}` do not nest.
pub(super) fn expand_braces(pattern: &str) -> Vec<String> {
    let parts = pattern.split_once('{').and_then(|(head, rest)| rest.split_once('}').map(|(list, tail)| (head, list, tail)));
    let Some((head, list, tail)) = parts else { return vec![pattern.to_owned()] };
    let tails = expand_braces(tail);
    list.split(',').flat_map(|choice| tails.iter().map(move |tail| format!("{head}{choice}{tail}"))).collect()
}

impl Tool {
    /// An entry for a tool of which nothing but its id is known.
    #[must_use]
    pub fn unknown(id: ToolId) -> Self {
        Self {
            id,
            vendor: "unknown".to_owned(),
            kind: Kind::Cli,
            npm: Vec::new(),
            npm_platform: Vec::new(),
            replaced: Vec::new(),
            pypi: Vec::new(),
            brew: Vec::new(),
            cargo: Vec::new(),
            go: Vec::new(),
            gem: Vec::new(),
            docker: Vec::new(),
            installers: Vec::new(),
            mise: Vec::new(),
            nix: Vec::new(),
            vscode_extensions: Vec::new(),
            jetbrains_plugins: Vec::new(),
            actions: Vec::new(),
            devcontainer_features: Vec::new(),
            binaries: Vec::new(),
            common_names: Vec::new(),
            paths: Paths::default(),
            version_in_path: None,
            version_marker: None,
            packed: false,
            carries: Vec::new(),
            config_files: Vec::new(),
            commit_trailers: Vec::new(),
            author_suffix: None,
            model_id_patterns: Vec::new(),
            api_hosts: Vec::new(),
            env: Vec::new(),
            unchecked: Vec::new(),
            note: None,
            source: "manifest".into(),
        }
    }

    /// An entry as a manifest describes it in `[tool.recognise]`.
    #[must_use]
    pub fn described_by_manifest(id: ToolId, vendor: &str, kind: Kind, packages: &[Package], binaries: &[String]) -> Self {
        let of = |ecosystem: Ecosystem| -> Vec<Text> {
            packages.iter().filter(|p| p.ecosystem == ecosystem).map(|p| p.name.clone().into()).collect()
        };
        Self {
            vendor: vendor.to_owned(),
            kind,
            npm: of(Ecosystem::Npm),
            pypi: of(Ecosystem::Pypi),
            brew: of(Ecosystem::Brew),
            vscode_extensions: of(Ecosystem::VsCode),
            jetbrains_plugins: of(Ecosystem::JetBrains),
            actions: of(Ecosystem::GitHub),
            binaries: binaries.iter().map(|name| name.clone().into()).collect(),
            ..Self::unknown(id)
        }
    }

    /// Every package that is this tool.
    pub fn packages(&self) -> impl Iterator<Item = Package> {
        let of = |ecosystem: Ecosystem, names: &[Text]| {
            names.iter().map(move |name| Package::new(ecosystem, name)).collect::<Vec<_>>()
        };
        [
            of(Ecosystem::Npm, &self.npm),
            of(Ecosystem::Pypi, &self.pypi),
            of(Ecosystem::Brew, &self.brew),
            of(Ecosystem::Cargo, &self.cargo),
            of(Ecosystem::Go, &self.go),
            of(Ecosystem::Gem, &self.gem),
            of(Ecosystem::Docker, &self.docker),
            of(Ecosystem::VsCode, &self.vscode_extensions),
            of(Ecosystem::JetBrains, &self.jetbrains_plugins),
            of(Ecosystem::GitHub, &self.actions),
        ]
        .into_iter()
        .flatten()
    }

    /// The names of the npm packages that hold its program for one platform.
    pub fn npm_platform_packages(&self) -> impl Iterator<Item = String> {
        self.npm_platform.iter().flat_map(|pattern| expand_braces(pattern))
    }

    /// How its versions are ordered: PEP 440 for a tool that is only on PyPI, SemVer else.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.kind {
            Kind::Model => Scheme::Opaque,
            _ if !self.pypi.is_empty() && self.npm.is_empty() => Scheme::Pep440,
            _ => Scheme::SemVer,
        }
    }

    /// Whether a name on disk is distinctive enough to name this tool when nothing else does.
    #[must_use]
    pub fn has_distinctive_binary(&self, name: &str) -> bool {
        self.binaries.iter().any(|b| b == name) && !self.common_names.iter().any(|c| c == name)
    }
}
