//! Model weights on disk: Ollama, the Hugging Face cache, LM Studio. A sighting is one model under one tag or commit; its name is
//! the package, because the catalogue knows the stores and not every model.

use super::glob;
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
    /// Whether a file stands for a model, and not a folder.
    is_file: bool,
}

const OLLAMA: Store = Store { tool: "model-ollama-store", ecosystem: Ecosystem::Ollama, channel: Channel::Ollama, is_file: true };
const HUGGING_FACE: Store =
    Store { tool: "model-huggingface-cache", ecosystem: Ecosystem::HuggingFace, channel: Channel::HuggingFace, is_file: false };
const LM_STUDIO: Store =
    Store { tool: "model-lmstudio-store", ecosystem: Ecosystem::Generic, channel: Channel::LmStudio, is_file: false };

/// Find the models in every store.
pub(super) fn find(scan: &mut Scan<'_>) {
    ollama(scan);
    hugging_face(scan);
    lm_studio(scan);
}

/// `manifests/<host>/<namespace>/<model>/<tag>`: a JSON file that lists the digests of the weights, so that its own digest stands
/// for the model.
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
            add(scan, &OLLAMA, &full, Some(name), &tag);
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
            add(scan, &HUGGING_FACE, &name, Some(commit), &snapshot);
        }
    }
}

/// `models/<publisher>/<repository>/*.gguf`.
fn lm_studio(scan: &mut Scan<'_>) {
    let stores = [scan.in_home(".lmstudio/models"), scan.in_home(".cache/lm-studio/models")];
    for store in distinct(scan.files, stores.into_iter().flatten()) {
        let mut folders: Vec<PathBuf> = matches(scan, "lm-studio", &store, "*/*/*.gguf")
            .iter()
            .filter_map(|file| file.parent().map(Path::to_owned))
            .collect();
        folders.dedup();
        for folder in folders {
            let Ok(name) = folder.strip_prefix(&store) else { continue };
            let name = name.to_string_lossy().replace('\\', "/");
            add(scan, &LM_STUDIO, &name, None, &folder);
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

/// Put down one model: a file, or a folder.
fn add(scan: &mut Scan<'_>, store: &Store, name: &str, version: Option<&str>, path: &Path) {
    let Some(tool) = store.tool.parse::<ToolId>().ok().and_then(|id| scan.catalogue.tool(&id)) else {
        let why = format!("the catalogue has no tool `{}`", store.tool);
        scan.cover(store.channel.name(), path, CoverageOutcome::NotLooked(why));
        return;
    };
    let package = Package::new(store.ecosystem, name);
    let by = Identification::Layout;
    let draft = if store.is_file {
        let mut draft = Draft::new(tool, path.to_owned(), Extent::File, store.channel, by).of_package(package, version);
        match Program::look(scan.files, path) {
            Ok(program) => draft.add_program(program),
            Err(error) => draft.sighting.state = State::Unreadable(Unmeasured::Io(error.to_string())),
        }
        draft
    } else {
        Draft::new(tool, path.to_owned(), Extent::Folder, store.channel, by).of_package(package, version)
    };
    scan.add(draft);
}
