//! The index of a large manifest, in real runs: it changes what a check costs and nothing that it says.

use crate::office::{Office, manifest_text, now};
use crate::support::{Machine, Run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use vetted::digest::Digest;
use vetted::manifest::Manifest;
use vetted::manifest::index::FORMAT;
use vetted::tool::Os;
use vetted::world::World;
use vetted::world::env::Env;
use vetted::world::files::Files;
use vetted::world::index_cache::IndexCache;

/// A program that is approved, and large enough to be looked for by its bytes.
fn program() -> Vec<u8> {
    b"an approved program\n".repeat(60_000)
}

/// Approvals of 600 versions, one of them of [`program`].
fn approvals() -> String {
    let mut text =
        "[[tool]]\nid = \"acme-agent\"\n[tool.recognise]\nvendor = \"acme\"\nkind = \"cli\"\nbinaries = [\"acme-agent\"]\n"
            .to_owned();
    for version in 0..600 {
        let digest = if version == 321 { Digest::sha256_of(&program()) } else { Digest::sha256_of(&[1, (version % 256) as u8]) };
        text += &format!(
            "[[tool.approval]]\nversion = \"1.{version}.0\"\n[[tool.approval.artifact]]\nrole = \"installed\"\ntype = \"file\"\n\
             digest = {{ sha256 = \"{}\" }}\n",
            digest.hex()
        );
    }
    text
}

/// A machine with the program under a name that says nothing, and a policy folder with a large manifest.
fn large() -> (Machine, Office) {
    let (machine, office) = (Machine::new(), Office::new());
    machine.executable("bin/notes", program());
    office.manifest(43, &approvals());
    office.revocations(90211, "");
    (machine, office)
}

fn check(machine: &Machine, office: &Office) -> Run {
    let folder = office.folder.path().to_str().unwrap().to_owned();
    machine.vetted(&["check", "--format", "json", "--policy", &folder])
}

fn kept(machine: &Machine) -> Vec<PathBuf> {
    let folder = machine.home().join(".cache/vetted/manifests");
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn approved(run: &Run) -> Vec<(String, String)> {
    let report = run.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let verdicts = report["verdicts"].as_array().unwrap_or_else(|| panic!("{run}"));
    let ours = verdicts.iter().filter(|verdict| verdict.to_string().contains("acme-agent"));
    ours.map(|verdict| (text(&verdict["verdict"]), verdict.to_string())).collect()
}

/// The index of another manifest in the place of the one of this document: what only this user's own programs can do.
fn forge(machine: &Machine, office: &Office, other: &str) {
    let manifest = Manifest::parse(Path::new("vetted.toml"), other.as_bytes()).unwrap();
    let env = Env::of_pairs([("HOME", machine.home())], Path::new("/"), Os::Linux);
    let cache = IndexCache::of(&World { now: now(), env, files: Files });
    let document = Digest::sha256_of(&fs::read(office.path("vetted.toml")).unwrap());
    assert!(cache.store(Files, &document, FORMAT, manifest.to_index().unwrap()).unwrap());
}

#[test]
fn a_check_says_the_same_with_an_index_and_without() {
    let (machine, office) = large();
    let first = check(&machine, &office).exits(0);
    let [path] = &kept(&machine)[..] else { panic!("one index: {:?}", kept(&machine)) };
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::metadata(path).unwrap().modified().unwrap();
    let again = check(&machine, &office).exits(0);
    assert_eq!(again.stdout, first.stdout);
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), before, "it is written once");
    let [(verdict, text)] = &approved(&again)[..] else { panic!("{again}") };
    assert!(verdict == "approved" && text.contains("1.321.0"), "{again}");
}

/// It is really read: a forged one is believed, because who can write it can write everything of this user. In CI none is.
#[test]
fn only_this_users_own_programs_can_say_what_is_in_it_and_in_ci_nobody() {
    let (mut machine, office) = large();
    let first = check(&machine, &office).exits(0);
    forge(&machine, &office, &manifest_text(43, ""));
    let forged = check(&machine, &office);
    assert_eq!(approved(&forged).len(), 0, "the file of no approval is not looked for\n{forged}");
    machine.env("CI", "true");
    let in_ci = check(&machine, &office).exits(0);
    assert_eq!(approved(&in_ci), approved(&first));
}

