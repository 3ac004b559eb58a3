//! GitHub workflows and composite actions, which Forgejo and Gitea read too.
//!
//! An action that runs an agent chooses the agent's version itself, whatever the action is pinned by: one commit of
//! `anthropics/claude-code-action` installs the version that its own `action.yml` names, `openai/codex-action` and
//! `google-github-actions/run-gemini-cli` the newest unless they are told. So two things are said of such a step: the action, and the
//! agent that comes with it.

use super::command::{Variables, floating, mention, mentions_in_node_with, mentions_of_package};
use crate::catalogue::Tool;
use crate::evidence::{Request, Role};
use crate::gather::repository::document::{Member, Node, clipped, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};
use crate::tool::{Ecosystem, Package};
use crate::version::{Scheme, Version};
use std::path::Path;

/// Workflows.
pub(in crate::gather::repository) const WORKFLOWS: Format = Format::named("workflow", is_workflow, read_workflow);

/// Actions of the repository itself. Other files have that name too.
pub(in crate::gather::repository) const ACTIONS: Format =
    Format { is_told_by_name: false, ..Format::named("action", is_action, read_action) };

/// Who is told the version of an agent, and how: an input of the step, a variable of its environment.
struct Told {
    tool: &'static str,
    inputs: &'static [&'static str],
    variables: &'static [&'static str],
    /// What is installed when nobody says.
    unless: &'static str,
}

const TOLD: [Told; 2] = [
    Told { tool: "openai-codex", inputs: &["codex-version"], variables: &[], unless: "latest" },
    Told { tool: "gemini-cli", inputs: &["gemini_cli_version"], variables: &["GEMINI_CLI_VERSION"], unless: "latest" },
];

fn is_workflow(place: &Place<'_>) -> bool {
    let is_yaml = matches!(place.ending(), "yml" | "yaml");
    let mut folders = place.parent().into_iter().flat_map(Path::components).rev().map(std::path::Component::as_os_str);
    let is_in = |name: Option<&std::ffi::OsStr>, wanted: &[&str]| {
        name.is_some_and(|name| wanted.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)))
    };
    is_yaml && is_in(folders.next(), &["workflows"]) && is_in(folders.next(), &[".github", ".forgejo", ".gitea"])
}

fn is_action(place: &Place<'_>) -> bool {
    place.is_called(&["action.yml", "action.yaml"])
}

fn read_workflow(source: &Source<'_>) -> Reading {
    let root = match yaml::parse(source.bytes) {
        Ok(root) => root,
        Err(error) => return Reading::unreadable(source, "YAML", &error),
    };
    let mut reading = Reading::default();
    let inputs = ["workflow_call", "workflow_dispatch"].iter().find_map(|event| root.at(&["on", event, "inputs"]));
    for job in root.get("jobs").map(Node::members).unwrap_or_default() {
        let env = [root.get("env"), job.value.get("env")];
        let variables = variables_of(&env, job.value.at(&["strategy", "matrix"]), inputs);
        read_job(source, &job.value, &env, &variables, &mut reading);
    }
    reading
}

fn read_action(source: &Source<'_>) -> Reading {
    let root = match yaml::parse(source.bytes) {
        Ok(root) => root,
        // What is no action at all is none of ours.
        Err(error) if memchr::memmem::find(source.bytes, b"runs:").is_some() => {
            return Reading::unreadable(source, "YAML", &error);
        }
        Err(_) => return Reading::default(),
    };
    let mut reading = Reading::default();
    let Some(runs) = root.get("runs") else { return reading };
    if let Some(image) = runs.get("image") {
        image_of(source, image, &mut reading);
    }
    for step in runs.get("steps").map(Node::items).unwrap_or_default() {
        let variables = variables_of(&[step.get("env")], None, root.get("inputs"));
        read_step(source, step, &[], &variables, &mut reading);
    }
    reading
}

