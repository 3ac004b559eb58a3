//! Policy folders: which one applies, and what of it is believed.
//!
//! A folder holds `vetted-trust.toml`, `vetted.toml` and their signatures. The trust policy is believed because of its place (the
//! machine's folder, the user's, or the one the user names) and only when its own root role signed it; the manifest is believed
//! when the manifest role of that trust policy signed it. A folder that is there and cannot be believed ends the search: falling
//! through to a weaker policy would make breaking one file a way around it.

use super::refusal::Refusal;
use super::sigstore::KeyBundle;
use super::{Memory, Proof, Verified, builtin, threshold};
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::file_list::{FileList, MAX_FILE_LIST};
use crate::manifest::trust_policy::Role;
use crate::manifest::{FileListRef, MANIFEST_KIND, MAX_BUNDLE, MAX_DOCUMENT, Manifest, Revocations, TRUST_KIND, TrustPolicy};
use crate::text::{printable, printable_path};
use crate::world::World;
use crate::world::files::Files;
use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};

/// The name of the manifest in a policy folder.
pub const MANIFEST_FILE: &str = "vetted.toml";
/// The name of the trust policy in a policy folder.
pub const TRUST_FILE: &str = "vetted-trust.toml";
/// The most bundles that are read beside one document.
const MAX_BUNDLES: usize = 64;
/// By how much the clock of the one who signed may be ahead of this one.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// The policy in force.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The believed manifest. It may have expired: then it approves nothing new, which is decided elsewhere.
    pub manifest: Verified<Manifest>,
    /// The believed revocations, where the trust policy gives somebody the role. They may have expired, too.
    pub revocations: Option<Verified<Revocations>>,
    /// The believed trust policy; `None` for the built-in policy.
    pub trust: Option<Verified<TrustPolicy>>,
    /// What this machine remembers of them.
    pub memory: Memory,
    /// The folder it comes from; `None` for the built-in policy.
    pub folder: Option<PathBuf>,
}

/// What is not believed, and why.
#[derive(Debug)]
pub struct Unbelieved {
    /// The document.
    pub path: PathBuf,
    /// Why.
    pub refusal: Refusal,
}

/// The policy in force: the machine's folder where it holds a policy, else the folder that the user names, else the user's own
/// where it holds one, else the built-in starter policy.
///
/// # Errors
/// [`Error`] of the kind `Undecided` when the folder that applies cannot be believed, of the kind `Usage` when the user names a
/// folder without a policy.
pub fn load_policy(world: &World, flag: Option<&Path>) -> Result<Loaded, Error> {
    if let Some(folder) = world.env.machine_policy()
        && holds_policy(world.files, &folder)?
    {
        return load(world, folder);
    }
    if let Some(folder) = flag {
        if !holds_policy(world.files, folder)? {
            let shown = printable_path(folder);
            return Err(Error::usage(format!("`{shown}` holds no {MANIFEST_FILE}"))
                .hint(format!("`vetted init {shown}` makes a policy folder")));
        }
        return load(world, folder.to_owned());
    }
    if let Some(folder) = world.env.user_policy()
        && holds_policy(world.files, &folder)?
    {
        return load(world, folder);
    }
    Ok(Loaded { manifest: builtin::starter(), revocations: None, trust: None, memory: Memory::default(), folder: None })
}

fn load(world: &World, folder: PathBuf) -> Result<Loaded, Error> {
    match load_folder(world.files, &folder, world.now) {
        Ok(manifest) => Ok(Loaded { manifest, revocations: None, trust: None, memory: Memory::default(), folder: Some(folder) }),
        Err(unbelieved) => Err(unbelieved.into()),
    }
}

/// Whether one of the two documents is there. What cannot be looked at is not absent.
fn holds_policy(files: Files, folder: &Path) -> Result<bool, Error> {
    for name in [MANIFEST_FILE, TRUST_FILE] {
        match files.lstat(&folder.join(name)) {
            Ok(_) => return Ok(true),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(Error::undecided("cannot tell whether there is a policy").because(&error)),
        }
    }
    Ok(false)
}

/// The believed manifest of a folder.
///
/// # Errors
/// [`Unbelieved`] with the first step of verification that fails.
pub fn load_folder(files: Files, folder: &Path, now: Timestamp) -> Result<Verified<Manifest>, Unbelieved> {
    let trust = load_trust(files, folder, now)?;
    let path = folder.join(MANIFEST_FILE);
    verify_manifest(files, &path, trust.get(), now).map_err(|refusal| Unbelieved { path, refusal })
}

/// The trust policy of a folder: signed by its own root role, not expired.
///
/// # Errors
/// [`Unbelieved`].
pub fn load_trust(files: Files, folder: &Path, now: Timestamp) -> Result<Verified<TrustPolicy>, Unbelieved> {
    let path = folder.join(TRUST_FILE);
    verify_trust(files, &path, now).map_err(|refusal| Unbelieved { path, refusal })
}

fn verify_trust(files: Files, path: &Path, now: Timestamp) -> Result<Verified<TrustPolicy>, Refusal> {
    let bytes = files.read(path, MAX_DOCUMENT)?;
    // Who may sign it stands in the document itself, so it has to be read before it is believed.
    let trust = TrustPolicy::parse(path, &bytes).map_err(|e| Refusal::of_document(e, TRUST_KIND))?;
    let bundles = read_bundles(files, path)?;
    let signers = threshold::verify(&trust, Role::Root, &bytes, &bundles, now)?;
    if trust.expires <= now {
        return Err(Refusal::ExpiredTrust(trust.expires));
    }
    Ok(Verified::new(trust, signed(path, &bytes, signers)))
}

