//! A policy that a sync believes: three documents, signed by one person, and published by the script of `docs/tuf.md`.

use crate::{python, run_python};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use vetted::digest::Digest;
use vetted::trust::key;
use vetted::trust::sigstore::SigningKey;

const NAME: &str = "acme.example/ai-tools";

/// The office of the security team: a policy folder, keys, and what is published.
pub struct Office {
    place: tempfile::TempDir,
    alice: SigningKey,
    now: Timestamp,
}

impl Office {
    /// With the trust policy and the keys of a TUF repository; nothing is published yet.
    pub fn new(now: Timestamp) -> Self {
        let office = Self { place: tempfile::tempdir().unwrap(), alice: key::generate().unwrap().0, now };
        for folder in ["policy/attestations/npm/a/1.0.0", "keys"] {
            fs::create_dir_all(office.path(folder)).unwrap();
        }
        for role in ["root", "targets", "on-call", "snapshot", "timestamp"] {
            let out = office.path(&format!("keys/{role}.pem"));
            let mut openssl = Command::new("openssl");
            let made = openssl.args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(out).output().expect("openssl starts");
            assert!(made.status.success());
        }
        let documentation = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tuf.md")).unwrap();
        let script = documentation.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        fs::write(office.path("publish.py"), script).unwrap();
        // What belongs to the office and not to the policy is not published.
        fs::write(office.path("policy/vetted-source.toml"), "").unwrap();
        let roles =
            ["root", "manifest", "revocations"].map(|r| format!("[role.{r}]\nthreshold = 1\nsigners = [\"alice\"]\n")).concat();
        let pem = office.alice.public_pem();
        office.sign(
            "vetted-trust.toml",
            &format!(
                "kind = \"vetted/trust\"\nschema = 1\nname = \"{NAME}\"\nversion = 1\nexpires = {}\n[[signer]]\nid = \"alice\"\n\
                 [[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{pem}'''\n{roles}",
                office.in_hours(24 * 365)
            ),
        );
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn in_hours(&self, hours: i64) -> Timestamp {
        let second = self.now.as_second();
        Timestamp::from_second(second).unwrap() + SignedDuration::from_hours(hours)
    }

    fn sign(&self, name: &str, text: &str) {
        fs::write(self.path("policy").join(name), text).unwrap();
        let bundle = self.alice.sign(text.as_bytes()).unwrap();
        fs::write(self.path("policy").join(format!("{name}.sigstore.json")), bundle).unwrap();
    }

    /// Issue the manifest and the revocations with this serial, and publish all of it.
    pub fn issue(&self, serial: u64) {
        let head = |kind: &str, hours| {
            format!(
                "kind = \"vetted/{kind}\"\nschema = 1\nname = \"{NAME}\"\nserial = {serial}\nissued = {}\nexpires = {}\n",
                self.in_hours(-1),
                self.in_hours(hours)
            )
        };
        let manifest = head("manifest", 240) + "mode = \"enforce\"\n";
        self.sign("vetted.toml", &manifest);
        let beacon =
            format!("manifest = {{ serial = {serial}, sha256 = \"{}\" }}\n", Digest::sha256_of(manifest.as_bytes()).hex());
        self.sign("vetted-revocations.toml", &(head("revocations", 20) + &beacon));
        let list = self.path("policy/attestations/npm/a/1.0.0/files.json");
        fs::write(list, format!("list {serial}")).unwrap();
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        run_python(&python(), &[&path("publish.py"), &path("policy"), &path("keys"), &path("out")]);
    }

    /// The fingerprint of the first root.
    pub fn root(&self) -> Digest {
        Digest::sha256_of(&fs::read(self.path("out/metadata/1.root.json")).unwrap())
    }

    /// The fingerprint of the trust policy.
    pub fn trust(&self) -> Digest {
        Digest::sha256_of(&fs::read(self.path("policy/vetted-trust.toml")).unwrap())
    }
}
