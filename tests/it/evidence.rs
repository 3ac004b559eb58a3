//! Stored evidence at check time, with the real bundles of a real package: what was approved with them is approved, and whoever changes
//! any part of them meets the step that is there for it (threats T-10 and T-11).

use crate::office::{Office, Trust};
use crate::support::{Machine, Run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use vetted::digest::Digest;
use vetted::gather::measure::{Measurer, Silent};
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const IDENTITY: &str = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
const SHA512: &str = "f06fbf5c353cc0db093904b9cac0d53b412d83dff6b80e6047d9786708a38e5c3105cad4e913dfc22dbe8c999b3fe029d47969fe75406843b8163db6fd22f681";
const ATTESTATIONS: &str = "npm-sigstore-2.3.1-attestations.json";

fn bundle(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles/real").join(name)).unwrap()
}

/// sigstore 2.3.1, installed and approved with the evidence of its release.
struct Approved {
    machine: Machine,
    office: Office,
    tree: String,
    /// What `[[attestation]]` and the approval say, to be changed.
    policy: String,
    release: String,
    require: bool,
    defaults: &'static str,
    serial: std::cell::Cell<u64>,
}

impl Approved {
    fn new() -> Self {
        let machine = Machine::new();
        machine.npm_package("home/.npm-global/lib/node_modules/sigstore", "sigstore", "2.3.1", "sigstore");
        let root = machine.home().join(".npm-global/lib/node_modules/sigstore");
        let measurer = Measurer::new(Files, DigestCache::off(), Box::new(Silent));
        let tree = measurer.tree(&root, &[], &[]).unwrap().digest.hex();
        let policy = format!("predicate = \"{PROVENANCE}\"\nissuer = \"{ISSUER}\"\nidentity = \"{IDENTITY}\"\n");
        let release = format!("digest = {{ sha512 = \"{SHA512}\" }}\n");
        let (office, serial) = (Office::new(), std::cell::Cell::new(42));
        let mut trust = Trust::first();
        trust.revocations = None;
        office.trust(&trust, &["alice", "bob"]);
        fs::remove_file(office.path("vetted-revocations.toml")).unwrap();
        fs::remove_file(office.path("vetted-revocations.toml.sigstore.jsonl")).unwrap();
        let approved = Self { machine, office, tree, policy, release, require: true, defaults: "", serial };
        approved.sign(&bundle(ATTESTATIONS));
        approved
    }

    fn file(&self) -> PathBuf {
        self.office.path("attestations/sigstore.json")
    }

    /// Put evidence beside the manifest, pin it, and sign.
    fn sign(&self, evidence: &[u8]) {
        fs::create_dir_all(self.office.path("attestations")).unwrap();
        fs::write(self.file(), evidence).unwrap();
        self.sign_with(&format!(
            "evidence = [{{ path = \"attestations/sigstore.json\", sha256 = \"{}\" }}]\n",
            Digest::sha256_of(evidence).hex()
        ));
    }

    fn sign_with(&self, evidence: &str) {
        let require = if self.require { "require = [\"npm\"]\n" } else { "" };
        let (policy, release, tree, defaults) = (&self.policy, &self.release, &self.tree, self.defaults);
        self.serial.set(self.serial.get() + 1);
        self.office.manifest(
            self.serial.get(),
            &format!(
                "[defaults]\nunlisted = {{ sdk = \"allow\" }}\n{defaults}[[attestation]]\nid = \"npm\"\n{policy}\n[[tool]]\nid = \"sigstore-js\"\n{require}[tool.recognise]\n\
                 vendor = \"Sigstore\"\nkind = \"sdk\"\npackages = [\"pkg:npm/sigstore\"]\n[[tool.approval]]\nversion = \"2.3.1\"\n\
                 approved = {{ by = [\"alice\", \"bob\"], at = 2026-11-20T00:00:00Z }}\n[[tool.approval.artifact]]\n\
                 role = \"release\"\npurl = \"pkg:npm/sigstore@2.3.1\"\n{release}{evidence}[[tool.approval.artifact]]\n\
                 role = \"installed\"\ntype = \"tree\"\ndigest = {{ dirHash = \"{tree}\" }}\n"
            ),
        );
    }

    fn check(&self, more: &[&str]) -> Run {
        let folder = self.office.folder.path().to_str().unwrap().to_owned();
        self.machine.vetted(&[&["check", "--policy", &folder], more].concat())
    }

    fn json(&self, status: i32) -> Value {
        self.check(&["--format", "json"]).exits(status).json()
    }

    /// The one verdict about 2.3.1. npm brings a sigstore of its own, which is another version.
    fn verdict(&self, status: i32) -> Value {
        let report = self.json(status);
        let mut about = report["verdicts"].as_array().unwrap().iter().filter(|verdict| verdict["version"] == "2.3.1");
        let verdict = about.next().unwrap_or_else(|| panic!("{report:#}")).clone();
        assert!(about.next().is_none(), "{report:#}");
        verdict
    }

    /// The run is blocked because the attestation is refused at this step; the verdict.
    #[track_caller]
    fn refused_at(&self, step: &str) -> Value {
        let verdict = self.verdict(1);
        assert_eq!(verdict["verdict"], "unattested", "{verdict:#}");
        assert_eq!(verdict["grounds"]["step"], step, "{verdict:#}");
        assert_eq!(verdict["attestation"]["state"], "refused");
        verdict
    }
}

#[test]
fn what_is_approved_with_a_verified_provenance_says_by_whom_and_under_which_root() {
    let approved = Approved::new();
    let verdict = approved.verdict(0);
    assert_eq!((&verdict["verdict"], &verdict["attestation"]["state"]), (&"approved".into(), &"verified".into()), "{verdict:#}");
    let proof = &verdict["attestation"]["proofs"][0];
    assert_eq!(proof["policy"], "npm");
    assert_eq!((&proof["identity"], &proof["issuer"]), (&IDENTITY.into(), &ISSUER.into()));
    assert_eq!((&proof["source"], &proof["predicate"]), (&"https://github.com/sigstore/sigstore-js".into(), &PROVENANCE.into()));
    assert_eq!(proof["subject"]["sha512"], SHA512);
    assert_eq!((&proof["root"]["instance"], &proof["root"]["origin"]), (&"sigstore-public-good".into(), &"built-in".into()));
    assert!(proof["signed_at"][0].as_str().unwrap().starts_with("2024-"), "{proof:#}");
    assert_eq!(verdict["attestation"]["without"], Value::Array(Vec::new()));

    let run = approved.check(&["--verbose"]).exits(0);
    assert!(run.stdout.contains(IDENTITY) && run.stdout.contains("under the trusted root of sigstore-public-good"), "{run}");
    let run = approved.check(&[]).exits(0);
    assert!(run.stdout.contains("1 tool approved") && !run.stdout.contains("attestation"), "{run}");
}

/// What an attestation has to show is compared character by character, number by number.
#[test]
fn every_other_demand_is_refused_at_its_own_step() {
    let with = |more: &str, step: &str| {
        let mut approved = Approved::new();
        approved.policy.push_str(more);
        approved.sign(&bundle(ATTESTATIONS));
        approved.refused_at(step)
    };
    with("source-id = \"495574556\"\n", "source repository id");
    with("owner-id = \"71096354\"\n", "source owner id");
    with("source = \"https://github.com/sigstore/sigstore-j\"\n", "source repository");
    with("builder = \"https://builder.acme.example/\"\n", "builder");
    with("min-bundle = \"0.3\"\n", "bundle version");
    with("instance = \"github\"\n", "log");
    let changed = |from: &str, to: &str, step: &str| {
        let mut approved = Approved::new();
        approved.policy = approved.policy.replace(from, to);
        approved.sign(&bundle(ATTESTATIONS));
        approved.refused_at(step)
    };
    for identity in
        [&IDENTITY[..IDENTITY.len() - 1], &format!("{IDENTITY}-evil"), &IDENTITY.replace("sigstore-js/", "sigstore-js-evil/")]
    {
        let verdict = changed(IDENTITY, identity, "identity");
        let grounds = &verdict["grounds"];
        let quoted = |text: &str| Value::from(format!("`{text}`"));
        assert_eq!((&grounds["expected"], &grounds["found"]), (&quoted(identity), &quoted(IDENTITY)), "{grounds:#}");
    }
    changed(ISSUER, "https://issuer.acme.example", "issuer");
    changed(PROVENANCE, "https://slsa.dev/provenance/v2", "predicate type");
    // The right numbers hold.
    let mut approved = Approved::new();
    approved.policy.push_str("source-id = \"495574555\"\nowner-id = \"71096353\"\n");
    approved.sign(&bundle(ATTESTATIONS));
    approved.json(0);
}

#[test]
fn evidence_of_another_release_or_with_a_damaged_signature_is_refused() {
    let approved = Approved::new();
    approved.sign(&bundle("sigstore-js-2.1.0-bundle.json"));
    let verdict = approved.refused_at("subject");
    assert!(verdict["grounds"]["found"].as_str().unwrap().contains("sigstore@2.1.0"), "{verdict:#}");
    approved.sign(&bundle("npm-sigstore-2.3.1-attestations-invalidsigprov.json"));
    approved.refused_at("signature");
    approved.sign(&bundle(ATTESTATIONS)[..9_000]);
    approved.refused_at("form");
    approved.sign(b"{}");
    approved.refused_at("form");
    // Right evidence for a release that is another.
    let mut other = Approved::new();
    other.release = other.release.replace("f06fbf5c", "f06fbf5d");
    other.sign(&bundle(ATTESTATIONS));
    other.refused_at("subject");
}

/// The file beside the manifest is nobody's word: what is not the pinned one is not looked at.
#[test]
fn a_forged_a_swapped_and_a_missing_file_are_refused_and_said() {
    let approved = Approved::new();
    approved.json(0);
    for forged in [bundle("sigstore-js-2.1.0-bundle.json"), [bundle(ATTESTATIONS), b"\n".to_vec()].concat(), Vec::new()] {
        fs::write(approved.file(), forged).unwrap();
        approved.refused_at("evidence digest");
    }
    fs::remove_file(approved.file()).unwrap();
    let verdict = approved.refused_at("evidence file");
    assert!(verdict["grounds"]["found"].as_str().unwrap().contains("does not exist"), "{verdict:#}");
    let run = approved.check(&[]).exits(1);
    for part in ["unattested  sigstore-js 2.3.1", "as `npm` asks for one", "vetted.toml:10", "put the file back"] {
        assert!(run.stdout.contains(part), "{part} is not in\n{run}");
    }
    fs::create_dir(approved.file()).unwrap();
    approved.refused_at("evidence file");
}

#[test]
fn what_is_required_and_not_written_down_names_the_command_that_brings_it() {
    let approved = Approved::new();
    approved.sign_with("");
    let verdict = approved.verdict(1);
    assert_eq!((&verdict["verdict"], &verdict["grounds"]["step"]), (&"unattested".into(), &Value::Null), "{verdict:#}");
    let run = approved.check(&[]).exits(1);
    assert!(run.stdout.contains("as `npm` asks for one; found: no evidence is"), "{run}");
    assert!(run.stdout.contains("vetted approve sigstore-js@2.3.1 --from npm"), "{run}");
}

/// Without a demand evidence that is written down has to hold all the same, whoever signed it; none at all is said.
#[test]
fn evidence_nobody_asks_for_has_to_hold_and_none_is_said() {
    let mut approved = Approved::new();
    approved.require = false;
    approved.sign(&bundle(ATTESTATIONS));
    let verdict = approved.verdict(0);
    assert_eq!(verdict["attestation"]["proofs"][0]["identity"], IDENTITY, "{verdict:#}");
    assert_eq!(verdict["attestation"]["proofs"][0]["policy"], Value::Null);
    approved.sign(&bundle("npm-sigstore-2.3.1-attestations-invalidsigprov.json"));
    approved.refused_at("signature");
    let run = approved.check(&[]).exits(1);
    assert!(run.stdout.contains("evidence refused  sigstore-js 2.3.1"), "{run}");
    approved.sign(&bundle("npm-sigstore-1.3.0-bundle-publish.json"));
    approved.refused_at("key");
    approved.sign_with("");
    assert_eq!(approved.verdict(0)["attestation"]["state"], "none");
    let run = approved.check(&[]).exits(0);
    assert!(run.stdout.contains("1 tool approved, without attestation"), "{run}");
}

/// A managed key in the place of an identity: the publish attestation of the registry.
#[test]
fn a_key_of_the_policy_counts_in_the_place_of_an_identity() {
    let key = |name: &str| {
        format!("key = {{ algorithm = \"ecdsa-p256-sha256\", pem = '''{}''' }}\n", String::from_utf8(bundle(name)).unwrap())
    };
    let publish = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
    let mut approved = Approved::new();
    approved.policy = format!("predicate = \"{publish}\"\n{}", key("npm-attestations-2022.pub"));
    approved.sign(&bundle(ATTESTATIONS));
    let proof = approved.verdict(0)["attestation"]["proofs"][0].clone();
    assert_eq!((&proof["policy"], &proof["identity"], &proof["predicate"]), (&"npm".into(), &Value::Null, &publish.into()));
    approved.policy = format!("predicate = \"{publish}\"\n{}", key("npm-attestations-2025.pub"));
    approved.sign(&bundle(ATTESTATIONS));
    approved.refused_at("key");
}

/// A second check reads no trusted root: it is approved where there is none that could be used.
#[cfg(unix)]
#[test]
fn a_warm_check_verifies_nothing_again_and_a_cold_one_everything() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let mut approved = Approved::new();
    let cache = approved.machine.home().join(".cache/vetted/proofs");
    approved.json(0);
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o600);
    // What was verified is kept, and the file is written anew: another inode. What was known leaves it as it is.
    let kept = || fs::metadata(&cache).unwrap().ino();
    let cold = kept();
    let warm = approved.verdict(0);
    assert_eq!(warm["attestation"]["proofs"][0]["identity"], IDENTITY, "{warm:#}");
    assert_eq!(warm["attestation"]["proofs"][0]["root"]["origin"], "built-in");
    assert_eq!(kept(), cold, "nothing was verified again");

    // What was shown under one root shows nothing under another: the report names the root that counts now.
    let broken = approved.machine.file("etc/broken.json", "no trusted root");
    let mut instances = String::new();
    for id in ["sigstore-public-good", "github"] {
        instances += &format!(
            "[[instance]]\nid = \"{id}\"\ntaken = \"2026-11-01T00:00:00Z\"\nmetadata = \"https://tuf.acme.example/\"\n\
             targets = \"https://tuf.acme.example/targets/\"\ntarget = \"root.json\"\ntrusted-root = \"{}\"\ntuf-root = \"{}\"\n",
            broken.display(),
            broken.display()
        );
    }
    let instances = approved.machine.file("etc/instances.toml", instances);
    approved.machine.env("VETTED_TEST_INSTANCES", instances.to_str().unwrap());
    approved.refused_at("trusted root");
    approved.machine.env("VETTED_TEST_INSTANCES", "none");
    approved.json(0);
    assert_eq!(kept(), cold);

    // What the file beside the manifest is, is looked at in every run.
    let whole = fs::read(approved.file()).unwrap();
    fs::write(approved.file(), b"{}").unwrap();
    approved.refused_at("evidence digest");
    fs::write(approved.file(), whole).unwrap();
    approved.json(0);
    assert_eq!(kept(), cold);
    // Another demand is another question.
    let policy = approved.policy.clone();
    approved.policy.push_str("source-id = \"495574555\"\n");
    approved.sign(&bundle(ATTESTATIONS));
    approved.json(0);
    let asked_more = kept();
    assert_ne!(asked_more, cold);
    approved.policy = policy;
    approved.sign(&bundle(ATTESTATIONS));
    approved.json(0);
    assert_eq!(kept(), asked_more, "what was shown before is still known");

    // A cache that was changed is no cache.
    let mut changed = fs::read(&cache).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&cache, changed).unwrap();
    approved.json(0);
    assert_ne!(kept(), asked_more, "all of it was verified again");
    let again = kept();
    approved.json(0);
    assert_eq!(kept(), again);
    fs::remove_file(&cache).unwrap();
    approved.machine.env("CI", "true");
    approved.json(0);
    assert!(!cache.exists());
}

