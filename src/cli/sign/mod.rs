//! `vetted sign`: put one's name under a document.
//!
//! What is signed is read first and shown as what it newly allows; what is written is verified first, by the code that `check`
//! uses. Nothing is written before every signature is there.

mod document;
mod preview;

use super::Context;
use super::change::{FolderArgs, keep_previous};
use super::signer::SignerArgs;
use crate::error::{Error, ExitStatus};
use crate::manifest::Header;
use crate::report::words::signatures;
use crate::text::{printable, printable_path};
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE, read_bundle_texts, signature_paths};
use crate::trust::signing::Signer;
use crate::trust::sigstore::SignatureBundle;
use crate::trust::threshold::Tally;
use crate::world::files::{FileError, Files};
use document::{Content, Document, Voices, refused};
use std::path::{Path, PathBuf};

/// Sign documents of a policy: with a key file, with a key on a token, or with an identity
///
/// Before it signs it says what the documents newly allow, compared with their last signed issue, and asks where somebody sits at
/// a terminal. Several people sign one after the other on the same files; each adds a signature.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Documents to sign; without any, those of the policy folder that the key may sign and has not
    #[arg(value_name = "FILE")]
    documents: Vec<PathBuf>,
    /// Before signing, make the next issue: serial one higher, issued now, living as long as before.
    ///
    /// Of `vetted.toml`, or of the manifests and revocations that are named. Revocations then name the newest signed manifest. An
    /// issue that others signed and that still lacks signatures is not replaced.
    #[arg(long)]
    renew: bool,
    /// Sign without asking
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    signer: SignerArgs,
}

/// Run the command.
///
/// # Errors
/// [`Error`] of the kind `Usage` when a document would be refused however many signed it, or the signer is none of its signers.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    let files = context.world.files;
    let paths = if args.documents.is_empty() { present(args, context)? } else { args.documents.clone() };
    let mut documents = paths.into_iter().map(|path| Document::read(files, path)).collect::<Result<Vec<_>, _>>()?;
    let signer = args.signer.open(context)?;
    let is_chosen = args.documents.is_empty();
    refuse_strangers(&mut documents, &signer, is_chosen)?;
    let mut waiting = Vec::new();
    for mut document in documents {
        if args.renew {
            document.refuse_to_discard(&signer, context)?;
            document.renew(context)?;
            document.refuse_a_taken_serial(context)?;
        } else if is_chosen && is_signed(&document, &signer, context) {
            context.printer.say(&format!("{} is signed with this key already", document.shown()));
            continue;
        } else {
            document.refuse_what_check_refuses(context)?;
        }
        waiting.push(document);
    }
    if waiting.is_empty() {
        return Ok(ExitStatus::Success);
    }
    preview::show(&waiting, context)?;
    if !args.yes && context.printer.can_ask() && !context.printer.confirm(&question(&waiting, &signer)) {
        return Err(Error::usage("nothing was signed"));
    }
    let done = waiting.into_iter().map(|d| Signed::make(d, &signer, context)).collect::<Result<Vec<_>, _>>()?;
    for document in &done {
        document.write(args.renew, context)?;
        document.say(context);
    }
    Ok(ExitStatus::Success)
}

/// The documents of the policy folder.
fn present(args: &Args, context: &Context) -> Result<Vec<PathBuf>, Error> {
    if args.signer.is_keyless() {
        let error = Error::usage("which documents to sign has to be said with `--keyless`: every signature is published");
        return Err(error.hint(format!("`vetted sign --keyless {MANIFEST_FILE} ...`")));
    }
    let folder = args.folder.folder_to_change(context)?;
    // Renewing speaks of the manifest alone, unless a document is named.
    let names = if args.renew { &[MANIFEST_FILE][..] } else { &[TRUST_FILE, MANIFEST_FILE, REVOCATIONS_FILE][..] };
    let paths = names.iter().map(|name| folder.join(name));
    let found: Vec<PathBuf> = paths.filter(|path| context.world.files.lstat(path).is_ok()).collect();
    if found.is_empty() {
        return Err(
            Error::usage(format!("`{}` holds no policy to sign", printable_path(&folder))).hint("`vetted init` makes one")
        );
    }
    Ok(found)
}

