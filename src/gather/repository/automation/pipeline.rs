//! GitLab's pipelines, and those of other services: jobs with scripts and images.

use super::command::{Variables, mentions_in_node_with, mentions_of_package};
use crate::evidence::{Coverage, CoverageOutcome, Role};
use crate::gather::repository::document::{Node, Value, clipped, yaml};
use crate::gather::repository::{Format, Reading, Source, has_name};
use crate::tool::Ecosystem;
use std::path::Path;

/// GitLab's pipelines.
pub(in crate::gather::repository) const GITLAB: Format = Format::named("GitLab CI", is_gitlab, read_gitlab);

/// What a pipeline of GitLab may include from a folder of its own. Such files may be anything else.
pub(in crate::gather::repository) const GITLAB_PARTS: Format =
    Format { is_told_by_name: false, ..Format::named("GitLab CI", is_part, read_part) };

/// The pipelines and tasks of others.
pub(in crate::gather::repository) const OTHERS: Format = Format::named("pipeline", is_other, read_other);

/// Keys whose texts are scripts, by what other services and task runners call them.
const SCRIPTS: [&str; 21] = [
    "script",
    "scripts",
    "before_script",
    "after_script",
    "run",
    "command",
    "commands",
    "cmd",
    "cmds",
    "sh",
    "bash",
    "pwsh",
    "powershell",
    "install",
    "before_install",
    "pre_build",
    "build",
    "post_build",
    "before_deploy",
    "after_success",
    "status",
];
/// Keys whose texts are images.
const IMAGES: [&str; 3] = ["image", "container", "docker"];

fn is_gitlab(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let is_yaml = Path::new(&name).extension().is_some_and(|end| end == "yml" || end == "yaml");
    let is_in_folder = path.components().any(|part| part.as_os_str() == ".gitlab")
        && path.components().any(|part| part.as_os_str() == "ci" || part.as_os_str() == "templates");
    name.ends_with(".gitlab-ci.yml") || name.ends_with(".gitlab-ci.yaml") || (is_yaml && is_in_folder)
}

fn is_part(path: &Path) -> bool {
    const FOLDERS: [&str; 5] = [".gitlab", ".gitlab-ci", "gitlab-ci", "ci", ".ci"];
    let is_yaml = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"));
    let mut folders = path.parent().into_iter().flat_map(Path::iter);
    is_yaml && !is_gitlab(path) && folders.any(|folder| FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known)))
}

fn read_part(source: &Source<'_>) -> Reading {
    let is_readable = yaml::parse_all(source.bytes).is_ok();
    if is_readable { read_gitlab(source) } else { Reading::default() }
}

fn is_other(path: &Path) -> bool {
    const NAMES: [&str; 22] = [
        "Taskfile.yml",
        "Taskfile.yaml",
        "Taskfile.dist.yml",
        "Taskfile.dist.yaml",
        "azure-pipelines.yml",
        "azure-pipelines.yaml",
        "bitbucket-pipelines.yml",
        ".travis.yml",
        ".drone.yml",
        ".woodpecker.yml",
        ".woodpecker.yaml",
        "buildspec.yml",
        "cloudbuild.yaml",
        "cloudbuild.yml",
        "appveyor.yml",
        ".appveyor.yml",
        "lefthook.yml",
        ".lefthook.yml",
        "lefthook.yaml",
        "lefthook-local.yml",
        ".cirrus.yml",
        ".gitpod.yml",
    ];
    let folder = path.parent().and_then(Path::file_name);
    let is_yaml = path.extension().is_some_and(|end| end == "yml" || end == "yaml");
    has_name(path, &NAMES)
        || (is_yaml && folder.is_some_and(|folder| folder == ".circleci" || folder == ".buildkite" || folder == ".woodpecker"))
}

fn read_gitlab(source: &Source<'_>) -> Reading {
    let documents = match yaml::parse_all(source.bytes) {
        Ok(documents) => documents,
        Err(error) => return Reading::unreadable(source, "YAML", &error),
    };
    let mut reading = Reading::default();
    for root in &documents {
        if let Some(include) = root.member("include") {
            not_followed(source, &include.value, &mut reading);
        }
        entry(source, root, root, &mut reading);
        for job in root.members() {
            if job.key != "include" && job.key != "variables" && job.key != "spec" {
                entry(source, root, &job.value, &mut reading);
            }
        }
    }
    reading
}

