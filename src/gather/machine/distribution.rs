//! One `site-packages` folder: which distributions lie in it, what belongs to each, and who brought it.
//!
//! A distribution's name and version are those of its `METADATA`. `RECORD` only says which files are its own: installers rewrite
//! it, and so would an attacker, so no digest in it is believed.

use super::carried;
use super::scan::{Draft, Scan};
use super::startup;
use crate::catalogue::Tool;
use crate::evidence::{Carrier, CoverageOutcome, Extent, Identification, State, Unmeasured};
use crate::layout::wheel::{UNSTABLE, members as members_of_files};
use crate::tool::{Channel, Ecosystem, Os, Package};
use crate::world::files::{EntryKind, FileError, Files};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How much of `METADATA` is read for the name and the version, which stand at its head, in bytes.
const METADATA_HEAD: u64 = 4 * 1024;
/// The largest header of `METADATA` that is read for what a distribution requires, in bytes.
const MAX_METADATA: u64 = 256 * 1024;
/// The largest `RECORD` that is read, in bytes. The largest seen has three megabytes.
const MAX_RECORD: u64 = 32 * 1024 * 1024;

/// Where distributions lie.
pub(super) struct Environment {
    pub(super) source: &'static str,
    /// `site-packages`, without links.
    pub(super) site: PathBuf,
    /// Where launchers are.
    pub(super) bin: PathBuf,
    pub(super) channel: Channel,
    pub(super) requested: Requested,
}

/// How it is known which distributions were asked for by name.
#[derive(Debug, Clone)]
pub(super) enum Requested {
    /// A receipt names them.
    Named(Vec<String>),
    /// pip marks them with a file `REQUESTED`. uv marks all, which then says nothing.
    Marked,
    /// Nothing tells: those that no other one requires.
    Unknown,
}

/// A distribution's `dist-info` or `egg-info`.
#[derive(Debug, Clone)]
struct Distribution {
    package: Package,
    version: Option<String>,
    /// The folder with the metadata.
    info: PathBuf,
    /// Its name in `site-packages`.
    folder: String,
    /// Why the metadata could not be read; the name is then that of the folder.
    unreadable: Option<String>,
}

/// Find the tools in one `site-packages`.
pub(super) fn find(scan: &mut Scan<'_>, environment: &Environment) {
    let Some(entries) = scan.visit(environment.source, &environment.site) else { return };
    let files = scan.files;
    let is_info = |name: &str| name.ends_with(".dist-info") || name.ends_with(".egg-info");
    let infos: Vec<String> = entries
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::Folder | EntryKind::Link))
        .map(|entry| entry.name.to_string_lossy().into_owned())
        .filter(|name| is_info(name))
        .collect();
    let distributions: Vec<Distribution> =
        infos.iter().filter_map(|name| read_distribution(files, &environment.site, name)).collect();
    let tools: Vec<(&Distribution, &Tool)> =
        distributions.iter().filter_map(|d| Some((d, scan.catalogue.by_package(&d.package)?))).collect();
    let carriers = carriers(files, environment, &distributions, &tools);
    if tools.is_empty() {
        return;
    }
    let why = "byte code in `__pycache__` is not compared with its source; what Python loads of it is what somebody wrote there";
    scan.cover_source("python-byte-code", CoverageOutcome::Unsupported(why.to_owned()));
    let strangers = startup::strangers(files, &environment.site, environment.channel, &entries);
    for (distribution, tool) in tools {
        let index = add(scan, environment, distribution, tool, carriers.get(&distribution.package.name).cloned());
        scan.drafts[index].sighting.strangers.clone_from(&strangers);
    }
}

fn read_distribution(files: Files, site: &Path, folder: &str) -> Option<Distribution> {
    let info = site.join(folder);
    let name = if folder.ends_with(".dist-info") { "METADATA" } else { "PKG-INFO" };
    let by_folder = |why: String| {
        let (base, _) = folder.rsplit_once('.')?;
        let name = base.split('-').next()?;
        Some(Distribution {
            package: Package::new(Ecosystem::Pypi, name),
            version: None,
            info: info.clone(),
            folder: folder.to_owned(),
            unreadable: Some(why),
        })
    };
    let text = match read_head(files, &info.join(name), METADATA_HEAD) {
        Ok(text) => text,
        Err(error) => return by_folder(error.to_string()),
    };
    let field = |key: &str| header(&text).find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    let Some(name) = field("Name") else { return by_folder("its metadata has no name".to_owned()) };
    Some(Distribution {
        package: Package::new(Ecosystem::Pypi, name),
        version: field("Version").map(str::to_owned),
        info: info.clone(),
        folder: folder.to_owned(),
        unreadable: None,
    })
}

