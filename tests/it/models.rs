//! Models in the stores of Ollama, Hugging Face and LM Studio: what one consists of, what an approval pins, and files that are not what
//! their names say.
#![cfg(unix)]

use crate::machine::Search;
use std::fs;
use std::path::Path;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Change, Difference, Extent, Measurement, Sighting, State, Unmeasured};
use vetted::gather::measure::{List, Measurer, Silent};
use vetted::manifest::{FileListRef, Installed, Shape};
use vetted::tool::ToolId;
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

fn hex(content: &[u8]) -> String {
    Digest::sha256_of(content).hex()
}

const WEIGHTS: &[u8] = b"GGUF weights";
const TEMPLATE: &[u8] = b"{{ .Prompt }}";

/// A model as `ollama pull` lays it down: a manifest, its configuration, weights and a template.
fn ollama() -> Search {
    let mut search = Search::new();
    search.env("OLLAMA_MODELS", "models");
    let config = b"{\"model_format\":\"gguf\"}";
    for blob in [&config[..], WEIGHTS, TEMPLATE] {
        search.machine.file(&format!("models/blobs/sha256-{}", hex(blob)), blob);
    }
    let layer = |content: &[u8]| serde_json::json!({ "digest": format!("sha256:{}", hex(content)), "size": content.len() });
    let manifest =
        serde_json::json!({ "schemaVersion": 2, "config": layer(config), "layers": [layer(WEIGHTS), layer(TEMPLATE)] });
    search.machine.file("models/manifests/registry.ollama.ai/library/llama3.2/1b", manifest.to_string());
    search
}

fn blob(search: &Search, content: &[u8]) -> std::path::PathBuf {
    search.at(&format!("models/blobs/sha256-{}", hex(content)))
}

/// What an approval pins of a sighting now, and what is measured of it later.
struct Approval {
    installed: Installed,
    list: List,
}

impl Approval {
    fn of(sighting: &Sighting) -> Self {
        let tree = measurer().tree_of(sighting).unwrap();
        let digests = DigestSet::from(Digest::sha256_of(tree.list.to_json().as_bytes()));
        let installed = Installed {
            platform: None,
            package: None,
            shape: Shape::Tree { include: Vec::new(), exclude: Vec::new() },
            digests: DigestSet::from(tree.digest),
            files: Some(FileListRef { path: "files.json".into(), digests }),
        };
        Self { installed, list: List::Files(tree.list) }
    }

    fn measure(&self, mut sighting: Sighting) -> Measurement {
        measurer().answer(&mut sighting, &self.installed, Some(Ok(&self.list)));
        sighting.measurements.remove(0)
    }

    fn holds(&self, sighting: Sighting) -> bool {
        let measured = self.measure(sighting);
        let digest = self.installed.digests.iter().next().cloned().unwrap();
        measured.difference.is_none() && measured.result == Ok(digest)
    }
}

fn difference(path: impl Into<String>, change: Change) -> Option<Difference> {
    Some(Difference { path: path.into(), change })
}

