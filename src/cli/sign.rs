//! `vetted sign`: put one's name under a document.

use super::Context;
use super::change::FolderArgs;
use super::key::KeyArgs;
use crate::error::{Error, ExitStatus};
use crate::manifest::edit::Draft;
use crate::manifest::trust_policy::Role;
use crate::manifest::{MAX_DOCUMENT, Manifest, TRUST_KIND, TrustPolicy};
use crate::text::printable_path;
use crate::trust::document::{self, MANIFEST_FILE, TRUST_FILE};
use crate::trust::sigstore::{SignatureBundle, SigningKey};
use crate::trust::{Authority, threshold};
use crate::world::files::Files;
use std::path::{Path, PathBuf};

/// Sign `vetted.toml` or `vetted-trust.toml` with a key of one of its signers
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Documents to sign; without any, those of the policy folder
    #[arg(value_name = "FILE")]
    documents: Vec<PathBuf>,
    /// Before signing, make the next issue of `vetted.toml`: serial one higher, issued now, living as long as before
    #[arg(long)]
    renew: bool,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    key: KeyArgs,
}

/// A document that can be signed: it is valid, and who may sign it is known.
struct Document {
    path: PathBuf,
    bytes: Vec<u8>,
    role: Role,
    trust: Authority,
    /// The manifest, where it is one.
    manifest: Option<Manifest>,
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the kind `Usage` when a document is not valid or the key is none of a signer.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let paths = if args.documents.is_empty() {
        let folder = args.folder.folder(context)?;
        let present = |name: &&str| files.lstat(&folder.join(name)).is_ok();
        // Renewing speaks of the manifest alone.
        let names = if args.renew { &[MANIFEST_FILE][..] } else { &[TRUST_FILE, MANIFEST_FILE][..] };
        let found: Vec<PathBuf> = names.iter().filter(|n| present(n)).map(|name| folder.join(name)).collect();
        if found.is_empty() {
            return Err(
                Error::usage(format!("`{}` holds no policy to sign", printable_path(&folder))).hint("`vetted init` makes one")
            );
        }
        found
    } else {
        args.documents.clone()
    };
    let documents = paths.into_iter().map(|path| read(files, path)).collect::<Result<Vec<_>, _>>()?;
    let key = args.key.open(context)?;
    // Whoever may not sign one of them signs none.
    let signers = documents.iter().map(|document| signer(document, &key)).collect::<Result<Vec<_>, _>>()?;
    for (mut document, signer) in documents.into_iter().zip(signers) {
        if args.renew {
            renew(&mut document, context)?;
        } else if args.documents.is_empty() && is_signed_by(&document, &signer, context) {
            context.printer.say(&format!("{} is signed by {signer} already", printable_path(&document.path)));
            continue;
        }
        sign(&document, &signer, &key, context)?;
    }
    Ok(ExitStatus::Success)
}

fn read(files: Files, path: PathBuf) -> Result<Document, Error> {
    let shown = printable_path(&path);
    let cannot = |error: &dyn std::error::Error| Error::usage(format!("cannot sign `{shown}`")).because(error);
    let bytes = files.read(&path, MAX_DOCUMENT).map_err(|e| cannot(&e))?;
    match Manifest::parse(&path, &bytes) {
        Ok(manifest) => {
            let beside = path.with_file_name(TRUST_FILE);
            let trust = files.read(&beside, MAX_DOCUMENT).map_err(|e| cannot(&e))?;
            let trust = TrustPolicy::parse(&beside, &trust).map_err(|e| cannot(&e))?;
            if trust.name != manifest.header.name {
                let why = format!("it is called `{}`, and the trust policy beside it `{}`", manifest.header.name, trust.name);
                return Err(Error::usage(format!("cannot sign `{shown}`")).cause(why));
            }
            let trust = authority(files, &path, trust)?;
            Ok(Document { path, bytes, role: Role::Manifest, trust, manifest: Some(manifest) })
        }
        Err(errors) if errors.wrong_kind.as_deref() == Some(TRUST_KIND) => {
            let trust = TrustPolicy::parse(&path, &bytes).map_err(|e| cannot(&e))?;
            let trust = authority(files, &path, trust)?;
            Ok(Document { path, bytes, role: Role::Root, trust, manifest: None })
        }
        Err(errors) => Err(cannot(&errors)),
    }
}

fn authority(files: Files, document: &Path, trust: TrustPolicy) -> Result<Authority, Error> {
    let folder = document.parent().unwrap_or(Path::new(""));
    let cannot = |e: &dyn std::error::Error| Error::usage(format!("cannot sign `{}`", printable_path(document))).because(e);
    Authority::load(files, folder, trust).map_err(|e| cannot(&e))
}

