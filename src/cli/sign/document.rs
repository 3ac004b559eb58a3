//! Documents that can be signed: valid, fitting those beside them, and of a role that somebody has.

use crate::cli::Context;
use crate::cli::change::{beacon, last_signed, shell_word};
use crate::cli::policy::reasons_against;
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::difference::DocumentKind;
use crate::manifest::edit::{Draft, RevocationsDraft};
use crate::manifest::trust_policy::{Role, SignerKey};
use crate::manifest::{Beacon, MAX_DOCUMENT, Manifest, REVOCATIONS_KIND, Revocations, TRUST_KIND, TrustPolicy};
use crate::text::printable_path;
use crate::trust::document::{MANIFEST_FILE, REVOCATIONS_FILE, TRUST_FILE, earlier_path, read_bundle_texts};
use crate::trust::signing::Signer;
use crate::trust::sigstore::SignatureBundle;
use crate::trust::state::{Mark, Store};
use crate::trust::threshold::{self, Tally};
use crate::trust::{Authority, Document as TrustDocument, Refusal};
use crate::world::files::Files;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// What a document says.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Trust(TrustPolicy),
    Manifest(Box<Manifest>),
    Revocations(Revocations),
}

/// One who decides whether a signature counts.
#[derive(Debug)]
pub(super) struct Court {
    pub(super) authority: Authority,
    /// Which trust policy it is, where the document is one and two have a say.
    pub(super) version: Option<u64>,
}

/// A document that can be signed.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) role: Role,
    pub(super) content: Content,
    /// Whose signatures count: of the trust policy beside it; for the next version of a trust policy its own and, where that is
    /// here, the version before.
    pub(super) courts: Vec<Court>,
    /// What a signer should know.
    pub(super) notes: Vec<String>,
}

/// In which courts a signature counts, and as whose.
pub(super) type Voices = Vec<(usize, String)>;

impl Document {
    /// Read a document and whoever decides about its signatures.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when it is not valid, does not fit those beside it, or nobody has its role.
    pub(super) fn read(files: Files, path: PathBuf) -> Result<Self, Error> {
        let cannot = |error: &dyn std::error::Error| refused(&path).because(error);
        let bytes = files.read(&path, MAX_DOCUMENT).map_err(|e| cannot(&e))?;
        let (content, role) = match Manifest::parse(&path, &bytes) {
            Ok(manifest) => (Content::Manifest(Box::new(manifest)), Role::Manifest),
            Err(errors) if errors.wrong_kind.as_deref() == Some(TRUST_KIND) => {
                (Content::Trust(TrustPolicy::parse(&path, &bytes).map_err(|e| cannot(&e))?), Role::Root)
            }
            Err(errors) if errors.wrong_kind.as_deref() == Some(REVOCATIONS_KIND) => {
                (Content::Revocations(Revocations::parse(&path, &bytes).map_err(|e| cannot(&e))?), Role::Revocations)
            }
            Err(errors) => return Err(cannot(&errors)),
        };
        let mut document = Self { path, bytes, role, content, courts: Vec::new(), notes: Vec::new() };
        document.find_courts(files)?;
        document.check()?;
        Ok(document)
    }

    /// What a signer wants to see of the content: the name of the policy it belongs to.
    fn name(&self) -> &str {
        match &self.content {
            Content::Trust(trust) => &trust.name,
            Content::Manifest(manifest) => &manifest.header.name,
            Content::Revocations(revocations) => &revocations.header.name,
        }
    }

    /// From when on it approves nothing new, or vouches for nobody.
    pub(super) fn expires(&self) -> Timestamp {
        match &self.content {
            Content::Trust(trust) => trust.expires,
            Content::Manifest(manifest) => manifest.header.expires,
            Content::Revocations(revocations) => revocations.header.expires,
        }
    }

    /// The path, for people.
    pub(super) fn shown(&self) -> String {
        printable_path(&self.path)
    }

