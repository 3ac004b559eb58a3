//! What is to be approved, and which version that is.

use super::laid::ReleasedFile;
use super::{Args, Candidate, revoked};
use crate::catalogue::Tool;
use crate::cli::Context;
use crate::error::Error;
use crate::manifest::{Manifest, Revocation, duration};
use crate::text::printable;
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};
use jiff::Timestamp;
use std::cmp::Ordering;

/// What is to be approved, and under what.
pub(super) struct Asked<'a> {
    /// What may be touched.
    pub(super) context: &'a Context,
    /// The command line.
    pub(super) args: &'a Args,
    /// The tool.
    pub(super) tool: &'a Tool,
    /// The manifest that is changed.
    pub(super) manifest: &'a Manifest,
    /// Every revocation of the policy folder, those of the revocations document too.
    pub(super) revocations: &'a [Revocation],
    /// The version, where one is named.
    pub(super) version: Option<String>,
}

/// A version that a registry has.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    /// As the registry writes it.
    pub(super) version: String,
    /// When it was published, where the registry says.
    pub(super) released: Option<Timestamp>,
    /// Whether its publisher withdrew it.
    pub(super) is_withdrawn: bool,
}

/// A version that a registry has, in the light of the manifest.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// As the registry writes it.
    pub(super) version: String,
    /// When it was published, where the registry says.
    pub(super) released: Option<Timestamp>,
    /// From when on an approval of it counts; `None` where that cannot be known.
    pub(super) counts_from: Option<Timestamp>,
    /// The revocation that covers it.
    pub(super) revoked_by: Option<String>,
    /// Whether its publisher withdrew it.
    pub(super) is_withdrawn: bool,
    /// Whether it is a version before its release.
    pub(super) is_early: bool,
}

impl Asked<'_> {
    /// The one package of the tool in an ecosystem.
    ///
    /// # Errors
    /// [`Error`] when the tool has none there.
    pub(super) fn package(&self, ecosystem: Ecosystem) -> Result<Package, Error> {
        let mut names = self.tool.packages().filter(|package| package.ecosystem == ecosystem);
        names.next().ok_or_else(|| {
            let error = Error::usage(format!("{} has no {} package that is known", self.tool.id, ecosystem.purl_type()));
            let others: Vec<String> = self.tool.packages().map(|package| package.purl(None)).collect();
            if others.is_empty() { error } else { error.cause(format!("it is known as {}", others.join(", "))) }
                .hint("`[tool.recognise]` in vetted.toml names packages of your own (docs/manifest.md)")
        })
    }

    /// The revocation that covers a version of a package, by its name alone or by digests too.
    pub(super) fn revocation_of(&self, package: Option<&Package>, version: &str, files: &[ReleasedFile]) -> Option<&Revocation> {
        let scheme = package.map_or(self.tool.scheme(), |package| package.ecosystem.scheme());
        let version = Version::parse(scheme, version);
        let digests = files.iter().map(|file| &file.digests).collect();
        let candidate = Candidate { package, version: Some(&version), scheme, digests };
        revoked(self.revocations, self.tool, &[candidate], self.context.world.now)
    }

    /// The versions of a package, newest first, in the light of the manifest.
    pub(super) fn standings(&self, package: &Package, offered: Vec<Offered>) -> Vec<Standing> {
        let scheme = package.ecosystem.scheme();
        let mut standings: Vec<Standing> = offered
            .into_iter()
            .map(|one| Standing {
                revoked_by: self.revocation_of(Some(package), &one.version, &[]).map(|revocation| revocation.id.clone()),
                counts_from: one.released.and_then(|released| released.checked_add(self.manifest.cooldown).ok()),
                is_early: is_early(scheme, &one.version),
                version: one.version,
                released: one.released,
                is_withdrawn: one.is_withdrawn,
            })
            .filter(|one| Version::parse(scheme, &one.version).is_ordered())
            .collect();
        standings.sort_by(|a, b| newer(scheme, &b.version, &a.version));
        standings
    }

    /// The version that is meant: the one that is named, else the newest that is past the cooldown, not revoked, not withdrawn, and no
    /// early version where there is another one.
    ///
    /// # Errors
    /// [`Error`] when there is none.
    pub(super) fn chosen_version(&self, package: &Package, offered: Vec<Offered>) -> Result<String, Error> {
        if let Some(version) = &self.version {
            return Ok(version.clone());
        }
        let now = self.context.world.now;
        let (past, which) = match duration::written(self.manifest.cooldown) {
            _ if self.manifest.cooldown.is_zero() => (String::new(), "the newest version".to_owned()),
            cooldown => (format!("past the cooldown of {cooldown}, "), format!("the newest past the cooldown of {cooldown}")),
        };
        let standings = self.standings(package, offered);
        let only_early = standings.iter().all(|one| one.is_early);
        let is_fit = |one: &&Standing| {
            let is_old_enough = self.manifest.cooldown.is_zero() || one.counts_from.is_some_and(|from| from <= now);
            one.revoked_by.is_none() && !one.is_withdrawn && (only_early || !one.is_early) && is_old_enough
        };
        let Some(fit) = standings.iter().find(is_fit) else {
            return Err(Error::usage(format!("no version of {} can be chosen", self.tool.id))
                .cause(format!("of {} versions none is {past}neither revoked nor withdrawn", standings.len()))
                .hint(format!("`vetted approve {}@VERSION --from ...` names one", self.tool.id)));
        };
        let printer = self.context.printer;
        let published = fit.released.map(|at| format!(", published {at}")).unwrap_or_default();
        printer.say(&format!("{} {} is {which}{published}", self.tool.id, printable(&fit.version)));
        let passed = standings.iter().take_while(|one| one.version != fit.version);
        for newer in passed.filter(|one| only_early || !one.is_early).take(5) {
            let why = match (&newer.revoked_by, newer.is_withdrawn, newer.counts_from) {
                (Some(id), ..) => format!("revoked by {}", printable(id)),
                (None, true, _) => "withdrawn by its publisher".to_owned(),
                (None, false, Some(from)) => format!("would count from {from}"),
                (None, false, None) => "the registry states no time for it".to_owned(),
            };
            printer.say(&format!("  newer: {} ({why})", printable(&newer.version)));
        }
        Ok(fit.version.clone())
    }
}

fn newer(scheme: Scheme, a: &str, b: &str) -> Ordering {
    let order = Version::parse(scheme, a).precedence(&Version::parse(scheme, b));
    order.unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
}

/// Whether a version says that it comes before its release.
fn is_early(scheme: Scheme, version: &str) -> bool {
    match scheme {
        Scheme::SemVer => semver::Version::parse(version).is_ok_and(|version| !version.pre.is_empty()),
        Scheme::Pep440 => version.parse::<pep440_rs::Version>().is_ok_and(|version| version.any_prerelease()),
        Scheme::Opaque => false,
    }
}
