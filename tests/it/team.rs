//! A policy of several people, each with a private key of their own, for tests of signing.

use crate::support::{Machine, Run};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use vetted::trust::key::{self, Password};
use vetted::trust::sigstore::SigningKey;

/// The password of every key, and the PIN of every token, of a test.
pub const PASSWORD: &str = "correct horse";

/// How a signer signs. Identities sign in the tests with outside clients alone.
#[derive(Clone)]
#[allow(dead_code, reason = "shared by two test binaries")]
pub enum Voice {
    /// With this public key (PEM).
    Key(String),
    /// As this identity of this issuer at the instance `acme`.
    Identity { issuer: String, identity: String },
}

/// A trust policy that is being written.
pub struct Trust {
    pub version: u64,
    pub signers: Vec<(String, Vec<Voice>)>,
    /// Role, threshold, holders.
    pub roles: Vec<(&'static str, usize, Vec<&'static str>)>,
    /// The trusted root of the instance `acme`, relative to the folder, and its SHA-256.
    pub root: Option<(String, String)>,
}

impl Trust {
    /// These signers with these keys, all of them root, in any number.
    pub fn of(signers: &[(&str, String)]) -> Self {
        let signers = signers.iter().map(|(id, pem)| ((*id).to_owned(), vec![Voice::Key(pem.clone())])).collect();
        Self { version: 1, signers, roles: Vec::new(), root: None }
    }

    pub fn role(mut self, role: &'static str, threshold: usize, holders: &[&'static str]) -> Self {
        self.roles.push((role, threshold, holders.to_vec()));
        self
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "kind = \"vetted/trust\"\nschema = 1\nname = \"acme\"\nversion = {}\nexpires = 2027-11-20T00:00:00Z\n",
            self.version
        );
        for (id, voices) in &self.signers {
            let _ = writeln!(text, "[[signer]]\nid = \"{id}\"");
            for voice in voices {
                if let Voice::Identity { issuer, identity } = voice {
                    let _ =
                        writeln!(text, "sigstore = {{ instance = \"acme\", issuer = \"{issuer}\", identity = \"{identity}\" }}");
                }
            }
            for voice in voices {
                if let Voice::Key(pem) = voice {
                    let _ = writeln!(text, "[[signer.keys]]\nalgorithm = \"ecdsa-p256-sha256\"\npem = '''{pem}'''");
                }
            }
        }
        for (role, threshold, holders) in &self.roles {
            let _ = writeln!(text, "[role.{role}]\nthreshold = {threshold}\nsigners = {holders:?}");
        }
        if let Some((path, sha256)) = &self.root {
            let _ = writeln!(text, "[[instance]]\nid = \"acme\"\ntrusted-root = {{ path = \"{path}\", sha256 = \"{sha256}\" }}");
        }
        text
    }
}

/// The text of a manifest: its serial, and what follows the head.
pub fn manifest(serial: u64, rest: &str) -> String {
    format!(
        "kind = \"vetted/manifest\"\nschema = 1\nname = \"acme\"\nserial = {serial}\nissued = 2026-11-20T00:00:00Z\n\
         expires = 2026-12-20T00:00:00Z\nmode = \"enforce\"\n{rest}"
    )
}

/// A key file `home/<name>.key` under [`PASSWORD`], and its public half as PEM.
pub fn key_file(machine: &Machine, name: &str) -> String {
    let (key, pkcs8) = key::generate().unwrap();
    let pem = key::encrypt(&pkcs8, &Password::new(PASSWORD.to_owned()).unwrap()).unwrap();
    machine.file(&format!("home/{name}.key"), pem.as_bytes());
    key.public_pem()
}

/// The key in such a file.
pub fn open_key(machine: &Machine, name: &str) -> SigningKey {
    let pem = fs::read_to_string(key_path(machine, name)).unwrap();
    key::decrypt(&pem, &Password::new(PASSWORD.to_owned()).unwrap()).unwrap()
}

pub fn key_path(machine: &Machine, name: &str) -> PathBuf {
    machine.home().join(format!("{name}.key"))
}

/// A machine with a password for keys.
pub fn machine() -> Machine {
    let mut machine = Machine::new();
    machine.env("VETTED_KEY_PASSWORD", PASSWORD);
    machine
}

/// `vetted sign DOCUMENT --key NAME.key`, the document in `work/policy`.
pub fn sign(machine: &Machine, document: &str, name: &str) -> Run {
    let key = key_path(machine, name);
    machine.vetted(&["sign", &format!("policy/{document}"), "--key", key.to_str().unwrap()])
}