/// The beginning of a file: the description that follows the header may be long and is of no use.
fn read_head(files: Files, path: &Path, limit: u64) -> Result<String, FileError> {
    let (file, _) = files.open(path)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(|source| FileError::Io { action: "read", path: path.to_owned(), source })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The fields of a metadata header (core metadata: an e-mail header), up to the first empty line.
fn header(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().take_while(|line| !line.trim().is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        (!name.starts_with([' ', '\t'])).then(|| (name.trim(), value.trim()))
    })
}

/// For each tool that nobody asked for by name: which distribution that somebody asked for requires it.
fn carriers(
    files: Files,
    environment: &Environment,
    distributions: &[Distribution],
    tools: &[(&Distribution, &Tool)],
) -> BTreeMap<String, Carrier> {
    let mut carriers = BTreeMap::new();
    let asked = match &environment.requested {
        Requested::Named(names) => names.iter().cloned().collect(),
        Requested::Marked => marked(files, distributions),
        Requested::Unknown => BTreeSet::new(),
    };
    let is_asked_for = |tool: &Distribution| asked.contains(&tool.package.name);
    if tools.iter().all(|(distribution, _)| is_asked_for(distribution)) {
        return carriers;
    }
    let requires: BTreeMap<&str, Vec<String>> =
        distributions.iter().map(|d| (d.package.name.as_str(), required(files, d))).collect();
    let roots: Vec<&str> = if asked.is_empty() {
        let needed: HashSet<&str> = requires.values().flatten().map(String::as_str).collect();
        requires.keys().copied().filter(|name| !needed.contains(name)).collect()
    } else {
        asked.iter().map(String::as_str).collect()
    };
    for root in &roots {
        let Some(carrier) = distributions.iter().find(|d| d.package.name == *root) else { continue };
        let mut passed: HashSet<&str> = HashSet::from([*root]);
        let mut queue = VecDeque::from([*root]);
        while let Some(name) = queue.pop_front() {
            for next in requires.get(name).into_iter().flatten() {
                if passed.insert(next) {
                    queue.push_back(next);
                }
            }
        }
        for (tool, _) in tools.iter().filter(|(tool, _)| !roots.contains(&tool.package.name.as_str())) {
            if passed.contains(tool.package.name.as_str()) {
                let by = Carrier { package: carrier.package.clone(), version: carrier.version.clone() };
                carriers.entry(tool.package.name.clone()).or_insert(by);
            }
        }
    }
    carriers
}

/// The distributions that pip marked as asked for; all of them where the marks say nothing.
fn marked(files: Files, distributions: &[Distribution]) -> BTreeSet<String> {
    let has_mark = |d: &&Distribution| files.lstat(&d.info.join("REQUESTED")).is_ok();
    let marked: BTreeSet<String> = distributions.iter().filter(has_mark).map(|d| d.package.name.clone()).collect();
    if marked.is_empty() { distributions.iter().map(|d| d.package.name.clone()).collect() } else { marked }
}

/// What a distribution requires without extras.
fn required(files: Files, distribution: &Distribution) -> Vec<String> {
    let name = if distribution.folder.ends_with(".dist-info") { "METADATA" } else { "PKG-INFO" };
    let Ok(text) = read_head(files, &distribution.info.join(name), MAX_METADATA) else { return Vec::new() };
    header(&text)
        .filter(|(key, value)| key.eq_ignore_ascii_case("Requires-Dist") && !value.contains("extra =="))
        .filter_map(|(_, value)| {
            let end = value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(value.len());
            (end > 0).then(|| Package::new(Ecosystem::Pypi, &value[..end]).name)
        })
        .collect()
}

fn add(scan: &mut Scan<'_>, environment: &Environment, distribution: &Distribution, tool: &Tool, by: Option<Carrier>) -> usize {
    let site = &environment.site;
    let include = members(scan.files, site, distribution);
    let exclude = UNSTABLE.map(str::to_owned).to_vec();
    let extent = Extent::Members { include, exclude };
    let mut draft = Draft::new(tool, site.clone(), extent, environment.channel, Identification::Metadata)
        .of_package(distribution.package.clone(), distribution.version.as_deref())
        .brought_by(by);
    if let Some(why) = &distribution.unreadable {
        draft.sighting.state = State::Unreadable(Unmeasured::Io(why.clone()));
        draft.sighting.identified_by = Identification::Layout;
    }
    let index = scan.add(draft);
    for launcher in launchers(scan, environment, distribution) {
        scan.own_launcher(index, launcher);
    }
    let folders = vec![site.clone()];
    carried::add(scan, environment.source, &carried::Carrier { draft: index, folders, manifest: None });
    index
}