fn names(sighting: &Sighting) -> Vec<&str> {
    let Extent::Files(files) = &sighting.extent else { panic!("{:?}", sighting.extent) };
    files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn a_model_of_ollama_is_its_manifest_and_what_its_blobs_hold() {
    let search = ollama();
    let sighting = search.only();
    assert_eq!(names(&sighting).len(), 4);
    assert_eq!(names(&sighting)[0], "manifest");
    assert_eq!(sighting.state, State::Present);
    // Nobody asked for the weights: they are not read.
    assert_eq!(sighting.executables.len(), 1);
    let approval = Approval::of(&sighting);
    assert!(approval.holds(search.only()));
    // One flipped byte in the weights; the name stays.
    let weights = blob(&search, WEIGHTS);
    fs::write(&weights, b"GGUF weighte").unwrap();
    let name = format!("sha256-{}", hex(WEIGHTS));
    let measured = approval.measure(search.only());
    assert_eq!(measured.difference, difference(&name, Change::Changed));
    assert_ne!(measured.result.ok(), approval.installed.digests.iter().next().cloned());
    // Such a model cannot be approved in the first place.
    let refused = measurer().tree_of(&search.only()).unwrap_err();
    assert_eq!(refused, Unmeasured::NotItsName { name: name.clone(), found: hex(b"GGUF weighte") });
    // A layer that is gone is named, with and without an approval.
    fs::remove_file(&weights).unwrap();
    let sighting = search.only();
    assert!(matches!(&sighting.state, State::Unreadable(why) if why.to_string().contains(&name)), "{:?}", sighting.state);
    assert_eq!(approval.measure(sighting).difference, difference(&name, Change::Missing));
    // Another template in the manifest, with a blob of its own: the policy of a model is in there too.
    let search = ollama();
    let approval = Approval::of(&search.only());
    let manifest = search.at("models/manifests/registry.ollama.ai/library/llama3.2/1b");
    let text = fs::read_to_string(&manifest).unwrap().replace(&hex(TEMPLATE), &hex(b"other"));
    fs::write(&manifest, text).unwrap();
    search.machine.file(&format!("models/blobs/sha256-{}", hex(b"other")), "other");
    assert_eq!(approval.measure(search.only()).difference, difference("manifest", Change::Changed));
}

#[test]
fn a_manifest_that_lists_no_layers_or_odd_ones_is_said() {
    let search = ollama();
    let manifest = "models/manifests/registry.ollama.ai/library/llama3.2/1b";
    for (content, why) in [
        ("{}", "no layer"),
        ("{", "not JSON"),
        (r#"{"layers":[{"digest":"sha256:../../../etc/passwd"}]}"#, "without a SHA-256"),
        (r#"{"layers":[{"digest":"md5:0"}]}"#, "without a SHA-256"),
        (r#"{"layers":[{}]}"#, "without a SHA-256"),
    ] {
        search.machine.file(manifest, content);
        let state = search.only().state;
        assert!(matches!(&state, State::Unreadable(unread) if unread.to_string().contains(why)), "{content}: {state:?}");
    }
}

#[test]
fn a_revocation_by_digest_finds_weights_whatever_they_are_called() {
    let mut search = ollama();
    let id: ToolId = "revoked-file".parse().unwrap();
    search.catalogue.watch_for(Digest::sha256_of(WEIGHTS), &id).unwrap();
    let sighting = search.only();
    let finds = |sighting: &Sighting, content: &[u8]| {
        let wanted = DigestSet::from(Digest::sha256_of(content));
        sighting.executables.iter().any(|e| e.digests.as_ref().is_ok_and(|digests| digests.shares_any(&wanted)))
    };
    assert!(finds(&sighting, WEIGHTS));
    assert_eq!(sighting.state, State::Present);
    // Under the name of another blob: the bytes are found, and the name is said to be wrong.
    fs::write(blob(&search, WEIGHTS), b"harmless").unwrap();
    fs::write(blob(&search, TEMPLATE), WEIGHTS).unwrap();
    let sighting = search.only();
    assert!(finds(&sighting, WEIGHTS));
    assert!(matches!(sighting.state, State::Unreadable(Unmeasured::NotItsName { .. })), "{:?}", sighting.state);
    // The same of a snapshot and of a folder.
    search.env("HF_HOME", "hf");
    search.machine.file("hf/hub/models--a--b/snapshots/c1/model-00001.safetensors", WEIGHTS);
    search.machine.file("home/.lmstudio/models/a/b/c.gguf", WEIGHTS);
    let found = search.find().sightings;
    assert_eq!(found.iter().filter(|sighting| finds(sighting, WEIGHTS)).count(), 3);
}

/// `models--x--y` as the cache lays it out: blobs by their sums, snapshots of links.
fn hugging_face() -> Search {
    let mut search = Search::new();
    search.env("HF_HUB_CACHE", "hub");
    let repository = "hub/models--org--name";
    search.machine.file(&format!("{repository}/blobs/{}", hex(WEIGHTS)), WEIGHTS);
    search.machine.file(&format!("{repository}/blobs/0123456789012345678901234567890123456789"), "{}");
    let link = |name: &str, target: String| _ = search.link(&format!("{repository}/snapshots/c1/{name}"), target);
    link("model.safetensors", format!("../../blobs/{}", hex(WEIGHTS)));
    link("sub/config.json", "../../../blobs/0123456789012345678901234567890123456789".to_owned());
    search
}

#[test]
fn a_snapshot_is_what_its_links_lead_to_inside_its_repository() {
    let search = hugging_face();
    let sighting = search.only();
    assert_eq!(names(&sighting), ["model.safetensors", "sub/config.json"]);
    assert!(sighting.executables.is_empty(), "nobody asked for the weights");
    let approval = Approval::of(&sighting);
    assert!(approval.holds(search.only()));
    let list = match &approval.list {
        List::Files(list) => list,
        List::Packages(..) => unreachable!(),
    };
    assert!(list.links.is_empty() && list.files[0].name == "model.safetensors");
    // Copies in place of links are the same model: some systems have no links.
    let config = search.at("hub/models--org--name/snapshots/c1/sub/config.json");
    fs::remove_file(&config).unwrap();
    fs::write(&config, "{}").unwrap();
    assert!(approval.holds(search.only()));
    // A file more, a file less, other content.
    let extra = search.machine.file("hub/models--org--name/snapshots/c1/modeling.py", "evil()");
    assert_eq!(approval.measure(search.only()).difference, difference("modeling.py", Change::Extra));
    fs::remove_file(extra).unwrap();
    fs::write(&config, "{ }").unwrap();
    assert_eq!(approval.measure(search.only()).difference, difference("sub/config.json", Change::Changed));
    fs::remove_file(&config).unwrap();
    assert_eq!(approval.measure(search.only()).difference, difference("sub/config.json", Change::Missing));
    // A blob of a large file is called by its SHA-256.
    let search = hugging_face();
    fs::write(search.at(&format!("hub/models--org--name/blobs/{}", hex(WEIGHTS))), "other").unwrap();
    assert!(matches!(measurer().tree_of(&search.only()), Err(Unmeasured::NotItsName { .. })));
}

#[test]
fn a_link_out_of_the_repository_of_a_snapshot_is_refused_by_name() {
    for target in ["../../../models--other--name/blobs/x", "/etc/hostname", "../../../../secret"] {
        let search = hugging_face();
        search.machine.file("hub/models--other--name/blobs/x", "x");
        search.machine.file("secret", "s");
        search.link("hub/models--org--name/snapshots/c1/a.json", target);
        let found = search.find().sightings;
        let state = &found.iter().find(|s| s.package.as_ref().unwrap().name == "org/name").unwrap().state;
        let leads_out = matches!(state, State::Unreadable(Unmeasured::LeadsOut { name, .. }) if name == "a.json");
        assert!(leads_out || (target.starts_with("/etc") && !Path::new(target).exists()), "{target}: {state:?}");
    }
    let search = hugging_face();
    search.link("hub/models--org--name/snapshots/c1/gone", "../../blobs/gone");
    assert!(matches!(search.only().state, State::Unreadable(why) if why.to_string().contains("leads nowhere")));
    let search = hugging_face();
    search.link("hub/models--org--name/snapshots/c1/loop", ".");
    assert!(matches!(search.only().state, State::Unreadable(Unmeasured::Special { .. })));
}

#[test]
fn a_folder_of_lm_studio_is_measured_as_a_whole() {
    let search = Search::new();
    search.machine.file("home/.lmstudio/models/org/name/a.gguf", WEIGHTS);
    search.machine.file("elsewhere/b.gguf", "more");
    search.link("home/.lmstudio/models/org/name/b.gguf", search.at("elsewhere/b.gguf"));
    let sighting = search.only();
    assert_eq!((names(&sighting), &sighting.state), (vec!["a.gguf", "b.gguf"], &State::Present));
    let approval = Approval::of(&sighting);
    assert!(approval.holds(search.only()));
    // Part of a model by its globs, and one file of it.
    let mut installed = approval.installed.clone();
    installed.shape = Shape::Tree { include: vec!["*.gguf".to_owned()], exclude: vec!["b.*".to_owned()] };
    let mut sighting = search.only();
    measurer().answer(&mut sighting, &installed, None);
    installed.shape = Shape::File { path: "b.gguf".to_owned() };
    measurer().answer(&mut sighting, &installed, None);
    installed.shape = Shape::File { path: "../b.gguf".to_owned() };
    measurer().answer(&mut sighting, &installed, None);
    let [tree, file, outside] = &sighting.measurements[..] else { panic!() };
    let mut files = [vetted::digest::TreeFile {
        name: "a.gguf".to_owned(),
        sha256: *Digest::sha256_of(WEIGHTS).as_bytes().first_chunk().unwrap(),
    }];
    assert_eq!(tree.result, Ok(vetted::digest::dir_hash(&mut files).unwrap()));
    assert_eq!(file.result, Ok(Digest::sha256_of(b"more")));
    assert_eq!(outside.difference, difference("../b.gguf", Change::Missing));
    fs::write(search.at("elsewhere/b.gguf"), "less").unwrap();
    assert_eq!(approval.measure(search.only()).difference, difference("b.gguf", Change::Changed));
}