fn read_job(source: &Source<'_>, job: &Node<'_>, env: &[Option<&Node<'_>>], variables: &Variables, reading: &mut Reading) {
    // A workflow of another repository.
    if let Some(uses) = job.member("uses") {
        read_uses(source, uses, job, env, reading);
    }
    if let Some(container) = job.get("container") {
        image_of(source, container.get("image").unwrap_or(container), reading);
    }
    for service in job.get("services").map(Node::members).unwrap_or_default() {
        if let Some(image) = service.value.get("image") {
            image_of(source, image, reading);
        }
    }
    for step in job.get("steps").map(Node::items).unwrap_or_default() {
        read_step(source, step, env, variables, reading);
    }
}

/// What the file itself says that its variables hold: `env` at each level, and every cell of a job's matrix.
fn variables_of(env: &[Option<&Node<'_>>], matrix: Option<&Node<'_>>, inputs: Option<&Node<'_>>) -> Variables {
    let mut variables = Variables::default();
    let mut set = |name: &str, node: &Node<'_>| {
        for node in std::iter::once(node).chain(node.items()) {
            if let Some(text) = node.scalar() {
                variables.set(name, text);
            }
        }
    };
    for member in env.iter().copied().flatten().flat_map(Node::members) {
        set(&member.key, &member.value);
    }
    for axis in matrix.map(Node::members).unwrap_or_default() {
        set(&format!("matrix.{}", axis.key), &axis.value);
        for cell in axis.value.items().iter().flat_map(Node::members) {
            set(&format!("matrix.{}", cell.key), &cell.value);
            set(&format!("matrix.{}.{}", axis.key, cell.key), &cell.value);
        }
    }
    for input in inputs.map(Node::members).unwrap_or_default() {
        if let Some(default) = input.value.get("default") {
            set(&format!("inputs.{}", input.key), default);
        }
    }
    variables
}

fn image_of(source: &Source<'_>, image: &Node<'_>, reading: &mut Reading) {
    if let Some(text) = image.text() {
        reading.mentions.extend(mentions_of_package(source, Ecosystem::Docker, text, image.line, &Role::Container));
    }
}

fn read_step(source: &Source<'_>, step: &Node<'_>, env: &[Option<&Node<'_>>], variables: &Variables, reading: &mut Reading) {
    let mut variables = variables.clone();
    for member in step.get("env").map(Node::members).unwrap_or_default() {
        variables.set(&member.key, member.value.scalar().unwrap_or_default());
    }
    if let Some(run) = step.get("run")
        && is_shell(step.get("shell").and_then(Node::text))
    {
        reading.mentions.extend(mentions_in_node_with(source, run, &variables));
    }
    let Some(uses) = step.member("uses") else { return };
    let mut env = env.to_vec();
    env.push(step.get("env"));
    read_uses(source, uses, step, &env, reading);
    // Actions that run a command for their user, for example again until it works.
    for key in ["run", "command", "commands", "cmd", "script", "args", "start", "build", "install", "install-command"] {
        if let Some(node) = step.at(&["with", key]) {
            reading.mentions.extend(mentions_in_node_with(source, node, &variables));
        }
    }
}

/// Whether a step's script is for a shell.
fn is_shell(shell: Option<&str>) -> bool {
    let program = shell.and_then(|shell| shell.split_whitespace().next()).unwrap_or("bash");
    !["python", "python3", "node", "perl", "ruby", "deno"].contains(&program)
}

/// `owner/repository[/path]@ref`, `docker://image`; what lies in the repository itself is read where it lies.
fn read_uses(source: &Source<'_>, uses: &Member<'_>, step: &Node<'_>, env: &[Option<&Node<'_>>], reading: &mut Reading) {
    let Some(text) = uses.value.text() else { return };
    if text.starts_with("docker://") {
        return image_of(source, &uses.value, reading);
    }
    let (name, reference) = text.split_once('@').unwrap_or((text, ""));
    // Forgejo writes the whole address.
    let name = name.strip_prefix("https://").and_then(|rest| rest.split_once('/')).map_or(name, |(_, name)| name);
    let mut parts = name.split('/');
    let (Some(owner), Some(repository)) = (parts.next(), parts.next()) else { return };
    let package = Package::new(Ecosystem::GitHub, &format!("{owner}/{repository}"));
    let Some(tool) = source.catalogue.by_package(&package) else { return };
    let is_commit = matches!(reference.len(), 40 | 64) && reference.bytes().all(|b| b.is_ascii_hexdigit());
    let request = if is_commit {
        Request::Exact(Version::parse(Scheme::Opaque, &reference.to_ascii_lowercase()))
    } else {
        floating(reference)
    };
    reading.mentions.push(mention(source, tool.id.clone(), package, request, uses.line, Role::Action));
    for carried in tool.carries.iter().filter_map(|carries| source.catalogue.tool(&carries.tool)) {
        read_carried(source, carried, uses, step, env, reading);
    }
}

/// The agent that an action brings.
fn read_carried(
    source: &Source<'_>,
    agent: &Tool,
    uses: &Member<'_>,
    step: &Node<'_>,
    env: &[Option<&Node<'_>>],
    reading: &mut Reading,
) {
    let Some(package) = agent.packages().next() else { return };
    let text = clipped(uses.value.text().unwrap_or_default());
    let told = TOLD.iter().find(|told| told.tool == agent.id.as_str());
    let inputs = told.into_iter().flat_map(|told| told.inputs).map(|input| step.at(&["with", input]));
    // The innermost environment counts.
    let variables = told.into_iter().flat_map(|told| told.variables);
    let variables = variables.flat_map(|name| env.iter().rev().map(move |env| env.and_then(|env| env.get(name))));
    let said = inputs.chain(variables).flatten().find(|node| node.scalar().is_some_and(|text| !text.trim().is_empty()));
    let mut found = if let Some((version, line)) = said.and_then(|node| Some((node.scalar()?, node.line))) {
        let request = super::command::request(package.ecosystem, version);
        mention(source, agent.id.clone(), package, request, line, Role::Action)
    } else {
        let chosen = told.map_or_else(|| format!("what {text} installs"), |told| told.unless.to_owned());
        mention(source, agent.id.clone(), package, floating(&chosen), uses.line, Role::Action)
    };
    if said.is_none() {
        found.brought_by.push(text);
    }
    reading.mentions.push(found);
}
