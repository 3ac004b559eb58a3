//! `--from github`: the files of a release of a repository that are programs, extensions, wheels or packages of the tool.

use super::asked::Asked;
use super::file::{LaidFile, lay_file};
use super::laid::{Laid, Layout, ReleasedFile};
use super::registries::network;
use crate::error::Error;
use crate::registry::github::GitHub;
use crate::registry::{ReleaseFile, download_aside};
use crate::text::printable;

/// How the files of a release end that are no part of the tool: sums, signatures, statements and lists of parts.
const BESIDE: [&str; 16] = [
    ".sha256",
    ".sha256sum",
    ".sha512",
    ".sha512sum",
    ".md5",
    ".sig",
    ".asc",
    ".pem",
    ".crt",
    ".sigstore",
    ".json",
    ".jsonl",
    ".txt",
    ".md",
    ".sbom",
    ".provenance",
];

/// Download and work out the files of a release.
///
/// # Errors
/// [`Error`] when no repository or version is named, GitHub does not give the release, or nothing in it can be pinned.
pub(super) fn lay(asked: &Asked<'_>, repository: Option<&str>) -> Result<Laid, Error> {
    let id = &asked.tool.id;
    let repository = repository.ok_or_else(|| {
        Error::usage(format!("which repository releases {id} is not known")).hint("`--from github:OWNER/REPOSITORY` names it")
    })?;
    let version = asked.version.as_deref().ok_or_else(|| {
        Error::usage("a release on GitHub is named by its version")
            .hint(format!("`vetted approve {id}@VERSION --from github:{repository}`"))
    })?;
    let github =
        GitHub::new(&asked.context.world, &network(asked.context)?, asked.args.registry.as_deref()).map_err(Error::from)?;
    let release = github.release(repository, version).map_err(Error::from)?;
    let printer = asked.context.printer;
    printer.say(&format!("{} {} from {}", printable(repository), printable(version), github.address()));
    let is_part = |file: &&ReleaseFile| !BESIDE.iter().any(|end| file.name.to_ascii_lowercase().ends_with(end));
    let (mut releases, mut layouts, mut notes) = (Vec::new(), Vec::<Layout>::new(), Vec::new());
    for file in release.files.iter().filter(is_part) {
        printer.say(&format!("  {}", printable(&file.name)));
        let (mut copy, done) = download_aside(&asked.context.world, &github.source(), file).map_err(Error::from)?;
        let laid: LaidFile = match lay_file(asked, &file.name, &mut copy, &done.digests) {
            Ok(laid) => laid,
            Err(error) => {
                // A release holds sources, installers and more; what is not worked out is not approved by it.
                notes.push(format!(
                    "`{}` is left out: {}",
                    printable(&file.name),
                    error.causes.first().unwrap_or(&error.message)
                ));
                continue;
            }
        };
        releases.push(ReleasedFile {
            package: Some(release.package.clone()),
            name: file.name.clone(),
            digests: done.digests,
            attestations: release.attestations.clone(),
            unserved: Vec::new(),
        });
        layouts.extend(laid.layouts);
        notes.extend(laid.notes);
    }
    if releases.is_empty() {
        let error =
            Error::usage(format!("no file of the release {} of {} can be pinned", printable(version), printable(repository)));
        return Err(notes.into_iter().fold(error, Error::cause));
    }
    notes.extend(release.unserved.iter().map(|url| format!("an attestation is named and not served: {}", printable(url))));
    Ok(Laid {
        package: Some(release.package.package),
        version: version.to_owned(),
        released: release.released,
        releases,
        layouts: together(layouts),
        packages: None,
        undeclared: Vec::new(),
        notes,
    })
}

/// Programs that lie alone are one layout: alternatives on their platforms. What has a tree is a layout of its own.
fn together(layouts: Vec<Layout>) -> Vec<Layout> {
    let (alone, others): (Vec<Layout>, Vec<Layout>) = layouts.into_iter().partition(|layout| layout.trees.is_empty());
    let mut installed = Vec::new();
    for one in alone.into_iter().flat_map(|layout| layout.installed) {
        if !installed.contains(&one) {
            installed.push(one);
        }
    }
    let alone = (!installed.is_empty()).then_some(Layout { trees: Vec::new(), installed });
    alone.into_iter().chain(others).collect()
}
