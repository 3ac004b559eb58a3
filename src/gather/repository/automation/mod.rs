//! What runs by itself or by a person's command: workflows, pipelines, scripts, and the files of version managers.

pub(super) mod command;
#[cfg(test)]
mod disguises;
pub(super) mod editor;
mod manager;
mod pipeline;
mod script;
#[cfg(test)]
pub(super) mod tests;
mod workflow;

use super::Format;

pub(super) const FORMATS: &[Format] = &[
    workflow::WORKFLOWS,
    workflow::ACTIONS,
    pipeline::GITLAB,
    pipeline::GITLAB_PARTS,
    pipeline::OTHERS,
    script::SCRIPTS,
    script::BATCH,
    script::NOTEBOOKS,
    script::MAKEFILES,
    script::JUSTFILES,
    script::PACKAGE_JSON,
    manager::TOOL_VERSIONS,
    manager::MISE,
    manager::BREWFILE,
    manager::NIX,
    manager::DEVBOX,
    editor::EXTENSIONS,
    editor::TASKS,
    editor::WORKSPACE,
    editor::PRE_COMMIT,
];