    fn find_courts(&mut self, files: Files) -> Result<(), Error> {
        let cannot = |error: &dyn std::error::Error| refused(&self.path).because(error);
        let read_trust = |path: &Path| -> Result<TrustPolicy, Error> {
            let bytes = files.read(path, MAX_DOCUMENT).map_err(|e| cannot(&e))?;
            TrustPolicy::parse(path, &bytes).map_err(|e| cannot(&e))
        };
        let Content::Trust(trust) = &self.content else {
            let policy = read_trust(&self.path.with_file_name(TRUST_FILE))?;
            let authority = Authority::load(files, self.folder(), policy).map_err(|e| cannot(&e))?;
            self.courts = vec![Court { authority, version: None }];
            return Ok(());
        };
        let version = trust.version;
        let own = Authority::load(files, self.folder(), trust.clone()).map_err(|e| cannot(&e))?;
        if version == 1 {
            self.courts = vec![Court { authority: own, version: None }];
            return Ok(());
        }
        let before = earlier_path(self.folder(), version - 1);
        if files.lstat(&before).is_err_and(|e| e.is_not_found()) {
            self.notes.push(format!(
                "`{}` is not here: whether the root signers of version {} signed cannot be said, and who believes that version \
                 refuses this one without it",
                printable_path(&before),
                version - 1
            ));
            self.courts = vec![Court { authority: own, version: Some(version) }];
            return Ok(());
        }
        let policy = read_trust(&before)?;
        if policy.version + 1 != version || policy.name != trust.name {
            let found = format!("it is version {} of `{}`", policy.version, policy.name);
            return Err(refused(&self.path).cause(format!("`{}` is not the version before: {found}", printable_path(&before))));
        }
        let earlier = Authority::load_earlier(files, self.folder(), policy);
        self.courts =
            vec![Court { authority: earlier, version: Some(version - 1) }, Court { authority: own, version: Some(version) }];
        Ok(())
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Everything that `vetted policy check` has against it. What a new issue mends plays no part where one is made.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` with all of it.
    pub(super) fn refuse_what_check_refuses(&self, context: &Context) -> Result<(), Error> {
        let (kind, name) = match &self.content {
            Content::Trust(_) => (DocumentKind::Trust, TRUST_FILE),
            Content::Manifest(_) => (DocumentKind::Manifest, MANIFEST_FILE),
            Content::Revocations(_) => (DocumentKind::Revocations, REVOCATIONS_FILE),
        };
        if let Content::Revocations(revocations) = &self.content {
            self.check_beacon(&revocations.manifest, context.world.files)?;
        }
        self.refuse_a_taken_serial(context)?;
        // An earlier version that is kept aside is looked at by itself.
        if self.path.file_name().is_none_or(|found| found != name) {
            return Ok(());
        }
        let reasons = reasons_against(context, self.folder(), kind)?;
        if reasons.is_empty() {
            return Ok(());
        }
        let error = refused(&self.path).hint(format!("`vetted policy check {}`", printable_path(self.folder())));
        Err(reasons.into_iter().fold(error, Error::cause))
    }

    /// Other bytes under a serial that machines know, or an older one, are refused by all of them: this machine, or the last issue
    /// that was signed in full, says which are taken.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` when its serial is one of those.
    pub(super) fn refuse_a_taken_serial(&self, context: &Context) -> Result<(), Error> {
        let (document, header) = match &self.content {
            Content::Trust(_) => return Ok(()),
            Content::Manifest(manifest) => (TrustDocument::Manifest, &manifest.header),
            Content::Revocations(revocations) => (TrustDocument::Revocations, &revocations.header),
        };
        let cannot = |error: &dyn std::error::Error| refused(&self.path).because(error).hint("count up its serial");
        let known = Store::of(&context.world).load(&header.name).map_err(|e| cannot(&e))?;
        let mark = Mark::of(header, Digest::sha256_of(&self.bytes));
        known.admit(document, &mark).map_err(|e| cannot(&e))?;
        match last_signed(context, self.folder()).and_then(|last| last.newest_mark(document)) {
            Some(last) => last.admit(document, &mark).map_err(|e| cannot(&e)),
            None => Ok(()),
        }
    }

    /// What signatures cannot mend: clients would refuse the document, however many signed it.
    fn check(&self) -> Result<(), Error> {
        let Some(court) = self.courts.last() else { return Ok(()) };
        let policy = &court.authority.policy;
        if policy.name != self.name() {
            let why = format!("it is called `{}`, and the trust policy beside it `{}`", self.name(), policy.name);
            return Err(refused(&self.path).cause(why));
        }
        if !policy.roles.contains_key(&self.role) {
            return Err(refused(&self.path).because(&Refusal::NoRole(self.role)));
        }
        // Which manifest the revocations name is looked at later: a new issue may mend it.
        let Content::Manifest(manifest) = &self.content else { return Ok(()) };
        match manifest.waivers_longer_than(policy.waiver_limit).first() {
            Some(waiver) => {
                let runs = waiver.expires.duration_since(waiver.starts);
                let (id, limit) = (waiver.id.clone(), policy.waiver_limit);
                Err(refused(&self.path).because(&Refusal::WaiverTooLong { id, runs, limit }))
            }
            None => Ok(()),
        }
    }

    /// The manifest beside revocations has to be the one they name, or a newer one.
    fn check_beacon(&self, beacon: &Beacon, files: Files) -> Result<(), Error> {
        let path = self.path.with_file_name(MANIFEST_FILE);
        let cannot = |error: &dyn std::error::Error| refused(&self.path).because(error);
        let bytes = files.read(&path, MAX_DOCUMENT).map_err(|e| cannot(&e))?;
        let serial = Manifest::parse(&path, &bytes).map_err(|e| cannot(&e))?.header.serial;
        let found = Digest::sha256_of(&bytes);
        let hint = "`vetted sign --renew` names the manifest beside it";
        beacon.admit(&Beacon { serial, sha256: found }).map_err(|refusal| cannot(&refusal).hint(hint))
    }

    /// The next issue would throw away what others signed already, where this one still waits for signatures. One that has expired
    /// waits for nothing.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` with those who signed.
    pub(super) fn refuse_to_discard(&self, signer: &Signer, context: &Context) -> Result<(), Error> {
        let now = context.world.now;
        if self.expires() <= now {
            return Ok(());
        }
        let cannot = |error: &dyn std::error::Error| Error::usage(format!("cannot renew `{}`", self.shown())).because(error);
        let texts = read_bundle_texts(context.world.files, &self.path).map_err(|e| cannot(&e))?;
        let bundles: Vec<_> = texts.iter().filter_map(|text| SignatureBundle::parse(text).ok()).collect();
        let own = signer.spki().and_then(|spki| self.owner(spki));
        for (_, tally) in self.tallies(&bundles, now).map_err(|e| cannot(&e))? {
            let others: Vec<&str> = tally.found.iter().map(String::as_str).filter(|name| Some(*name) != own).collect();
            if !others.is_empty() && tally.found.len() < tally.needed {
                return Err(Error::usage(format!("cannot renew `{}`", self.shown()))
                    .cause(format!(
                        "it is on its way: {} of {} signatures, by {}, which the next issue would throw away",
                        tally.found.len(),
                        tally.needed,
                        others.join(", ")
                    ))
                    .hint(format!("`vetted sign {}` adds a signature to this issue", shell_word(&self.path)))
                    .hint("to give it up, remove its signatures beside it"));
            }
        }
        Ok(())
    }

    /// Make the next issue, in memory.
    ///
    /// # Errors
    /// [`Error`] of the kind `Usage` for a trust policy, whose versions are counted by hand.
    pub(super) fn renew(&mut self, context: &Context) -> Result<(), Error> {
        let now = context.world.now;
        let shown = self.shown();
        let cannot = |error: &dyn std::error::Error| Error::usage(format!("cannot renew `{shown}`")).because(error);
        match &mut self.content {
            Content::Trust(_) => {
                let error = Error::usage(format!("cannot renew `{shown}`"));
                Err(error.cause("who may sign is not re-issued as it is").hint("`vetted trust next` begins the next version"))
            }
            Content::Manifest(manifest) => {
                let mut draft = Draft::open(&self.path, &self.bytes).map_err(|e| cannot(&e))?;
                draft.renew(now).map_err(|e| cannot(&e))?;
                **manifest = draft.document().clone();
                self.bytes = draft.text().as_bytes().to_vec();
                Ok(())
            }
            Content::Revocations(_) => {
                let mut draft = RevocationsDraft::open(&self.path, &self.bytes).map_err(|e| cannot(&e))?;
                // A draft that nobody believes is not named: the revocations would stop with it.
                let newest = beacon(context, self.folder())?;
                // Nor one that is older than the one named before: a manifest was rolled back here, and this would spread it.
                draft
                    .document()
                    .manifest
                    .admit(&newest)
                    .map_err(|e| cannot(&e).hint("put the newest signed manifest back; nothing is renewed before"))?;
                draft.renew(now, &newest).map_err(|e| cannot(&e))?;
                self.content = Content::Revocations(draft.document().clone());
                self.bytes = draft.text().as_bytes().to_vec();
                Ok(())
            }
        }
    }

    /// In which courts a signature counts, and as whose; why not, where it counts in none.
    pub(super) fn voices(&self, bundle: &SignatureBundle, now: Timestamp) -> Result<Voices, Refusal> {
        let mut voices = Vec::new();
        let mut why = None;
        for (number, court) in self.courts.iter().enumerate() {
            match threshold::signer_of(bundle, &court.authority, self.role, &self.bytes, now) {
                Ok(signer) => voices.push((number, signer.to_owned())),
                Err(refusal) => why = Some(refusal),
            }
        }
        match why {
            Some(refusal) if voices.is_empty() => Err(refusal),
            _ => Ok(voices),
        }
    }

    /// Who of the holders has this key, in any court.
    pub(super) fn owner(&self, spki: &[u8]) -> Option<&str> {
        let has = |key: &SignerKey| key.spki == spki;
        self.courts.iter().find_map(|court| {
            let policy = &court.authority.policy;
            let holders = policy.roles.get(&self.role)?;
            let owns = |id: &&String| policy.signers.get(*id).is_some_and(|signer| signer.keys.iter().any(has));
            holders.signers.iter().find(owns).map(String::as_str)
        })
    }

    /// Who may sign, for messages: every holder of the role in every court, once.
    pub(super) fn holders(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for court in &self.courts {
            let holders = court.authority.policy.roles.get(&self.role);
            for id in holders.into_iter().flat_map(|holders| &holders.signers) {
                if !all.contains(&id.as_str()) {
                    all.push(id);
                }
            }
        }
        all
    }

    /// Count the signers, one tally a court.
    ///
    /// # Errors
    /// [`Refusal::NoRole`].
    pub(super) fn tallies(&self, bundles: &[SignatureBundle], now: Timestamp) -> Result<Vec<(Option<u64>, Tally)>, Refusal> {
        let count =
            |court: &Court| Ok((court.version, threshold::tally(&court.authority, self.role, &self.bytes, bundles, now)?));
        self.courts.iter().map(count).collect()
    }
}

/// The beginning of every refusal to sign.
pub(super) fn refused(path: &Path) -> Error {
    Error::usage(format!("cannot sign `{}`", printable_path(path)))
}