/// The scripts that installers wrote for a distribution's commands.
fn launchers(scan: &Scan<'_>, environment: &Environment, distribution: &Distribution) -> Vec<PathBuf> {
    let bytes = scan.files.read(&distribution.info.join("entry_points.txt"), MAX_METADATA).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let ending = if scan.world.env.os == Os::Windows { ".exe" } else { "" };
    let is_plain = |name: &&str| !name.is_empty() && !name.contains(['/', '\\']) && *name != "..";
    console_scripts(&text)
        .filter(is_plain)
        .filter_map(|name| scan.files.canonical(&environment.bin.join(format!("{name}{ending}"))).ok())
        .take(super::program::MAX_PROGRAMS)
        .collect()
}

/// The names in the section `[console_scripts]` of an `entry_points.txt`.
fn console_scripts(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with('[') {
            inside = line == "[console_scripts]";
            return None;
        }
        if inside { line.split_once('=').map(|(name, _)| name.trim()) } else { None }
    })
}

/// The globs of what belongs to a distribution, from its list of files.
fn members(files: Files, site: &Path, distribution: &Distribution) -> Vec<String> {
    let info = format!("{}/**", globset::escape(&distribution.folder));
    let record = files.read(&distribution.info.join("RECORD"), MAX_RECORD).unwrap_or_default();
    let mut include = members_of_record(&String::from_utf8_lossy(&record));
    if include.is_empty() {
        // No list: the folder or the module of the distribution's own name.
        let name = distribution.package.name.replace('-', "_");
        for candidate in [name.clone(), format!("{name}.py")] {
            match files.lstat(&site.join(&candidate)).map(|stat| stat.kind) {
                Ok(EntryKind::Folder) => include.push(format!("{candidate}/**")),
                Ok(EntryKind::File) => include.push(candidate),
                _ => {}
            }
        }
    }
    if !include.contains(&info) {
        include.push(info);
    }
    include.sort();
    include
}

/// The globs of what a list of files names, as those of a wheel are.
fn members_of_record(record: &str) -> Vec<String> {
    members_of_files(&record.lines().filter_map(record_path).filter(|path| is_inside(path)).collect())
}

/// The path in a line of `RECORD`, which is CSV: in quotes where it holds a comma.
fn record_path(line: &str) -> Option<String> {
    match line.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.rfind("\",")?;
            Some(quoted[..end].replace("\"\"", "\""))
        }
        None => line.split(',').next().filter(|path| !path.is_empty()).map(|path| path.replace('\\', "/")),
    }
}

fn is_inside(path: &str) -> bool {
    !path.starts_with('/') && !path.contains(':') && path.split('/').all(|part| !part.is_empty() && part != ".." && part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_belongs_to_a_distribution() {
        let record = "../../../bin/x,sha256=a,1\npkg/__init__.py,,\npkg/sub/a.py,,\npkg/__pycache__/a.pyc,,\n\
                      google/genai/__init__.py,,\ngoogle/genai/x.py,,\nsingle.py,,\npkg-1.0.dist-info/RECORD,,\n\
                      __pycache__/single.cpython-311.pyc,,\n\"odd,[name].py\",,\n/etc/passwd,,\n";
        assert_eq!(
            members_of_record(record),
            ["google/genai/**", "odd,[[]name[]].py", "pkg-1.0.dist-info/**", "pkg/**", "single.py"]
        );
    }

    #[test]
    fn headers_end_at_the_first_empty_line() {
        let text = "Metadata-Version: 2.4\nName: a\n continued: x\nVersion: 1\n\nName: b\n";
        let names: Vec<_> = header(text).filter(|(name, _)| *name == "Name").map(|(_, value)| value).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn only_console_scripts_are_launchers() {
        let text = "[console_scripts]\nllm = llm.cli:cli\n b=c:d\n\n[other]\nx = y\n";
        assert_eq!(console_scripts(text).collect::<Vec<_>>(), ["llm", "b"]);
    }
}
