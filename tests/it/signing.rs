//! Making signatures: with key files, with keys on a token, several people one after the other, and what a signer is shown.

use crate::support::{Machine, Run};
use crate::team::{self, PASSWORD, Trust, Voice, key_file, machine, manifest, open_key, sign};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use vetted::trust::document::{signature_paths, verify_folder};
use vetted::trust::state::{Floors, State};
use vetted::trust::{Proof, Refusal};
use vetted::world::files::Files;

/// Where SoftHSM's module may be.
const SOFTHSM: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

fn openssl(machine: &Machine, arguments: &[&str]) {
    machine.program("openssl", arguments).exits(0);
}

/// Whether OpenSSL is here; LibreSSL under its name does not know every form of a key.
fn has_openssl() -> bool {
    let version = Command::new("openssl").arg("version").output();
    let found = version.is_ok_and(|output| output.stdout.starts_with(b"OpenSSL "));
    if !found {
        eprintln!("SKIPPED: OpenSSL is not here, so no key of another program was read");
    }
    found
}

/// Who is believed to have signed the manifest of `work/policy`.
fn believed(machine: &Machine) -> Vec<String> {
    let now = crate::support::NOW.parse().unwrap();
    let folder = verify_folder(Files, &machine.work().join("policy"), now, &State::new("acme"), &Floors::default());
    match folder.unwrap_or_else(|u| panic!("{}: {}", u.path.display(), u.refusal)).manifest.proof() {
        Proof::Signed { signers, .. } => signers.clone(),
        Proof::BuiltIn => panic!("a folder is not built in"),
    }
}

fn lines_beside(machine: &Machine, document: &str) -> usize {
    let paths = signature_paths(&machine.work().join("policy").join(document));
    paths.iter().filter_map(|path| fs::read_to_string(path).ok()).map(|text| text.lines().count()).sum()
}

