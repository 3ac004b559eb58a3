//! A security team: keys, and a folder with what it publishes.

use std::fs;
use std::path::{Path, PathBuf};
use vetted::digest::Digest;
use vetted::trust::key;
use vetted::trust::sigstore::SigningKey;

pub struct Publisher {
    root: tempfile::TempDir,
    /// Holds the roles root and manifest.
    alice: SigningKey,
    /// Is on call.
    carol: SigningKey,
    pub name: &'static str,
    pub mode: &'static str,
    /// Text of a `[sync]` table.
    pub sync: String,
    /// A file list that an approval pins.
    pub list: Option<String>,
    pub list_is_written: bool,
    ticks: std::cell::Cell<u64>,
}

impl Publisher {
    /// With version 1 of a trust policy and issue 1 of the other documents.
    pub fn new() -> Self {
        let mut publisher = Self {
            root: tempfile::Builder::new().prefix("vetted-pub-").tempdir().unwrap(),
            alice: key::generate().unwrap().0,
            carol: key::generate().unwrap().0,
            name: "acme.example/ai",
            mode: "enforce",
            sync: String::new(),
            list: None,
            list_is_written: true,
            ticks: std::cell::Cell::new(0),
        };
        publisher.publish_trust(1);
        publisher.publish(1);
        publisher
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    pub fn address(&self) -> String {
        format!("file://{}", self.root.path().display())
    }

    /// SHA-256 of the trust policy as it is now.
    pub fn fingerprint(&self) -> String {
        Digest::sha256_of(&fs::read(self.root.path().join("vetted-trust.toml")).unwrap()).hex()
    }

    /// Everything as it is now, elsewhere.
    pub fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.root.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
            }
        }
        copy
    }

    /// A version of the trust policy; the one before is kept beside it.
    pub fn publish_trust(&mut self, version: u64) {
        let path = self.root.path().join("vetted-trust.toml");
        let earlier = self.root.path().join(format!("vetted-trust.{}.toml", version - 1));
        for end in ["", ".sigstore.json"] {
            let with = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
            if version > 1 {
                fs::copy(with(&path), with(&earlier)).unwrap();
            }
        }
        let key = |id: &str, key: &SigningKey| {
            format!(
                "[[signer]]\nid = \"{id}\"\n[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{}'''\n",
                key.public_pem()
            )
        };
        let role = |role: &str, id: &str| format!("[role.{role}]\nthreshold = 1\nsigners = [\"{id}\"]\n");
        let text = format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"{}\"\nversion = {version}\nexpires = 2027-11-20T00:00:00Z\n{}{}{}{}{}",
            self.name,
            key("alice", &self.alice),
            key("carol", &self.carol),
            role("root", "alice"),
            role("manifest", "alice"),
            role("revocations", "carol"),
        );
        self.signed("vetted-trust.toml", &text, &self.alice);
    }

    /// An issue of the manifest and of the revocations, both with this serial.
    pub fn publish(&mut self, serial: u64) {
        let head = |kind: &str| {
            format!(
                "kind = \"vetted/{kind}\"\nschema = 1\nname = \"{}\"\nserial = {serial}\nissued = 2026-11-21T06:00:00Z\n\
                 expires = 2026-12-20T00:00:00Z\n",
                self.name
            )
        };
        let approval = self.list.as_ref().map(|list| {
            let path = self.root.path().join("attestations/tool/files.json");
            if self.list_is_written {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, list).unwrap();
            }
            format!(
                "[[tool]]\nid = \"mcp-memory\"\n[[tool.approval]]\nversion = \"1.0.0\"\n[[tool.approval.artifact]]\n\
                 role = \"installed\"\ntype = \"tree\"\ndigest = {{ dirHash = \"{}\" }}\n\
                 files = {{ path = \"attestations/tool/files.json\", sha256 = \"{}\" }}\n",
                "0".repeat(64),
                Digest::sha256_of(list.as_bytes()).hex()
            )
        });
        let manifest = format!("{}mode = \"{}\"\n{}{}", head("manifest"), self.mode, self.sync, approval.unwrap_or_default());
        let sha256 = Digest::sha256_of(manifest.as_bytes()).hex();
        let revocations = format!("{}manifest = {{ serial = {serial}, sha256 = \"{sha256}\" }}\n", head("revocations"));
        self.signed("vetted.toml", &manifest, &self.alice);
        self.signed("vetted-revocations.toml", &revocations, &self.carol);
    }

    fn signed(&self, name: &str, text: &str, key: &SigningKey) {
        self.write(name, text.as_bytes());
        self.write(&format!("{name}.sigstore.json"), key.sign(text.as_bytes()).unwrap().as_bytes());
    }

    /// Replaced by a rename, as every publisher should: what reads at the same time sees whole files. Each file has a time of its
    /// own, because the validators of most web servers are made of a time in whole seconds and a size.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let temporary = self.root.path().join("temporary");
        fs::write(&temporary, bytes).unwrap();
        let tick = self.ticks.replace(self.ticks.get() + 1);
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + tick);
        fs::File::options().write(true).open(&temporary).unwrap().set_modified(time).unwrap();
        fs::rename(temporary, self.root.path().join(name)).unwrap();
    }
}