fn verify_manifest(files: Files, path: &Path, trust: &TrustPolicy, now: Timestamp) -> Result<Verified<Manifest>, Refusal> {
    let bytes = files.read(path, MAX_DOCUMENT)?;
    let bundles = read_bundles(files, path)?;
    let signers = threshold::verify(trust, Role::Manifest, &bytes, &bundles, now)?;
    let manifest = Manifest::parse(path, &bytes).map_err(|e| Refusal::of_document(e, MANIFEST_KIND))?;
    if manifest.header.name != trust.name {
        return Err(Refusal::WrongName { manifest: manifest.header.name, trust: trust.name.clone() });
    }
    let issued = manifest.header.issued;
    if issued.duration_since(now) > CLOCK_SKEW {
        return Err(Refusal::IssuedInFuture { issued, now });
    }
    Ok(Verified::new(manifest, signed(path, &bytes, signers)))
}

fn signed(path: &Path, bytes: &[u8], signers: Vec<String>) -> Proof {
    Proof::Signed { path: path.to_owned(), sha256: Digest::sha256_of(bytes), signers }
}

/// Where the signatures of a document stand: one bundle a line, or the one bundle.
#[must_use]
pub fn signature_paths(document: &Path) -> [PathBuf; 2] {
    ["sigstore.jsonl", "sigstore.json"].map(|suffix| {
        let mut path = document.as_os_str().to_owned();
        path.push(".");
        path.push(suffix);
        path.into()
    })
}

/// The texts of the bundles beside a document, not yet read as bundles.
///
/// # Errors
/// [`Refusal::File`], [`Refusal::BundleUnreadable`], [`Refusal::TooManyBundles`].
pub fn read_bundle_texts(files: Files, document: &Path) -> Result<Vec<String>, Refusal> {
    let mut texts = Vec::new();
    let [lines, single] = signature_paths(document);
    for (path, is_lines, limit) in [(lines, true, MAX_BUNDLE * 8), (single, false, MAX_BUNDLE)] {
        let bytes = match files.read(&path, limit) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error.into()),
        };
        let text = String::from_utf8(bytes).map_err(|e| Refusal::BundleUnreadable(e.to_string()))?;
        if is_lines {
            texts.extend(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
        } else {
            texts.push(text);
        }
    }
    if texts.len() > MAX_BUNDLES {
        return Err(Refusal::TooManyBundles { limit: MAX_BUNDLES });
    }
    Ok(texts)
}

fn read_bundles(files: Files, document: &Path) -> Result<Vec<KeyBundle>, Refusal> {
    let texts = read_bundle_texts(files, document)?;
    if texts.is_empty() {
        return Err(Refusal::NotSigned(document.to_owned()));
    }
    texts.iter().map(|text| KeyBundle::parse(text)).collect()
}

/// The file list that an approval pins, from the policy folder.
///
/// # Errors
/// Why it cannot be used, in one sentence.
pub fn load_file_list(world: &World, folder: &Path, reference: &FileListRef) -> Result<FileList, String> {
    let path = folder.join(&reference.path);
    let bytes = world.files.read(&path, MAX_FILE_LIST).map_err(|e| e.to_string())?;
    crate::digest::DigestSet::from(Digest::sha256_of(&bytes)).verify_all(&reference.digests).map_err(
        |mismatch| match mismatch {
            Some(mismatch) => format!("`{}`: {mismatch}", printable_path(&reference.path)),
            None => format!("`{}` is not pinned by SHA-256", printable_path(&reference.path)),
        },
    )?;
    FileList::parse(&bytes).map_err(|e| printable(&e.to_string()).into_owned())
}

impl From<Unbelieved> for Error {
    fn from(unbelieved: Unbelieved) -> Self {
        let path = printable_path(&unbelieved.path);
        let name = unbelieved.path.file_name().map(crate::text::printable_os).unwrap_or_default();
        let sign = format!("`vetted sign {path}`");
        match &unbelieved.refusal {
            Refusal::NotSigned(_) => Self::undecided(format!("{name} is not signed"))
                .cause(format!("no signature stands beside `{path}`; an unsigned document approves nothing"))
                .hint(sign),
            Refusal::Threshold { found, needed, missing, refused, .. } => {
                let needs = needed.saturating_sub(found.len());
                let mut error =
                    Self::undecided(format!("{name} carries {} of {needed} signatures it needs", found.len())).cause(format!(
                        "found: {}; needs {needs} more of {}",
                        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
                        missing.join(", ")
                    ));
                for refusal in refused {
                    error = error.cause(format!("a bundle that does not count: {refusal}"));
                }
                error.hint(format!("ask one of them to run {sign}"))
            }
            refusal @ (Refusal::Digest { .. } | Refusal::Signature { .. }) => {
                Self::undecided(format!("{name} is not the file that was signed"))
                    .cause(refusal.to_string())
                    .hint(format!("read what changed; if it is meant, {sign}"))
            }
            Refusal::Document(errors) => Self::undecided(format!("{name} cannot be used")).cause(errors.to_string()),
            refusal => Self::undecided(format!("cannot believe `{path}`")).cause(refusal.to_string()),
        }
    }
}