#[test]
fn in_ci_and_for_a_small_manifest_none_is_kept() {
    let (mut machine, office) = large();
    machine.env("CI", "true");
    check(&machine, &office).exits(0);
    assert!(kept(&machine).is_empty());
    let machine = Machine::new();
    let office = Office::new();
    check(&machine, &office).exits(0);
    assert!(kept(&machine).is_empty());
}

#[test]
fn a_damaged_foreign_or_open_index_is_ignored_and_made_anew() {
    let (machine, office) = large();
    let first = check(&machine, &office).exits(0);
    let [path] = &kept(&machine)[..] else { panic!("one index") };
    let whole = fs::read(path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let damages: [&dyn Fn(); 8] = [
        &|| fs::write(path, b"").unwrap(),
        &|| fs::write(path, &whole[..whole.len() / 2]).unwrap(),
        &|| fs::write(path, flipped(40)).unwrap(),
        &|| fs::write(path, flipped(whole.len() - 100)).unwrap(),
        &|| fs::write(path, flipped(whole.len() - 1)).unwrap(),
        &|| fs::write(path, [&whole[..], &whole[..]].concat()).unwrap(),
        &|| fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap(),
        &|| {
            fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        },
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage();
        assert_eq!(check(&machine, &office).exits(0).stdout, first.stdout, "damage {number}");
        assert_eq!(fs::read(path).unwrap(), whole, "damage {number}: made anew");
        assert_eq!(fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "damage {number}");
    }
}

/// The bytes are digested and the signatures verified in every run: an index vouches for nothing.
#[test]
fn an_index_takes_the_place_of_parsing_and_of_nothing_else() {
    let (machine, office) = large();
    check(&machine, &office).exits(0);
    assert_eq!(kept(&machine).len(), 1);
    let text = fs::read_to_string(office.path("vetted.toml")).unwrap();
    let signatures = fs::read(office.path("vetted.toml.sigstore.jsonl")).unwrap();

    fs::write(office.path("vetted.toml"), text.replace("mode = \"enforce\"", "mode = \"monitor\"")).unwrap();
    let changed = check(&machine, &office).exits(3);
    assert!(
        changed.stderr.contains("0 of 2 signatures") && changed.stderr.contains("the signature is of other bytes"),
        "{changed}"
    );

    office.put("vetted.toml", &text, &["alice"]);
    let one = check(&machine, &office).exits(3);
    assert!(one.stderr.contains("1 of 2 signatures"), "{one}");
    office.put("vetted.toml", &text, &["alice", "dan"]);
    let not_hers = check(&machine, &office).exits(3);
    assert!(not_hers.stderr.contains("1 of 2 signatures"), "{not_hers}");
    fs::remove_file(office.path("vetted.toml.sigstore.jsonl")).unwrap();
    let none = check(&machine, &office).exits(3);
    assert!(none.stderr.contains("is not signed"), "{none}");
    fs::write(office.path("vetted.toml.sigstore.jsonl"), &signatures).unwrap();
    check(&machine, &office).exits(0);

    // A newer one is believed, and the older one is then refused although its index is still kept.
    office.manifest(44, &approvals());
    office.revocations(90212, "");
    check(&machine, &office).exits(0);
    assert_eq!(kept(&machine).len(), 2);
    fs::write(office.path("vetted.toml"), &text).unwrap();
    fs::write(office.path("vetted.toml.sigstore.jsonl"), &signatures).unwrap();
    let older = check(&machine, &office).exits(3);
    assert!(older.stderr.contains("is older than it may be"), "{older}");
}

/// The other commands look at approvals as well.
#[test]
fn every_command_answers_from_an_index_as_from_the_text() {
    let (machine, office) = large();
    let folder = office.folder.path().to_str().unwrap().to_owned();
    let commands: [&[&str]; 3] =
        [&["explain", "acme-agent"], &["scan", "--format", "json"], &["policy", "explain", "acme-agent"]];
    let all = || commands.map(|command| machine.vetted(&[command, &["--policy", &folder][..]].concat()).exits(0).stdout);
    check(&machine, &office).exits(0);
    let with = all();
    assert!(with.iter().all(|text| text.contains("1.321.0")), "{with:?}");
    fs::remove_dir_all(machine.home().join(".cache/vetted/manifests")).unwrap();
    let cache = machine.file("home/.cache/vetted/manifests", "a file in the place of the folder");
    for ((command, with), without) in commands.iter().zip(with).zip(all()) {
        assert!(with == without, "{command:?}\n{with}\n{without}");
    }
    assert!(cache.is_file(), "nothing could be kept there");
}