/// The holder of the role to whom the key belongs.
fn signer(document: &Document, key: &SigningKey) -> Result<String, Error> {
    let Document { path, role, trust, .. } = document;
    let holders = trust.policy.roles.get(role).map(|holders| holders.signers.as_slice()).unwrap_or_default();
    let owns =
        |id: &&String| trust.policy.signers.get(*id).is_some_and(|signer| signer.keys.iter().any(|k| k.spki == key.spki()));
    holders.iter().find(owns).cloned().ok_or_else(|| {
        Error::usage(format!("this key may not sign `{}`", printable_path(path))).cause(format!(
            "`{TRUST_FILE}` gives the role `{}` to {}, and none of them has this key",
            role.name(),
            holders.join(", ")
        ))
    })
}

fn is_signed_by(document: &Document, signer: &str, context: &Context) -> bool {
    let Document { path, bytes, role, trust, .. } = document;
    let texts = document::read_bundle_texts(context.world.files, path).unwrap_or_default();
    texts
        .iter()
        .filter_map(|text| SignatureBundle::parse(text).ok())
        .any(|bundle| threshold::signer_of(&bundle, trust, *role, bytes, context.world.now).is_ok_and(|found| found == signer))
}

fn renew(document: &mut Document, context: &Context) -> Result<(), Error> {
    let shown = printable_path(&document.path);
    if document.manifest.is_none() {
        return Err(Error::usage(format!("`{shown}` cannot be renewed: its version is counted by hand")));
    }
    let cannot = |error: &dyn std::error::Error| Error::usage(format!("cannot renew `{shown}`")).because(error);
    let mut draft = Draft::open(&document.path, &document.bytes).map_err(|e| cannot(&e))?;
    draft.renew(context.world.now).map_err(|e| cannot(&e))?;
    let mode = context.world.files.stat(&document.path).map_or(0o644, |stat| stat.mode);
    document.bytes = draft.text().as_bytes().to_vec();
    context.world.files.write_atomic(&document.path, &document.bytes, mode).map_err(|e| cannot(&e))?;
    let header = &draft.manifest().header;
    context.printer.say(&format!("{shown}: serial {}, expires {}", header.serial, header.expires));
    document.manifest = Some(draft.manifest().clone());
    Ok(())
}

fn sign(document: &Document, signer: &str, key: &SigningKey, context: &Context) -> Result<(), Error> {
    let Document { path, bytes, role, trust, .. } = document;
    let (files, now, shown) = (context.world.files, context.world.now, printable_path(path));
    let cannot = |error: &dyn std::error::Error| Error::usage(format!("cannot sign `{shown}`")).because(error);
    let mut lines = Vec::new();
    let mut bundles = Vec::new();
    let mut dead = 0;
    for text in document::read_bundle_texts(files, path).map_err(|e| cannot(&e))? {
        match SignatureBundle::parse(&text).and_then(|b| Ok((threshold::signer_of(&b, trust, *role, bytes, now)?.to_owned(), b)))
        {
            // One's own earlier signature is replaced.
            Ok((by, _)) if by == signer => {}
            Ok((_, bundle)) => {
                lines.push(one_line(&text));
                bundles.push(bundle);
            }
            Err(_) => dead += 1,
        }
    }
    let own = key.sign(bytes).ok_or_else(|| Error::undecided("cannot sign: the system gives no random numbers"))?;
    bundles.push(SignatureBundle::parse(&own).map_err(|e| cannot(&e))?);
    lines.push(own);
    let tally = threshold::tally(trust, *role, bytes, &bundles, now).map_err(|e| cannot(&e))?;
    if !tally.found.iter().any(|found| found == signer) {
        // The one way to get here is a key that has ended.
        let why = tally.refused.last().map(ToString::to_string).unwrap_or_default();
        return Err(Error::usage(format!("cannot sign `{shown}`")).cause(why));
    }
    write(files, path, &lines).map_err(|e| cannot(&e))?;

    if dead > 0 {
        let (were, them) = if dead == 1 { ("1 signature was", "it") } else { (&*format!("{dead} signatures were"), "them") };
        context.printer.say(&format!("{were} of other bytes or of nobody who counts: removed {them}"));
    }
    context.printer.say(&format!("signed {shown} as {signer}: {} of {} signatures", tally.found.len(), tally.needed));
    if tally.found.len() < tally.needed {
        let needs = tally.needed - tally.found.len();
        context
            .printer
            .say(&format!("it needs {needs} more of {}, who run `vetted sign` on their copy", tally.missing.join(", ")));
    }
    if let Some(manifest) = &document.manifest
        && manifest.header.expires <= now
    {
        context.printer.say(&format!("it expired at {}: `vetted sign --renew` makes the next issue", manifest.header.expires));
    }
    Ok(())
}

/// A bundle as one line, whatever layout it came in.
fn one_line(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| text.to_owned(), |value| value.to_string())
}

/// One signature goes into `.sigstore.json`, the name other tools look for; several go into `.sigstore.jsonl`, one a line.
fn write(files: Files, document: &Path, lines: &[String]) -> Result<(), crate::world::files::FileError> {
    let [many, one] = document::signature_paths(document);
    let (here, there) = if lines.len() == 1 { (one, many) } else { (many, one) };
    files.write_atomic(&here, (lines.join("\n") + "\n").as_bytes(), 0o644)?;
    match files.remove(&there) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