#[test]
fn keys_are_made_taken_over_and_shown() {
    let mut machine = machine();
    machine.env("USER", "alice");
    let made = machine.vetted(&["key", "generate"]).exits(0);
    let path = machine.home().join(".config/vetted/keys/alice.key");
    assert!(
        made.stdout.starts_with("-----BEGIN PUBLIC KEY-----\n") && made.stdout.ends_with("-----END PUBLIC KEY-----\n"),
        "{made}"
    );
    assert!(!made.stdout.contains('\r'), "{made}");
    let shown = machine.vetted(&["key", "show"]).exits(0);
    assert_eq!(shown.stdout, made.stdout);
    let mode = {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(&path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode, 0o600);
    assert_eq!(fs::read_to_string(path.with_file_name(".gitignore")).unwrap(), "*\n");

    let again = machine.vetted(&["key", "generate"]).exits(2);
    assert!(again.stderr.contains("nothing is overwritten"), "{again}");
    assert_eq!(machine.vetted(&["key", "show"]).exits(0).stdout, made.stdout);

    // openssl reads what is kept, and says the same public key and the same fingerprint.
    if !has_openssl() {
        return;
    }
    openssl(
        &machine,
        &["pkey", "-in", path.to_str().unwrap(), "-passin", &format!("pass:{PASSWORD}"), "-pubout", "-out", "a.pub"],
    );
    assert_eq!(fs::read_to_string(machine.work().join("a.pub")).unwrap(), made.stdout);
    openssl(&machine, &["pkey", "-pubin", "-in", "a.pub", "-outform", "DER", "-out", "a.der"]);
    let digest = vetted::digest::Digest::sha256_of(&fs::read(machine.work().join("a.der")).unwrap());
    assert!(shown.stderr.contains(&digest.hex()), "{shown}");
}

/// Every form in which openssl keeps a P-256 key is taken over; the public half stays the same.
#[test]
fn keys_of_openssl_are_taken_over() {
    if !has_openssl() {
        return;
    }
    let machine = machine();
    let pass = format!("pass:{PASSWORD}");
    openssl(&machine, &["ecparam", "-name", "prime256v1", "-genkey", "-out", "sec1.pem"]);
    openssl(&machine, &["pkcs8", "-topk8", "-nocrypt", "-in", "sec1.pem", "-out", "open.pem"]);
    openssl(&machine, &["pkcs8", "-topk8", "-in", "sec1.pem", "-passout", &pass, "-out", "pbkdf2.pem"]);
    openssl(&machine, &["pkcs8", "-topk8", "-scrypt", "-in", "sec1.pem", "-passout", &pass, "-out", "scrypt.pem"]);
    openssl(&machine, &["pkey", "-in", "sec1.pem", "-pubout", "-out", "key.pub"]);
    let public = fs::read_to_string(machine.work().join("key.pub")).unwrap();
    for (name, is_open) in [("sec1", true), ("open", true), ("pbkdf2", false), ("scrypt", false)] {
        let (from, to) = (format!("{name}.pem"), format!("{name}.key"));
        let run = machine.vetted(&["key", "import", &from, &to]).exits(0);
        assert_eq!(run.stdout, public, "{name}");
        assert_eq!(run.stderr.contains("it has no password"), is_open, "{run}");
        assert_eq!(machine.vetted(&["key", "show", "--key", &to]).exits(0).stdout, public, "{name}");
    }
    // Another password for the new file.
    machine.file("work/new", "another horse\n");
    machine.vetted(&["key", "import", "scrypt.pem", "other.key", "--new-password-file", "new"]).exits(0);
    machine.vetted(&["key", "show", "--key", "other.key"]).exits(2);
    machine.vetted(&["key", "show", "--key", "other.key", "--password-file", "new"]).exits(0);
}

#[test]
fn what_is_no_key_is_not_taken_over() {
    if !has_openssl() {
        return;
    }
    let machine = machine();
    openssl(&machine, &["genrsa", "-out", "rsa.pem", "2048"]);
    openssl(&machine, &["ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "p384.pem"]);
    openssl(&machine, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "good.pem"]);
    openssl(&machine, &["pkcs8", "-topk8", "-in", "good.pem", "-passout", "pass:other", "-out", "locked.pem"]);
    machine.file("work/text", "hello");
    machine.file(
        "work/cosign.pem",
        "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\ne30=\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
    );
    for (from, why) in [
        ("rsa.pem", "no ECDSA P-256 key"),
        ("p384.pem", "no ECDSA P-256 key"),
        ("locked.pem", "the password does not open it"),
        ("text", "no PEM text"),
        ("cosign.pem", "encrypted in a way vetted does not read"),
        ("nowhere", "nowhere"),
    ] {
        let run = machine.vetted(&["key", "import", from, "made.key"]).exits(2);
        assert!(run.stderr.contains(why), "{from}: {run}");
        assert!(!machine.work().join("made.key").exists(), "{from}");
    }
}

/// A token of SoftHSM with the PIN [`PASSWORD`], or why not.
struct Token {
    machine: Machine,
    module: &'static str,
}

impl Token {
    fn new() -> Option<Self> {
        let module = SOFTHSM.into_iter().find(|path| Path::new(path).is_file());
        let has_tool = Command::new("softhsm2-util").arg("--version").output().is_ok();
        let (Some(module), true) = (module, has_tool && has_openssl()) else {
            eprintln!("SKIPPED: SoftHSM 2 or OpenSSL is not here, so no key on a token signed anything");
            return None;
        };
        let mut machine = machine();
        let tokens = machine.home().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let conf = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        let conf = machine.file("home/softhsm2.conf", conf);
        machine.env("SOFTHSM2_CONF", conf.to_str().unwrap());
        let token = Self { machine, module };
        token.init("acme token");
        Some(token)
    }

    fn init(&self, label: &str) {
        let arguments = ["--init-token", "--free", "--label", label, "--pin", PASSWORD, "--so-pin", "administrator"];
        self.machine.program("softhsm2-util", &arguments).exits(0);
    }

    /// Put a key made by openssl on the token: its public half as PEM.
    fn import(&self, label: &str, id: &str, make: &[&str]) -> String {
        let file = format!("{label}.pem");
        openssl(&self.machine, &[make, &["-out", &file]].concat());
        let run = self.machine.program("openssl", &["pkey", "-in", &file, "-pubout"]).exits(0);
        let p8 = format!("{label}.p8");
        openssl(&self.machine, &["pkcs8", "-topk8", "-nocrypt", "-in", &file, "-out", &p8]);
        let arguments = ["--import", &p8, "--token", "acme token", "--label", label, "--id", id, "--pin", PASSWORD];
        self.machine.program("softhsm2-util", &arguments).exits(0);
        run.stdout
    }

    fn import_p256(&self, label: &str, id: &str) -> String {
        self.import(label, id, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    fn uri(&self, rest: &str) -> String {
        format!("pkcs11:token=acme%20token{rest}?module-path={}", self.module)
    }

    fn show(&self, uri: &str) -> Run {
        self.machine.vetted(&["key", "show", "--pkcs11", uri])
    }
}

/// A key on a token and a key in a file, threshold 2: both count, and the token's key never left it.
#[test]
fn a_key_on_a_token_signs_like_any_other() {
    let Some(token) = Token::new() else { return };
    let alice = token.import_p256("alice", "01");
    let machine = &token.machine;
    assert_eq!(token.show(&token.uri(";object=alice")).exits(0).stdout, alice);
    assert_eq!(token.show(&token.uri(";id=%01")).exits(0).stdout, alice);
    assert_eq!(token.show(&token.uri("")).exits(0).stdout, alice, "the only key needs no name");

    let bob = key_file(machine, "bob");
    let trust = Trust::of(&[("alice", alice), ("bob", bob)]).role("root", 1, &["bob"]).role("manifest", 2, &["alice", "bob"]);
    machine.file("work/policy/vetted-trust.toml", trust.text());
    machine.file("work/policy/vetted.toml", manifest(1, ""));
    sign(machine, "vetted-trust.toml", "bob").exits(0);
    let run = machine.vetted(&["sign", "policy/vetted.toml", "--pkcs11", &token.uri(";object=alice")]).exits(0);
    assert!(run.stderr.contains("as alice: 1 of 2") && run.stderr.contains("1 more of bob"), "{run}");
    sign(machine, "vetted.toml", "bob").exits(0);
    assert_eq!(believed(machine), ["alice", "bob"]);

    // The token may not sign what its key has no role for.
    let run = machine.vetted(&["sign", "policy/vetted-trust.toml", "--pkcs11", &token.uri(";object=alice")]).exits(2);
    assert!(run.stderr.contains("this key may not sign"), "{run}");
    // Every signature of a token is another one, and r and s are now and then shorter or longer as DER.
    let many = machine.work().join("policy/vetted.toml");
    for _ in 0..6 {
        machine.vetted(&["sign", many.to_str().unwrap(), "--pkcs11", &token.uri("")]).exits(0);
    }
    assert_eq!(believed(machine), ["alice", "bob"]);
    assert_eq!(lines_beside(machine, "vetted.toml"), 2);
}

/// A PIN comes from a file that the URI or the command names, from the variable, and never from the URI itself.
#[test]
fn the_pin_of_a_token_is_never_on_the_command_line() {
    let Some(mut token) = Token::new() else { return };
    token.import_p256("alice", "01");
    let pin = token.machine.file("home/pin", format!("{PASSWORD}\n"));
    token.machine.env("VETTED_KEY_PASSWORD", "");
    let run = token.show(&token.uri("")).exits(2);
    assert!(run.stderr.contains("nobody can be asked") && run.stderr.contains("--password-file"), "{run}");
    token.show(&format!("{}&pin-source=file:{}", token.uri(""), pin.display())).exits(0);
    let arguments = ["key", "show", "--pkcs11", &token.uri(""), "--password-file", pin.to_str().unwrap()];
    token.machine.vetted(&arguments).exits(0);
    let run = token.show(&format!("{}&pin-value=4711", token.uri(""))).exits(2);
    assert!(run.stderr.contains("list of processes") && !run.stderr.contains("4711"), "{run}");
}

#[test]
fn what_is_wrong_with_a_token_is_said_with_its_name() {
    let Some(mut token) = Token::new() else { return };
    token.import_p256("alice", "01");
    token.import_p256("bob", "02");
    token.import("rsa", "03", &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    token.import("p384", "04", &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let here = "token `acme token` in slot";
    let refused = |uri: &str, parts: &[&str]| {
        let run = token.show(uri).exits(2);
        for part in parts {
            assert!(run.stderr.contains(part), "{uri}: no `{part}`\n{run}");
        }
    };
    refused(&token.uri(";object=carol"), &[here, "holds no private key `carol`", "`alice` (id 01)"]);
    refused(&token.uri(";id=%01;object=bob"), &[here, "holds no private key `bob` with the id 01"]);
    refused(&token.uri(""), &[here, "holds several private keys", "`bob` (id 02)"]);
    refused(&token.uri(";object=rsa"), &[here, "the key `rsa` (id 03) is of the type RSA", "ECDSA P-256"]);
    refused(&token.uri(";object=p384"), &[here, "the key `p384` (id 04) is of another curve"]);
    let module = token.module;
    refused(&format!("pkcs11:token=other?module-path={module}"), &["has no token with label `other`", "`acme token` (slot"]);
    refused("pkcs11:token=x?module-path=/nowhere/module.so", &["the module `/nowhere/module.so` cannot be loaded"]);
    // A library that is no module, and a file that is no library.
    let text = token.machine.file("home/text.so", "hello");
    refused(&format!("pkcs11:?module-path={}", text.display()), &["text.so` cannot be loaded"]);
    refused("pkcs11:token=x?module-path=softhsm.so", &["is not absolute", "loading one runs its code"]);
    refused("pkcs11:token=x", &["does not say which module"]);
    token.init("acme token");
    refused(&token.uri(";object=alice"), &["several tokens with label `acme token`", "`serial` or `slot-id`"]);
    token.machine.env("VETTED_KEY_PASSWORD", "guess");
    let serial = token.show(&format!("pkcs11:token=other?module-path={module}")).stderr;
    let serial = serial.split("serial ").nth(1).and_then(|s| s.split(')').next()).unwrap_or_else(|| panic!("{serial}"));
    let run = token.show(&format!("pkcs11:serial={serial};object=alice?module-path={module}")).exits(2);
    assert!(run.stderr.contains(here) && run.stderr.contains("the PIN is wrong"), "{run}");
}

/// `check` never loads a module, whatever the environment says.
#[test]
fn only_what_uses_a_key_loads_a_module() {
    let machine = machine();
    let run = machine.vetted(&["check", "--pkcs11", "pkcs11:?module-path=/nowhere.so"]).exits(2);
    assert!(run.stderr.contains("unexpected argument '--pkcs11'"), "{run}");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut named = Vec::new();
    visit(&source, &mut |path, text| {
        if text.contains("signing::pkcs11") || text.contains("cryptoki::") {
            named.push(path.strip_prefix(&source).unwrap().to_string_lossy().into_owned());
        }
    });
    named.sort();
    assert_eq!(named, ["cli/signer.rs", "trust/signing/pkcs11.rs"], "who can load a module");
}

fn visit(folder: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, each);
        } else if let Ok(text) = fs::read_to_string(&path) {
            each(&path, &text);
        }
    }
}

/// A policy with two people and one on call, all documents signed.
fn team(machine: &Machine) -> Trust {
    let (alice, bob, carol) = (key_file(machine, "alice"), key_file(machine, "bob"), key_file(machine, "carol"));
    let trust = Trust::of(&[("alice", alice), ("bob", bob), ("carol", carol)])
        .role("root", 2, &["alice", "bob"])
        .role("manifest", 2, &["alice", "bob"])
        .role("revocations", 1, &["carol"]);
    machine.file("work/policy/vetted-trust.toml", trust.text());
    let text = manifest(1, "");
    machine.file("work/policy/vetted.toml", &text);
    machine.file("work/policy/vetted-revocations.toml", revocations(1, 1, &text));
    for name in ["alice", "bob"] {
        sign(machine, "vetted-trust.toml", name).exits(0);
        sign(machine, "vetted.toml", name).exits(0);
    }
    sign(machine, "vetted-revocations.toml", "carol").exits(0);
    assert_eq!(believed(machine), ["alice", "bob"]);
    trust
}

fn revocations(serial: u64, names: u64, manifest: &str) -> String {
    let sha256 = vetted::digest::Digest::sha256_of(manifest.as_bytes()).hex();
    format!(
        "kind = \"vetted/revocations\"\nschema = 1\nname = \"acme\"\nserial = {serial}\nissued = 2026-11-21T11:00:00Z\n\
         expires = 2026-11-22T11:00:00Z\nmanifest = {{ serial = {names}, sha256 = \"{sha256}\" }}\n"
    )
}

fn read(machine: &Machine, document: &str) -> String {
    fs::read_to_string(machine.work().join("policy").join(document)).unwrap()
}

/// In a folder each signs what is theirs: the one on call the revocations, the others the rest.
#[test]
fn without_a_document_named_each_signs_what_is_theirs() {
    let machine = machine();
    team(&machine);
    for (name, count) in [("vetted-trust.toml", 2), ("vetted.toml", 2), ("vetted-revocations.toml", 1)] {
        assert_eq!(lines_beside(&machine, name), count, "{name}");
        for path in signature_paths(&machine.work().join("policy").join(name)) {
            let _ = fs::remove_file(path);
        }
    }
    let carols = team::key_path(&machine, "carol");
    let sign_folder = |key: &Path| machine.vetted(&["sign", "--policy", "policy", "--key", key.to_str().unwrap()]);
    sign_folder(&carols).exits(0);
    assert_eq!((lines_beside(&machine, "vetted.toml"), lines_beside(&machine, "vetted-revocations.toml")), (0, 1));
    for name in ["alice", "bob"] {
        sign_folder(&team::key_path(&machine, name)).exits(0);
    }
    assert_eq!(believed(&machine), ["alice", "bob"]);
    let run = sign_folder(&carols).exits(0);
    assert!(run.stderr.contains("signed with this key already"), "{run}");
    let stranger = key_file(&machine, "mallory");
    assert!(!stranger.is_empty());
    let run = sign_folder(&team::key_path(&machine, "mallory")).exits(2);
    assert!(run.stderr.contains("may not sign"), "{run}");
    // A document that is named is signed or refused, and with it all that were named beside it.
    let run = sign(&machine, "vetted.toml", "carol").exits(2);
    assert!(run.stderr.contains("this key may not sign `policy/vetted.toml`"), "{run}");
}

/// The hourly work: the next issue of the revocations, naming the newest manifest that enough have signed.
#[test]
fn revocations_are_renewed_by_the_one_on_call() {
    let machine = machine();
    team(&machine);
    let key = team::key_path(&machine, "carol");
    let renew = || machine.vetted(&["sign", "--renew", "policy/vetted-revocations.toml", "--key", key.to_str().unwrap()]);
    renew().exits(0);
    let text = read(&machine, "vetted-revocations.toml");
    assert!(text.contains("serial = 2\nissued = 2026-11-21T12:00:00Z\nexpires = 2026-11-22T12:00:00Z"), "{text}");
    assert_eq!(believed(&machine), ["alice", "bob"]);

    // A manifest that somebody is still working on is not named: nobody would believe the folder any more.
    let draft = manifest(2, "");
    machine.file("work/policy/vetted.toml", &draft);
    let run = renew().exits(0);
    assert!(read(&machine, "vetted-revocations.toml").contains("manifest = { serial = 1,"), "{run}");
    // Once it is signed, it is.
    sign(&machine, "vetted.toml", "alice").exits(0);
    sign(&machine, "vetted.toml", "bob").exits(0);
    renew().exits(0);
    let sha256 = vetted::digest::Digest::sha256_of(draft.as_bytes()).hex();
    assert!(read(&machine, "vetted-revocations.toml").contains(&format!("serial = 2, sha256 = \"{sha256}\"")));
    assert_eq!(believed(&machine), ["alice", "bob"]);

    // A manifest that was rolled back, with all its signatures, is not made the newest again.
    let folder = machine.work().join("policy");
    let issue = read(&machine, "vetted-revocations.toml");
    fs::remove_dir_all(folder.join("previous")).unwrap();
    machine.file("work/policy/vetted.toml", manifest(1, ""));
    sign(&machine, "vetted.toml", "alice").exits(0);
    sign(&machine, "vetted.toml", "bob").exits(0);
    let run = renew().exits(2);
    assert!(run.stderr.contains("cannot renew") && run.stderr.contains("put the newest signed manifest back"), "{run}");
    assert_eq!(read(&machine, "vetted-revocations.toml"), issue);

    let run = machine.vetted(&[
        "sign",
        "--renew",
        "policy/vetted-trust.toml",
        "--key",
        team::key_path(&machine, "alice").to_str().unwrap(),
    ]);
    assert!(run.exits(2).stderr.contains("cannot renew"), "versions of the trust policy are counted by hand");
}

/// What clients refuse is not signed, whoever asks.
#[test]
fn what_clients_would_refuse_is_not_signed() {
    let machine = machine();
    team(&machine);
    let before = (read(&machine, "vetted.toml"), lines_beside(&machine, "vetted.toml"));
    let waiver = "[[waiver]]\nid = \"W-1\"\nlifts = [\"unvetted\"]\ntool = \"openai-codex\"\nversions = [\"1.0.0\"]\n\
        owner = \"c@acme.example\"\napprover = \"d@acme.example\"\nreason = \"r\"\nstarts = 2026-11-20T00:00:00Z\n\
        expires = 2026-12-05T00:00:00Z\n";
    machine.file("work/policy/vetted.toml", manifest(2, waiver));
    let run = sign(&machine, "vetted.toml", "alice").exits(2);
    assert!(run.stderr.contains("W-1"), "{run}");
    assert_eq!(lines_beside(&machine, "vetted.toml"), before.1, "nothing was written");
    machine.file("work/policy/vetted.toml", &before.0);

    // Revocations that name another manifest than the one beside them, or a newer one.
    for (serial, manifest) in [(1, "other bytes"), (9, "newer")] {
        machine.file("work/policy/vetted-revocations.toml", revocations(2, serial, manifest));
        let run = sign(&machine, "vetted-revocations.toml", "carol").exits(2);
        assert!(run.stderr.contains("cannot sign") && run.stderr.contains("--renew"), "{run}");
    }
    machine.file("work/policy/vetted-revocations.toml", revocations(2, 1, &before.0).replace("\"acme\"", "\"other\""));
    let run = sign(&machine, "vetted-revocations.toml", "carol").exits(2);
    assert!(run.stderr.contains("called `other`"), "{run}");
}

/// Version 2 is signed by the root holders of version 1 and by its own, and each of them sees what is missing where.
#[test]
fn the_next_trust_policy_is_signed_by_the_old_and_the_new() {
    let machine = machine();
    let mut trust = team(&machine);
    let folder = machine.work().join("policy");
    fs::copy(folder.join("vetted-trust.toml"), folder.join("vetted-trust.1.toml")).unwrap();
    fs::copy(folder.join("vetted-trust.toml.sigstore.jsonl"), folder.join("vetted-trust.1.toml.sigstore.jsonl")).unwrap();
    // Bob leaves; Dave comes; Alice has a new key.
    let (dave, alices_new) = (key_file(&machine, "dave"), key_file(&machine, "alice-new"));
    trust.version = 2;
    trust.signers.retain(|(id, _)| id != "bob");
    trust.signers[0].1 = vec![Voice::Key(alices_new)];
    trust.signers.push(("dave".into(), vec![Voice::Key(dave)]));
    trust.roles[0].2 = vec!["alice", "dave"];
    trust.roles[1].2 = vec!["alice", "dave"];
    machine.file("work/policy/vetted-trust.toml", trust.text());

    let run = sign(&machine, "vetted-trust.toml", "dave").exits(0);
    assert!(
        run.stderr.contains("0 of 2 signatures for version 1") && run.stderr.contains("1 of 2 signatures for version 2"),
        "{run}"
    );
    assert!(run.stderr.contains("2 more of alice, bob"), "{run}");
    let run = sign(&machine, "vetted-trust.toml", "carol").exits(2);
    assert!(run.stderr.contains("may not sign"), "{run}");
    sign(&machine, "vetted-trust.toml", "bob").exits(0);
    sign(&machine, "vetted-trust.toml", "alice").exits(0);
    let run = sign(&machine, "vetted-trust.toml", "alice-new").exits(0);
    assert!(
        run.stderr.contains("2 of 2 signatures for version 1") && run.stderr.contains("2 of 2 signatures for version 2"),
        "{run}"
    );
    assert_eq!(lines_beside(&machine, "vetted-trust.toml"), 4, "Alice's old and new key say different things");
    // Her new one again replaces the one it repeats.
    sign(&machine, "vetted-trust.toml", "alice-new").exits(0);
    assert_eq!(lines_beside(&machine, "vetted-trust.toml"), 4);

    // A version that is not the one before is none.
    fs::write(folder.join("vetted-trust.1.toml"), trust.text()).unwrap();
    let run = sign(&machine, "vetted-trust.toml", "dave").exits(2);
    assert!(run.stderr.contains("is not the version before"), "{run}");
    fs::remove_file(folder.join("vetted-trust.1.toml")).unwrap();
    let run = sign(&machine, "vetted-trust.toml", "dave").exits(2);
    assert!(run.stderr.contains("vetted-trust.1.toml is missing") && run.stderr.contains("every step"), "{run}");
}

/// Python's pseudo-terminal around a command: waits for the question, answers, says what was shown and how it ended.
const TERMINAL: &str = r#"
import os, pty, select, sys
answer, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
shown, answered = b"", False
while True:
    ready, _, _ = select.select([terminal], [], [], 60)
    if not ready:
        print("nobody asked in a minute"); sys.exit(99)
    try:
        more = os.read(terminal, 65536)
    except OSError:
        more = b""
    if not more:
        break
    shown += more
    if b"[y/N]" in shown and not answered:
        answered = True
        os.write(terminal, b"\x04" if answer == "end" else answer.encode() + b"\n")
sys.stdout.write(shown.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// At a terminal nothing is signed without a yes; what would be allowed is shown before the question.
#[test]
fn a_terminal_is_asked_and_no_is_the_answer_unless_it_is_yes() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: `python3` is not here, so nobody was asked at a terminal");
        return;
    }
    let machine = machine();
    team(&machine);
    let approval = "[[tool]]\nid = \"openai-codex\"\n[[tool.approval]]\nversion = \"0.169.0\"\n[[tool.approval.artifact]]\n\
        role = \"installed\"\ntype = \"file\"\ndigest = { sha256 = \"00000000000000000000000000000000000000000000000000000000000000aa\" }\n";
    machine.file("work/policy/vetted.toml", manifest(2, approval));
    let key = team::key_path(&machine, "alice");
    let ask = |answer: &str, more: &[&str]| {
        let program = env!("CARGO_BIN_EXE_vetted");
        let arguments = ["-c", TERMINAL, answer, program, "sign", "policy/vetted.toml", "--key", key.to_str().unwrap()];
        machine.program("python3", &[&arguments[..], more].concat())
    };
    let signed = || lines_beside(&machine, "vetted.toml");
    let before = read(&machine, "vetted.toml.sigstore.jsonl");
    for answer in ["", "n", "no", "yeah", "end"] {
        let run = ask(answer, &[]).exits(2);
        assert!(run.stdout.contains("newly allows") && run.stdout.contains("0.169.0"), "{answer:?}: {run}");
        let (shown, question) = (run.stdout.find("0.169.0").unwrap(), run.stdout.find("[y/N]").unwrap());
        assert!(shown < question, "shown before it is asked\n{run}");
        assert!(run.stdout.contains("nothing was signed"), "{run}");
        assert_eq!(read(&machine, "vetted.toml.sigstore.jsonl"), before, "{answer:?}");
    }
    let run = ask("yes", &[]).exits(0);
    assert!(run.stdout.contains("Sign policy/vetted.toml as alice? [y/N]"), "{run}");
    assert!(run.stdout.contains("1 of 2 signatures"), "{run}");
    assert_eq!(signed(), 1, "the signatures of the issue before are gone");
    let run = ask("n", &["--yes"]).exits(0);
    assert!(!run.stdout.contains("[y/N]") && run.stdout.contains("newly allows"), "{run}");
}

/// Whoever renews does not throw away what others have signed and what still waits for signatures.
#[test]
fn an_issue_that_others_signed_is_not_renewed_away() {
    let mut machine = machine();
    team(&machine);
    machine.file("work/policy/vetted.toml", manifest(2, ""));
    sign(&machine, "vetted.toml", "alice").exits(0);
    let renew = |machine: &Machine, name: &str| {
        machine.vetted(&["sign", "--renew", "policy/vetted.toml", "--key", team::key_path(machine, name).to_str().unwrap()])
    };
    let run = renew(&machine, "bob").exits(2);
    assert!(run.stderr.contains("1 of 2 signatures, by alice") && run.stderr.contains("vetted sign policy/vetted.toml"), "{run}");
    assert!(read(&machine, "vetted.toml").contains("serial = 2\n"), "{run}");
    // One's own half is one's own to replace, and what is complete is there to be followed.
    renew(&machine, "alice").exits(0);
    assert!(read(&machine, "vetted.toml").contains("serial = 3\n"));
    sign(&machine, "vetted.toml", "bob").exits(0);
    renew(&machine, "bob").exits(0);
    // One that has expired waits for nobody.
    machine.at("2027-01-20T00:00:00Z");
    renew(&machine, "alice").exits(0);
    assert!(read(&machine, "vetted.toml").contains("serial = 5\n"));
}

/// Without a terminal it shows and signs.
#[test]
fn a_script_is_shown_what_it_signs() {
    let machine = machine();
    team(&machine);
    machine.file("work/policy/vetted.toml", manifest(2, "").replace("enforce", "monitor"));
    let run = sign(&machine, "vetted.toml", "alice").exits(0);
    assert!(run.stderr.contains("newly allows\n") && run.stderr.contains("monitor"), "{run}");
    assert!(!run.stderr.contains("[y/N]"), "{run}");
    sign(&machine, "vetted.toml", "bob").exits(0);
    let key = team::key_path(&machine, "alice");
    let run = machine.vetted(&["sign", "--renew", "policy/vetted.toml", "--key", key.to_str().unwrap()]).exits(0);
    assert!(run.stderr.contains("newly allows nothing") && run.stderr.contains("serial 3"), "{run}");
    // What was signed in full is kept, and compared with, until the next issue is complete.
    let kept = fs::read_to_string(machine.work().join("policy/previous/vetted.toml")).unwrap();
    assert!(kept.contains("serial = 2"), "{kept}");
    machine.file("work/policy/vetted.toml", manifest(4, "").replace("enforce", "monitor"));
    let run = sign(&machine, "vetted.toml", "bob").exits(0);
    assert!(run.stderr.contains("vetted.toml 2 -> 4") && run.stderr.contains("newly allows nothing"), "{run}");
}

/// Whoever signs last finds a policy that nobody has to believe half of: a signature over other bytes is taken away.
#[test]
fn a_signature_of_other_bytes_is_taken_away() {
    let machine = machine();
    team(&machine);
    let folder = machine.work().join("policy");
    let text = manifest(2, "");
    machine.file("work/policy/vetted.toml", &text);
    sign(&machine, "vetted.toml", "alice").exits(0);
    let now = crate::support::NOW.parse().unwrap();
    let refused = verify_folder(Files, &folder, now, &State::new("acme"), &Floors::default()).unwrap_err();
    let alice: PathBuf = folder.join("vetted.toml.sigstore.json");
    assert!(alice.exists() && matches!(refused.refusal, Refusal::Threshold { .. }), "{:?}", refused.refusal);
    let forged = open_key(&machine, "carol").sign(text.as_bytes()).unwrap();
    fs::write(folder.join("vetted.toml.sigstore.jsonl"), forged + "\n").unwrap();
    let run = sign(&machine, "vetted.toml", "bob").exits(0);
    assert!(run.stderr.contains("nobody who counts: removed it"), "{run}");
    assert_eq!(believed(&machine), ["alice", "bob"]);
}