#[test]
fn in_ci_nothing_is_kept() {
    let mut approved = Approved::new();
    approved.machine.env("CI", "true");
    approved.json(0);
    assert!(!approved.machine.home().join(".cache/vetted/proofs").exists());
}

/// The organisation's own root counts before the one that is built in, and is named.
#[test]
fn the_root_that_the_organisation_pins_is_the_one_that_counts() {
    let mut approved = Approved::new();
    let root = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles/roots/public-good.json")).unwrap();
    let more = format!(
        "[[instance]]\nid = \"acme\"\ntrusted-root = {{ path = \"attestations/acme.json\", sha256 = \"{}\" }}\n",
        Digest::sha256_of(&root).hex()
    );
    fs::write(approved.office.path("attestations/acme.json"), &root).unwrap();
    let trust = Trust { revocations: None, more: String::leak(more), ..Trust::first() };
    approved.office.trust(&trust, &["alice", "bob"]);
    approved.policy.push_str("instance = \"acme\"\n");
    approved.sign(&bundle(ATTESTATIONS));
    let proof = approved.verdict(0)["attestation"]["proofs"][0].clone();
    assert_eq!((&proof["root"]["instance"], &proof["root"]["origin"]), (&"acme".into(), &"organisation".into()), "{proof:#}");
    assert_eq!(proof["root"]["sha256"], Digest::sha256_of(&root).hex());
}