/// Whoever may not sign a document that was named signs none. Of those of the folder, what the key may sign is taken. An identity
/// is known for certain only by its certificate, so it is looked at later.
fn refuse_strangers(documents: &mut Vec<Document>, signer: &Signer, is_chosen: bool) -> Result<(), Error> {
    let Some(spki) = signer.spki() else { return Ok(()) };
    let strange = |document: &Document| {
        let trust = document.courts.last().map(|court| &court.authority.policy.name);
        Error::usage(format!("this key may not sign `{}`", document.shown())).cause(format!(
            "`{TRUST_FILE}` of `{}` gives the role `{}` to {}, and none of them has this key",
            trust.map(|name| printable(name)).unwrap_or_default(),
            document.role.name(),
            document.holders().join(", ")
        ))
    };
    let first = documents.iter().find(|document| document.owner(spki).is_none()).map(strange);
    if is_chosen {
        documents.retain(|document| document.owner(spki).is_some());
    }
    match first {
        Some(error) if !is_chosen || documents.is_empty() => Err(error),
        _ => Ok(()),
    }
}

/// Whether this very key has signed the document as it stands.
fn is_signed(document: &Document, signer: &Signer, context: &Context) -> bool {
    let texts = read_bundle_texts(context.world.files, &document.path).unwrap_or_default();
    texts.iter().filter_map(|text| SignatureBundle::parse(text).ok()).any(|bundle| match (&bundle, signer.spki()) {
        (SignatureBundle::Key(key), Some(spki)) => {
            key.is_by(spki, &document.bytes) && document.voices(&bundle, context.world.now).is_ok()
        }
        _ => false,
    })
}

fn question(documents: &[Document], signer: &Signer) -> String {
    let shown: Vec<String> = documents.iter().map(Document::shown).collect();
    let shown = shown.join(" and ");
    match signer {
        Signer::Keyless(keyless) => {
            let (issuer, identity) = keyless.claims();
            let (issuer, identity) = (printable(issuer), printable(identity));
            format!("Sign {shown} as `{identity}` of {issuer}, which the log of the instance then publishes?")
        }
        Signer::Key(_) | Signer::Token(_) => {
            let owners = documents.first().and_then(|document| document.owner(signer.spki().unwrap_or_default()));
            format!("Sign {shown} as {}?", printable(owners.unwrap_or("a signer")))
        }
    }
}

/// A document with the signatures that it is to have.
struct Signed {
    document: Document,
    lines: Vec<String>,
    tallies: Vec<(Option<u64>, Tally)>,
    /// As whom the new signature counts.
    signer: String,
    /// How many signatures were there that count for nobody.
    dead: usize,
}

impl Signed {
    /// Sign, and count the new signature together with those that are there.
    fn make(document: Document, signer: &Signer, context: &Context) -> Result<Self, Error> {
        let now = context.world.now;
        let cannot = |error: &dyn std::error::Error| refused(&document.path).because(error);
        let own = signer.sign(&document.bytes).map_err(|e| {
            let error = Error::undecided(format!("cannot sign `{}`", document.shown())).because(&e);
            if matches!(signer, Signer::Keyless(_)) {
                error.hint("nothing was written; the services of the instance may be asked again")
            } else {
                error
            }
        })?;
        let own_bundle = SignatureBundle::parse(&own).map_err(|e| cannot(&e))?;
        let voices = document.voices(&own_bundle, now).map_err(|e| {
            let error = cannot(&e);
            match document.holders()[..] {
                [] => error,
                ref holders => error.hint(format!("the role `{}` is held by {}", document.role.name(), holders.join(", "))),
            }
        })?;
        let (mut lines, mut bundles, mut dead) = (Vec::new(), Vec::new(), 0);
        for text in read_bundle_texts(context.world.files, &document.path).map_err(|e| cannot(&e))? {
            match SignatureBundle::parse(&text).and_then(|bundle| Ok((document.voices(&bundle, now)?, bundle))) {
                // One's own earlier signature is replaced where the new one says as much.
                Ok((earlier, _)) if says_as_much(&voices, &earlier) => {}
                Ok((_, bundle)) => {
                    lines.push(one_line(&text));
                    bundles.push(bundle);
                }
                Err(_) => dead += 1,
            }
        }
        lines.push(own);
        bundles.push(own_bundle);
        let tallies = document.tallies(&bundles, now).map_err(|e| cannot(&e))?;
        let signer = voices.into_iter().next().map(|(_, signer)| signer).unwrap_or_default();
        Ok(Self { document, lines, tallies, signer, dead })
    }