/// A job, or what stands for all of them.
fn entry(source: &Source<'_>, root: &Node, job: &Node, reading: &mut Reading) {
    let mut variables = Variables::default();
    for member in [root, job].iter().filter_map(|level| level.get("variables")).flat_map(Node::members) {
        let value = member.value.get("value").unwrap_or(&member.value);
        variables.set(&member.key, value.scalar().unwrap_or_default());
    }
    let scripts = |source: &Source<'_>, node: &Node, reading: &mut Reading| scripts_with(source, node, &variables, reading);
    for key in ["script", "before_script", "after_script"] {
        if let Some(node) = job.get(key) {
            scripts(source, node, reading);
        }
    }
    if let Some(node) = job.get("image") {
        image(source, node, reading);
    }
    for service in job.get("services").map(Node::items).unwrap_or_default() {
        image(source, service, reading);
    }
    // `run:` has steps (GitLab 17), `hooks` a script before the sources are there.
    for step in job.get("run").map(Node::items).unwrap_or_default() {
        if let Some(script) = step.get("script") {
            scripts(source, script, reading);
        }
    }
    if let Some(node) = job.at(&["hooks", "pre_get_sources_script"]) {
        scripts(source, node, reading);
    }
}

/// What an `include` brings from elsewhere is not here to be read. Local files are read under their own names.
fn not_followed(source: &Source<'_>, include: &Node, reading: &mut Reading) {
    let items = match &include.value {
        Value::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(include),
    };
    let elsewhere: Vec<&str> = items
        .iter()
        .filter_map(|item| {
            let key = ["remote", "project", "template", "component"].into_iter().find_map(|key| item.get(key));
            // A file of the repository is read where it lies, if its name says what it is.
            let is_read = |text: &&str| {
                let path = Path::new(text.trim_start_matches('/'));
                is_gitlab(path) || is_part(path)
            };
            let local = item.get("local").unwrap_or(item).text().filter(|text| !is_read(text));
            key.and_then(Node::text).or(local)
        })
        .collect();
    if let Some(first) = elsewhere.first() {
        let more = if elsewhere.len() > 1 { format!(" and {} more", elsewhere.len() - 1) } else { String::new() };
        let why = format!("what it includes from elsewhere is not read: {}{more}", clipped(first));
        reading.coverage.push(Coverage {
            source: "repository-files".into(),
            place: Some(source.path.to_owned()),
            outcome: CoverageOutcome::Unsupported(why),
        });
    }
}

/// A script, or a list of them in lists.
pub(super) fn scripts(source: &Source<'_>, node: &Node, reading: &mut Reading) {
    scripts_with(source, node, &Variables::default(), reading);
}

fn scripts_with(source: &Source<'_>, node: &Node, variables: &Variables, reading: &mut Reading) {
    match &node.value {
        Value::Text(_) => reading.mentions.extend(mentions_in_node_with(source, node, variables)),
        Value::Array(items) => items.iter().for_each(|item| scripts_with(source, item, variables, reading)),
        _ => {}
    }
}

fn image(source: &Source<'_>, node: &Node, reading: &mut Reading) {
    let node = node.get("name").or_else(|| node.get("image")).unwrap_or(node);
    if let Some(text) = node.text() {
        reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, text, node.line, &Role::Container));
    }
}

fn read_other(source: &Source<'_>) -> Reading {
    let documents = match yaml::parse_all(source.bytes) {
        Ok(documents) => documents,
        Err(error) => return Reading::unreadable(source, "YAML", &error),
    };
    let mut reading = Reading::default();
    for root in &documents {
        walk(source, root, &mut reading);
    }
    reading
}

/// Every script and every image, however deep. The parser has limited the depth.
fn walk(source: &Source<'_>, node: &Node, reading: &mut Reading) {
    for member in node.members() {
        if SCRIPTS.contains(&member.key.as_str()) {
            scripts(source, &member.value, reading);
        }
        if IMAGES.contains(&member.key.as_str()) {
            // A key `image` below is met by itself.
            let named = std::iter::once(&member.value).filter(|value| value.get("image").is_none());
            let items = member.value.items().iter().filter(|item| item.text().is_some());
            named.chain(items).for_each(|node| image(source, node, reading));
        }
        walk(source, &member.value, reading);
    }
    node.items().iter().for_each(|item| walk(source, item, reading));
}
