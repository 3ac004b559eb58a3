//! What a signature would newly allow, shown before it is made.

use super::document::{Content, Document};
use crate::cli::Context;
use crate::cli::previous::{LastSigned, last_signed};
use crate::error::Error;
use crate::manifest::difference::{Difference, Documents};
use crate::manifest::{MAX_DOCUMENT, Manifest, Revocations, TrustPolicy};
use crate::report::difference;
use crate::text::printable_path;
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE};
use crate::world::files::Files;
use std::path::Path;

/// The documents of a folder as they would be after signing.
#[derive(Default)]
struct After {
    trust: Option<TrustPolicy>,
    manifest: Option<Manifest>,
    revocations: Option<Revocations>,
}

/// Say what the documents newly allow, one folder after the other.
///
/// # Errors
/// [`Error`] where it cannot be said: nobody signs what was not shown.
pub(super) fn show(documents: &[Document], context: &Context) -> Result<(), Error> {
    let mut folders: Vec<&Path> = Vec::new();
    for document in documents {
        let folder = document.folder();
        if folders.contains(&folder) {
            continue;
        }
        folders.push(folder);
        let those = documents.iter().filter(|d| d.folder() == folder);
        let after = After::of(those, folder, context.world.files);
        let new =
            Documents { trust: after.trust.as_ref(), manifest: after.manifest.as_ref(), revocations: after.revocations.as_ref() };
        let last = last_signed(context, folder);
        let base = last.as_ref().map(LastSigned::documents);
        if base.is_none() {
            context.printer.say(&format!("nothing in `{}` was signed before: all of it is new", printable_path(folder)));
        }
        for why in last.iter().flat_map(|last| &last.passed_over) {
            context.printer.say(&format!("{why}; what it allowed is shown as new"));
        }
        let difference = Difference::between(base.as_ref(), &new);
        let mut stderr = context.printer.stderr();
        difference::render(&difference, &context.style(), &mut stderr)
            .and_then(|()| stderr.flush())
            .map_err(|e| Error::undecided("cannot say what would be signed").because(&e))?;
    }
    Ok(())
}

impl After {
    /// Those that are signed now as they are signed; those beside them, which play a part in what is in force, as they stand. One
    /// that is not valid plays none: it is not what is signed.
    fn of<'a>(documents: impl Iterator<Item = &'a Document>, folder: &Path, files: Files) -> Self {
        let read = |name: &str| {
            let path = folder.join(name);
            files.read(&path, MAX_DOCUMENT).ok().map(|bytes| (path, bytes))
        };
        let mut after = Self {
            trust: read(TRUST_FILE).and_then(|(path, bytes)| TrustPolicy::parse(&path, &bytes).ok()),
            manifest: read(MANIFEST_FILE).and_then(|(path, bytes)| Manifest::parse(&path, &bytes).ok()),
            revocations: read(REVOCATIONS_FILE).and_then(|(path, bytes)| Revocations::parse(&path, &bytes).ok()),
        };
        for document in documents {
            match &document.content {
                Content::Trust(trust) => after.trust = Some(trust.clone()),
                Content::Manifest(manifest) => after.manifest = Some((**manifest).clone()),
                Content::Revocations(revocations) => after.revocations = Some(revocations.clone()),
            }
        }
        after
    }
}