    fn write(&self, is_renewed: bool, context: &Context) -> Result<(), Error> {
        let Document { path, bytes, .. } = &self.document;
        let files = context.world.files;
        let cannot = |error: &dyn std::error::Error| refused(path).because(error);
        if is_renewed {
            keep_previous(context, self.document.folder())?;
            let mode = files.stat(path).map_or(0o644, |stat| stat.mode);
            files.write_atomic(path, bytes, mode).map_err(|e| cannot(&e))?;
        }
        write_signatures(files, path, &self.lines).map_err(|e| cannot(&e))?;
        // The next change is compared with what is complete now.
        if self.tallies.iter().all(|(_, tally)| tally.found.len() >= tally.needed) {
            keep_previous(context, self.document.folder())
        } else {
            Ok(())
        }
    }

    fn say(&self, context: &Context) {
        let say = |line: &str| context.printer.say(line);
        let shown = self.document.shown();
        match self.dead {
            0 => {}
            1 => say("1 signature was of other bytes, as of the issue before, or of nobody who counts: removed it"),
            dead => say(&format!(
                "{dead} signatures were of other bytes, as of the issue before, or of nobody who counts: removed them"
            )),
        }
        let issue = |header: &Header| say(&format!("{shown}: serial {}, expires {}", header.serial, header.expires));
        match &self.document.content {
            Content::Trust(_) => {}
            Content::Manifest(manifest) => issue(&manifest.header),
            Content::Revocations(document) => issue(&document.header),
        }
        for (version, tally) in &self.tallies {
            let of = version.map(|version| format!(" for version {version}")).unwrap_or_default();
            let counted = signatures(tally.found.len(), tally.needed);
            say(&format!("signed {shown} as {}: {counted}{of}", self.signer));
            if tally.found.len() < tally.needed {
                let needs = tally.needed - tally.found.len();
                say(&format!("it needs {needs} more of {}, who run `vetted sign` on their copy", tally.missing.join(", ")));
            }
        }
        for note in &self.document.notes {
            say(note);
        }
        let expires = self.document.expires();
        if expires <= context.world.now {
            say(&format!("it expired at {expires}: `vetted sign --renew` makes the next issue"));
        }
    }
}

/// Whether everything that an earlier signature says, a new one says too.
fn says_as_much(new: &Voices, earlier: &Voices) -> bool {
    earlier.iter().all(|voice| new.contains(voice))
}

/// A bundle as one line, whatever layout it came in.
fn one_line(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| text.to_owned(), |value| value.to_string())
}

/// One signature goes into `.sigstore.json`, the name other tools look for; several go into `.sigstore.jsonl`, one a line.
fn write_signatures(files: Files, document: &Path, lines: &[String]) -> Result<(), FileError> {
    let [many, one] = signature_paths(document);
    let (here, there) = if lines.len() == 1 { (one, many) } else { (many, one) };
    files.write_atomic(&here, (lines.join("\n") + "\n").as_bytes(), 0o644)?;
    match files.remove(&there) {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}