/// A lock file is judged by the same evidence, and `policy explain` says what it shows.
#[test]
fn a_lock_file_needs_the_evidence_as_well() {
    use base64::Engine as _;
    let approved = Approved::new();
    fs::remove_dir_all(approved.machine.home().join(".npm-global")).unwrap();
    approved.machine.git(&["init", "-q", "."]);
    let integrity = base64::engine::general_purpose::STANDARD.encode(hex::decode(SHA512).unwrap());
    let lock = format!(
        r#"{{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{{"":{{"name":"app","version":"1.0.0","dependencies":{{"sigstore":"2.3.1"}}}},"node_modules/sigstore":{{"version":"2.3.1","integrity":"sha512-{integrity}"}}}}}}"#
    );
    approved.machine.file("work/package-lock.json", lock);
    approved.machine.git(&["add", "package-lock.json"]);
    let verdict = approved.verdict(0);
    assert_eq!((&verdict["item"], &verdict["attestation"]["state"]), (&"mention".into(), &"verified".into()), "{verdict:#}");
    let folder = approved.office.folder.path().to_str().unwrap().to_owned();
    let run = approved.machine.vetted(&["policy", "explain", "sigstore-js@2.3.1", "--policy", &folder]).exits(0);
    assert!(run.stdout.contains("the approved release; its attestations were"), "{run}");
    fs::write(approved.file(), "{}").unwrap();
    approved.refused_at("evidence digest");
}

