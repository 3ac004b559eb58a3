//! Model weights on disk: Ollama, the Hugging Face cache, LM Studio. A sighting is one model under one tag or commit; its name is
//! the package, because the catalogue knows the stores and not every model.

use super::glob;
use super::model_files::{self, ModelFiles};
use super::program::Program;
use super::scan::{Draft, Scan, distinct};
use crate::evidence::{CoverageOutcome, Extent, Identification, State, Unmeasured};
use crate::tool::{Channel, Ecosystem, Package, ToolId};
use std::path::{Path, PathBuf};

/// Ollama's default host, which is left out of a model's name, as Ollama itself does.
const OLLAMA_HOST: &str = "registry.ollama.ai";

/// A kind of store.
struct Store {
    /// Its id in the catalogue.
    tool: &'static str,
    ecosystem: Ecosystem,
    channel: Channel,
}

const OLLAMA: Store = Store { tool: "model-ollama-store", ecosystem: Ecosystem::Ollama, channel: Channel::Ollama };
const HUGGING_FACE: Store =
    Store { tool: "model-huggingface-cache", ecosystem: Ecosystem::HuggingFace, channel: Channel::HuggingFace };
const LM_STUDIO: Store = Store { tool: "model-lmstudio-store", ecosystem: Ecosystem::Generic, channel: Channel::LmStudio };

/// Find the models in every store.
pub(super) fn find(scan: &mut Scan<'_>) {
    ollama(scan);
    hugging_face(scan);
    lm_studio(scan);
}

/// `manifests/<host>/<namespace>/<model>/<tag>`: a JSON file that lists the digests of the weights, which lie in `blobs` under them.
/// The names of those files are never believed: what is pinned of a model is the manifest and what its blobs hold.
fn ollama(scan: &mut Scan<'_>) {
    let env = &scan.world.env;
    let stores =
        [env.path("OLLAMA_MODELS"), scan.in_home(".ollama/models"), Some(PathBuf::from("/usr/share/ollama/.ollama/models"))];
    for store in distinct(scan.files, stores.into_iter().flatten()) {
        let manifests = store.join("manifests");
        for tag in matches(scan, "ollama", &manifests, "*/*/*/*") {
            let Some((host, namespace, model, name)) = last_four(&tag) else { continue };
            let full = match (host, namespace) {
                (OLLAMA_HOST, "library") => model.to_owned(),
                (OLLAMA_HOST, namespace) => format!("{namespace}/{model}"),
                (host, namespace) => format!("{host}/{namespace}/{model}"),
            };
            let model = model_files::of_ollama(scan.files, &store, &tag);
            add(scan, &OLLAMA, (&full, Some(name)), &tag, model);
        }
    }
}

fn last_four(path: &Path) -> Option<(&str, &str, &str, &str)> {
    let mut names = path.ancestors().map(|part| part.file_name()?.to_str());
    let (tag, model, namespace, host) = (names.next()??, names.next()??, names.next()??, names.next()??);
    Some((host, namespace, model, tag))
}

/// `models--<organisation>--<name>/snapshots/<commit>`.
fn hugging_face(scan: &mut Scan<'_>) {
    let env = &scan.world.env;
    let home = env.path("HF_HOME").or_else(|| env.path("XDG_CACHE_HOME").map(|c| c.join("huggingface")));
    let home = home.or_else(|| scan.in_home(".cache/huggingface"));
    let hub = [env.path("HF_HUB_CACHE"), env.path("HUGGINGFACE_HUB_CACHE"), home.map(|h| h.join("hub"))];
    for hub in distinct(scan.files, hub.into_iter().flatten()) {
        for snapshot in matches(scan, "hugging-face", &hub, "models--*/snapshots/*") {
            let folder = snapshot.parent().and_then(Path::parent).and_then(Path::file_name).and_then(|n| n.to_str());
            let commit = snapshot.file_name().and_then(|n| n.to_str());
            let (Some(folder), Some(commit)) = (folder, commit) else { continue };
            let name = folder.trim_start_matches("models--").replace("--", "/");
            // `models--x--y/snapshots/<commit>`: what a snapshot links to lies in the same `models--x--y`.
            let inside = snapshot.parent().and_then(Path::parent);
            let model = model_files::below(scan.files, &snapshot, inside);
            add(scan, &HUGGING_FACE, (&name, Some(commit)), &snapshot, model);
        }
    }
}

/// `models/<publisher>/<repository>/*.gguf`, or the pieces of an MLX model. People link models of other stores into it: where the
/// bytes lie makes no difference, because they are what is digested.
fn lm_studio(scan: &mut Scan<'_>) {
    let stores = [scan.in_home(".lmstudio/models"), scan.in_home(".cache/lm-studio/models")];
    for store in distinct(scan.files, stores.into_iter().flatten()) {
        let mut folders: Vec<PathBuf> = matches(scan, "lm-studio", &store, "*/*/*.{gguf,safetensors}")
            .iter()
            .filter_map(|file| file.parent().map(Path::to_owned))
            .collect();
        folders.dedup();
        for folder in folders {
            let Ok(name) = folder.strip_prefix(&store) else { continue };
            let name = name.to_string_lossy().replace('\\', "/");
            let model = model_files::below(scan.files, &folder, None);
            add(scan, &LM_STUDIO, (&name, None), &folder, model);
        }
    }
}

fn matches(scan: &mut Scan<'_>, source: &'static str, base: &Path, pattern: &str) -> Vec<PathBuf> {
    if scan.visit(source, base).is_none() {
        return Vec::new();
    }
    let matches = glob::expand(scan.files, base, pattern);
    for (place, error) in &matches.errors {
        scan.cover_error(source, place, error);
    }
    matches.paths
}

/// Put down one model: its name, its version, the file or folder that stands for it and what it consists of.
fn add(scan: &mut Scan<'_>, store: &Store, (name, version): (&str, Option<&str>), path: &Path, model: ModelFiles) {
    let Some(tool) = store.tool.parse::<ToolId>().ok().and_then(|id| scan.catalogue.tool(&id)) else {
        let why = format!("the catalogue has no tool `{}`", store.tool);
        scan.cover(store.channel.name(), path, CoverageOutcome::NotLooked(why));
        return;
    };
    let package = Package::new(store.ecosystem, name);
    let extent = Extent::Files(model.files.clone());
    let mut draft = Draft::new(tool, path.to_owned(), extent, store.channel, Identification::Layout).of_package(package, version);
    for file in &model.files {
        // Weights are large: they are digested where a revocation names files by digest, and else only for an approval of the model.
        let is_looked_for = model_files::is_weights(&file.name)
            && scan.files.stat(&file.path).is_ok_and(|stat| scan.catalogue.may_refuse_model_file(stat.size));
        if file.path == path || is_looked_for {
            match Program::look(scan.files, &file.path) {
                Ok(program) => draft.programs.push(program),
                Err(error) => draft.sighting.state = State::Unreadable(Unmeasured::Io(error.to_string())),
            }
        }
    }
    if let Some(why) = model.wrong {
        draft.sighting.state = State::Unreadable(why);
    }
    scan.add(draft);
}
