//! Why a registry gave no release: one variant for each step, with what was expected, what was found, and where.

use crate::error::Error;
use crate::text::printable;
use crate::world::files::FileError;
use crate::world::network::{Fault, NetworkError};
use thiserror::Error as ThisError;

/// Why there is no release, or no file of it.
#[derive(Debug, ThisError)]
pub enum RegistryError {
    /// Nothing says which registry is meant.
    #[error("no address of {kind} registry is configured")]
    NotConfigured {
        /// `an npm`, `a Python package`, `a GitHub`.
        kind: &'static str,
        /// The settings that would name one.
        settings: &'static str,
    },
    /// A setting holds something that cannot be used.
    #[error("{origin}: {why}")]
    Setting {
        /// Where it stands.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// A configuration file, or a file of the release, cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The registry gave no answer.
    #[error("the registry {address} gives no answer")]
    Network {
        /// Which, with where it is named.
        address: String,
        /// Why not.
        source: NetworkError,
    },
    /// The registry wants somebody else, or somebody.
    #[error("the registry {address} answered `{}` with status {status}", printable(.url))]
    Denied {
        /// Which, with where it is named.
        address: String,
        /// What was asked for.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What was sent along, or why nothing was.
        sent: String,
    },
    /// It has no such package.
    #[error("the registry {address} has no package `{}`", printable(.package))]
    NoPackage {
        /// Which.
        address: String,
        /// The name.
        package: String,
    },
    /// The package has no such version.
    #[error("`{}` has no version {} at the registry {address}", printable(.package), printable(.wanted))]
    NoVersion {
        /// Which.
        address: String,
        /// The name.
        package: String,
        /// What was asked for.
        wanted: String,
        /// The version that it calls its latest, where it says.
        latest: Option<String>,
    },
    /// What came is not what a registry says.
    #[error("`{}`: {why}", printable(.url))]
    Answer {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A dependency that does not come from a registry.
    #[error("`{}` asks for `{}` as `{}`, which comes from no registry", printable(.by), printable(.name), printable(.wanted))]
    Elsewhere {
        /// Who asks for it.
        by: String,
        /// The name of the dependency.
        name: String,
        /// What it asks for.
        wanted: String,
    },
    /// The registry states no digest that may carry a decision.
    #[error("the registry states no {wanted} digest of `{}`, only {stated}", printable(.file))]
    NoDigest {
        /// The file.
        file: String,
        /// What is demanded.
        wanted: &'static str,
        /// What there is instead.
        stated: String,
    },
    /// The file is another one than the registry says.
    #[error("`{}` is not what the registry states: expected {expected}, found {found}", printable(.file))]
    Digest {
        /// The file.
        file: String,
        /// What the registry states.
        expected: String,
        /// What came.
        found: String,
    },
    /// The registry's own signature does not hold.
    #[error("the registry signature of {package} by key {} does not hold: {why}", printable(.key))]
    Signature {
        /// The package and version.
        package: String,
        /// The key it names.
        key: String,
        /// Which step.
        why: String,
    },
}

impl RegistryError {
    /// Whether it is for the user to name something else; anything else could not be decided.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NotConfigured { .. } | Self::Setting { .. } | Self::NoPackage { .. } | Self::NoVersion { .. })
    }

    /// What to do about it, one line each.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NotConfigured { settings, .. } => vec![format!("name it with `--registry`, or with {settings}")],
            Self::Denied { sent, .. } => vec![sent.clone()],
            Self::NoVersion { latest: Some(latest), .. } => vec![format!("its latest version is {}", printable(latest))],
            Self::NoDigest { .. } => {
                vec!["download the file by hand, make sure that it is the right one, and name it with `--from FILE`".to_owned()]
            }
            Self::Digest { .. } | Self::Signature { .. } => {
                vec!["the file, or what is said of it, was changed on the way or at the registry: ask another registry with `--registry`".to_owned()]
            }
            Self::Network { source, .. } if matches!(source.fault, Fault::Redirect(_)) => {
                vec!["name the address that it redirects to, where that one is meant".to_owned()]
            }
            Self::Network { .. } => {
                vec![
                    "make sure that the address is right and that this machine reaches it; `--registry URL` names another"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        let message = error.to_string();
        let mut outer = if error.is_usage() { Self::usage(message) } else { Self::undecided(message) };
        if let Some(source) = std::error::Error::source(&error) {
            outer = outer.because(source);
        }
        error.hints().into_iter().fold(outer, Self::hint)
    }
}