/// A cooldown holds an approval back until the release is old enough, and says until when.
#[test]
fn a_release_that_is_too_young_says_until_when() {
    let mut approved = Approved::new();
    approved.defaults = "cooldown = \"7d\"\n";
    approved.sign(&bundle(ATTESTATIONS));
    // Unlisted tools of its kind pass here, and so does one whose approval does not count yet.
    let verdict = approved.verdict(0);
    assert_eq!(verdict["verdict"], "unvetted");
    assert_eq!(verdict["grounds"]["cooling"]["until"], "2026-11-27T00:00:00Z", "{verdict:#}");
    let run = approved.check(&[]).exits(0);
    assert!(run.stdout.contains("cooling  sigstore-js 2.3.1") && run.stdout.contains("27 Nov 2026 00:00 UTC"), "{run}");
    approved.machine.at("2026-11-27T00:00:00Z");
    assert_eq!(approved.verdict(0)["verdict"], "approved");
}

/// A changed byte in the tree is a mismatch before anything is said of evidence.
#[test]
fn a_changed_tree_is_a_mismatch_whatever_is_attested() {
    let approved = Approved::new();
    approved.machine.file("home/.npm-global/lib/node_modules/sigstore/cli.js", "// another");
    assert_eq!(approved.verdict(1)["verdict"], "mismatched");
}

/// A version is written only where its evidence holds: what nobody shows is not approved, and so not certain.
#[test]
fn a_version_whose_evidence_does_not_hold_is_not_written() {
    let mut approved = Approved::new();
    approved.machine.git(&["init", "-q", "-b", "main"]);
    let asks = |version: &str| format!("{{\"dependencies\": {{\"sigstore\": \"{version}\"}}}}\n");
    let stage = |approved: &Approved| {
        approved.machine.file("work/package.json", asks("^2.0.0"));
        approved.machine.git(&["add", "package.json"]);
    };
    let content = |approved: &Approved| fs::read_to_string(approved.machine.work().join("package.json")).unwrap();
    stage(&approved);
    let run = approved.check(&["--no-machine", "--fix", "--yes"]).exits(0);
    assert_eq!(content(&approved), asks("2.3.1"), "{run}");
    approved.policy = approved.policy.replace("sigstore-js", "sigstore-other");
    approved.sign(&bundle(ATTESTATIONS));
    stage(&approved);
    let run = approved.check(&["--no-machine", "--fix", "--yes"]).exits(0);
    assert!(run.stderr.contains("no version of it is approved here"), "{run}");
    assert_eq!(content(&approved), asks("^2.0.0"));
}
