//! A policy folder of an organisation, made by hand and signed with real keys: two of Alice, Bob and Carol are the root and approve, Dan
//! and Erin are on call.

use crate::support::NOW;
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use vetted::digest::Digest;
use vetted::trust::document::{Folder, verify_folder};
use vetted::trust::sigstore::SigningKey;
use vetted::trust::state::{Floor, Floors, State};
use vetted::trust::{Refusal, key};
use vetted::world::files::Files;

pub const NAME: &str = "acme.example/ai-tools";

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn floors(given: &[&str]) -> Floors {
    given.iter().map(|floor| floor.parse::<Floor>().unwrap()).collect()
}

/// Who may sign what: a threshold and signers.
pub type Holders = (usize, Vec<&'static str>);

/// A trust policy to be written. A signer has the keys of these names.
#[derive(Clone)]
pub struct Trust {
    pub version: u64,
    pub expires: &'static str,
    pub signers: Vec<(&'static str, Vec<&'static str>)>,
    pub root: Holders,
    pub manifest: Holders,
    pub revocations: Option<Holders>,
    pub more: &'static str,
}

impl Trust {
    /// Two of Alice, Bob and Carol are the root and approve; Dan and Erin are on call.
    pub fn first() -> Self {
        Self {
            version: 1,
            expires: "2027-11-20T00:00:00Z",
            signers: ["alice", "bob", "carol", "dan", "erin"].map(|name| (name, vec![name])).to_vec(),
            root: (2, vec!["alice", "bob", "carol"]),
            manifest: (2, vec!["alice", "bob", "carol"]),
            revocations: Some((1, vec!["dan", "erin"])),
            more: "",
        }
    }

    /// The next version, with other keys for one signer.
    pub fn next(&self, signer: &str, keys: &[&'static str]) -> Self {
        let mut next = self.clone();
        next.version += 1;
        next.signers.iter_mut().filter(|(name, _)| *name == signer).for_each(|(_, has)| *has = keys.to_vec());
        next
    }
}

/// A policy folder of an organisation with keys by name.
#[derive(Clone)]
pub struct Office {
    pub folder: Rc<tempfile::TempDir>,
    pub keys: Rc<RefCell<BTreeMap<&'static str, SigningKey>>>,
}

/// A revocation of one version of a tool.
pub fn revocation(id: &str, fixed: &str) -> String {
    format!(
        "[[revocation]]\nid = \"{id}\"\nreason = \"vulnerable\"\nseverity = \"high\"\neffective = 2026-11-01T00:00:00Z\n\
         message = \"Use another.\"\n[[revocation.affected]]\ntool = \"openai-codex\"\n\
         ranges = [{{ introduced = \"0.1.0\", fixed = \"{fixed}\" }}]\n"
    )
}

impl Office {
    /// Version 1 of the trust policy, manifest 42, revocations 90210.
    pub fn new() -> Self {
        let office = Self { folder: Rc::new(tempfile::tempdir().unwrap()), keys: Rc::default() };
        office.trust(&Trust::first(), &["alice", "bob"]);
        office.manifest(42, "");
        office.revocations(90210, "");
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn sign(&self, text: &str, key: &'static str) -> String {
        let mut keys = self.keys.borrow_mut();
        keys.entry(key).or_insert_with(|| key::generate().unwrap().0).sign(text.as_bytes()).unwrap()
    }

    pub fn public(&self, key: &'static str) -> String {
        self.sign("", key);
        self.keys.borrow()[key].public_pem()
    }

    /// Write a document with signatures by these keys.
    pub fn put(&self, name: &str, text: &str, keys: &[&'static str]) {
        fs::write(self.path(name), text).unwrap();
        let lines: Vec<_> = keys.iter().map(|key| self.sign(text, key)).collect();
        fs::write(self.path(&format!("{name}.sigstore.jsonl")), lines.join("\n")).unwrap();
    }

    pub fn trust(&self, trust: &Trust, keys: &[&'static str]) {
        self.put("vetted-trust.toml", &self.trust_text(trust), keys);
    }

    pub fn trust_text(&self, trust: &Trust) -> String {
        let mut text = format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"{NAME}\"\nversion = {}\nexpires = {}\n",
            trust.version, trust.expires
        );
        for (signer, keys) in &trust.signers {
            text += &format!("[[signer]]\nid = \"{signer}\"\n");
            for key in keys {
                let pem = self.public(key);
                text += &format!("[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{pem}'''\n");
            }
        }
        let roles =
            [("root", Some(&trust.root)), ("manifest", Some(&trust.manifest)), ("revocations", trust.revocations.as_ref())];
        for (role, holders) in roles {
            let Some((threshold, signers)) = holders else { continue };
            text += &format!("[role.{role}]\nthreshold = {threshold}\nsigners = {signers:?}\n");
        }
        text + trust.more
    }

    /// Keep the current trust policy as the earlier version it is, and write the next one.
    pub fn next_trust(&self, trust: &Trust, keys: &[&'static str]) {
        let earlier = trust.version - 1;
        for suffix in ["", ".sigstore.jsonl"] {
            let from = self.path(&format!("vetted-trust.toml{suffix}"));
            fs::rename(from, self.path(&format!("vetted-trust.{earlier}.toml{suffix}"))).unwrap();
        }
        self.trust(trust, keys);
    }

    pub fn manifest(&self, serial: u64, more: &str) {
        self.put("vetted.toml", &manifest_text(serial, more), &["alice", "bob"]);
    }

    /// Revocations that name the manifest that is there.
    pub fn revocations(&self, serial: u64, more: &str) {
        self.put("vetted-revocations.toml", &self.revocations_text(serial, more), &["dan"]);
    }

    pub fn revocations_text(&self, serial: u64, more: &str) -> String {
        let manifest = fs::read(self.path("vetted.toml")).unwrap();
        let text = String::from_utf8(manifest.clone()).unwrap();
        let names = text.lines().find_map(|line| line.strip_prefix("serial = ")).unwrap().to_owned();
        format!(
            "kind = \"vetted/revocations\"\nschema = 1\nname = \"{NAME}\"\nserial = {serial}\nissued = 2026-11-21T11:00:00Z\n\
             expires = 2026-11-22T11:00:00Z\nmanifest = {{ serial = {names}, sha256 = \"{}\" }}\n{more}",
            Digest::sha256_of(&manifest).hex()
        )
    }

    pub fn change(&self, name: &str, from: &str, to: &str, keys: &[&'static str]) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        self.put(name, &text.replace(from, to), keys);
    }

    pub fn verify_at(&self, clock: Timestamp, state: &State, floors: &Floors) -> Result<Folder, Refusal> {
        verify_folder(Files, self.folder.path(), clock, state, floors).map_err(|unbelieved| unbelieved.refusal)
    }

    pub fn verify(&self, state: &State) -> Result<Folder, Refusal> {
        self.verify_at(now(), state, &Floors::default())
    }

    #[track_caller]
    pub fn believed(&self, state: &State) -> State {
        self.verify(state).unwrap_or_else(|refusal| panic!("{refusal}")).next
    }
}

pub fn manifest_text(serial: u64, more: &str) -> String {
    format!(
        "kind = \"vetted/manifest\"\nschema = 1\nname = \"{NAME}\"\nserial = {serial}\nissued = 2026-11-20T00:00:00Z\n\
         expires = 2026-12-04T00:00:00Z\nmode = \"enforce\"\n{more}"
    )
}

pub fn nothing() -> State {
    State::new(NAME)
}

pub fn pin(office: &Office, fingerprint: &Digest) {
    let text = format!(
        "kind = \"vetted/source\"\nschema = 1\nsources = [\"https://policy.acme.example/\"]\ntrust = {{ sha256 = \"{}\" }}\n",
        fingerprint.hex()
    );
    fs::write(office.path("vetted-source.toml"), text).unwrap();
}
