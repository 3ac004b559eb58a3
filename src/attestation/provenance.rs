//! SLSA provenance: on which builder something was built and from what. Read out of a statement; whoever signed the statement
//! vouches for it, and nobody before that is verified.

use super::Statement;
use serde_json::Value;

/// The predicate type of SLSA provenance v1 (slsa.dev, `spec/v1.0/provenance`).
pub const SLSA_V1: &str = "https://slsa.dev/provenance/v1";
/// The predicate type of SLSA provenance v0.2 (slsa.dev, `spec/v0.2/provenance`).
pub const SLSA_V0_2: &str = "https://slsa.dev/provenance/v0.2";

/// What a provenance says of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The builder: v1 `runDetails.builder.id`, v0.2 `builder.id`.
    pub builder: String,
    /// How to read its parameters: v1 `buildDefinition.buildType`, v0.2 `buildType`.
    pub build_type: String,
    /// What it was built from, where it says: v1 the first of `buildDefinition.resolvedDependencies`, v0.2
    /// `invocation.configSource`.
    pub source: Option<Source>,
    /// The workflow of GitHub Actions that ran, where it says: v1 `buildDefinition.externalParameters.workflow`.
    pub workflow: Option<Workflow>,
}

/// What something was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Usually `git+https://...@ref`.
    pub uri: String,
    /// The commit: `digest.gitCommit`, in v0.2 `digest.sha1`.
    pub commit: Option<String>,
}

/// A workflow of GitHub Actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The repository, as an address.
    pub repository: String,
    /// The file in it.
    pub path: String,
    /// The branch or tag.
    pub reference: String,
}

impl Provenance {
    /// Read the provenance of a statement. `None` where it is none of SLSA v0.2 or v1, or names no builder.
    #[must_use]
    pub fn of(statement: &Statement) -> Option<Self> {
        let predicate = &statement.predicate;
        match statement.predicate_type.as_str() {
            SLSA_V1 => Self::v1(predicate),
            SLSA_V0_2 => Self::v0_2(predicate),
            _ => None,
        }
    }

    fn v1(predicate: &Value) -> Option<Self> {
        let definition = predicate.get("buildDefinition")?;
        let workflow = definition.pointer("/externalParameters/workflow").and_then(|workflow| {
            Some(Workflow {
                repository: text(workflow, "/repository")?,
                path: text(workflow, "/path")?,
                reference: text(workflow, "/ref")?,
            })
        });
        Some(Self {
            builder: text(predicate, "/runDetails/builder/id")?,
            build_type: text(definition, "/buildType")?,
            source: source(definition.pointer("/resolvedDependencies/0"), "/digest/gitCommit"),
            workflow,
        })
    }

    fn v0_2(predicate: &Value) -> Option<Self> {
        Some(Self {
            builder: text(predicate, "/builder/id")?,
            build_type: text(predicate, "/buildType")?,
            source: source(predicate.pointer("/invocation/configSource"), "/digest/sha1"),
            workflow: None,
        })
    }
}

fn source(found: Option<&Value>, commit: &str) -> Option<Source> {
    let found = found?;
    Some(Source { uri: text(found, "/uri")?, commit: text(found, commit) })
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}
