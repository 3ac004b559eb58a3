//! What another machine recorded with `vetted scan --format json`, read back as evidence.
//!
//! Nobody vouches for a record: it serves to say what a policy would do there, never to approve anything.

use crate::catalogue::{Catalogue, Tool};
use crate::digest::DigestSet;
use crate::evidence::{Carrier, Executable, Extent, Identification, Sighting, State, Unmeasured};
use crate::tool::{Channel, Package, ToolId};
use crate::version::Version;
use serde::Deserialize;
use std::path::PathBuf;

/// The form that is read.
const SCHEMA: &str = "vetted/inventory/v1";

#[derive(Deserialize)]
struct Document {
    schema: String,
    tools: Vec<Recorded>,
}

/// One tool. What other versions of `vetted` write besides is passed over: a record can only lack what a decision would need.
#[derive(Deserialize)]
struct Recorded {
    tool: String,
    version: Option<String>,
    path: Option<String>,
    channel: Option<String>,
    package: Option<String>,
    #[serde(default, deserialize_with = "maybe_empty")]
    digests: DigestSet,
    identified_by: Option<String>,
    state: Option<String>,
    state_reason: Option<String>,
    renamed: Option<String>,
    #[serde(default)]
    brought_by: Vec<String>,
    claimed_version: Option<String>,
    embedded_version: Option<String>,
    #[serde(default)]
    executables: Vec<RecordedFile>,
}

#[derive(Deserialize)]
struct RecordedFile {
    path: String,
    size: u64,
    #[serde(default, deserialize_with = "maybe_empty")]
    digests: DigestSet,
    undigested: Option<String>,
}

/// Digests, or an empty table where a file had none.
fn maybe_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DigestSet, D::Error> {
    let table = serde_json::Map::deserialize(deserializer)?;
    if table.is_empty() {
        return Ok(DigestSet::new());
    }
    serde_json::from_value(table.into()).map_err(serde::de::Error::custom)
}

/// The sightings of a record. Their paths are as the record writes them.
///
/// # Errors
/// Why it is no record, in one sentence.
pub fn parse(bytes: &[u8], catalogue: &Catalogue) -> Result<Vec<Sighting>, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if document.schema != SCHEMA {
        return Err(format!("it is of the form `{}`, and `{SCHEMA}` is read", document.schema));
    }
    document.tools.into_iter().map(|tool| sighting(tool, catalogue)).collect()
}

fn sighting(recorded: Recorded, catalogue: &Catalogue) -> Result<Sighting, String> {
    let tool: ToolId = recorded.tool.parse().map_err(|e: crate::tool::ToolIdError| e.to_string())?;
    let package = |purl: &String| Package::parse_purl(purl).ok();
    let brought_by = recorded.brought_by.first().and_then(package).map(|(package, version)| Carrier { package, version });
    let package = recorded.package.as_ref().and_then(package).map(|(package, _)| package);
    let by_tool = catalogue.tool(&tool).map(Tool::scheme).unwrap_or_default();
    let scheme = package.as_ref().map_or(by_tool, |package| package.ecosystem.scheme());
    let root = PathBuf::from(recorded.path.unwrap_or_default());
    let mut executables: Vec<Executable> = recorded.executables.into_iter().map(executable).collect();
    if executables.is_empty() && !recorded.digests.is_empty() {
        executables.push(Executable { path: root.clone(), size: 0, digests: Ok(recorded.digests) });
    }
    let is_file = executables.first().is_some_and(|executable| executable.path == root);
    let unknown = || recorded.state_reason.clone().unwrap_or_else(|| "the record does not say why".to_owned());
    Ok(Sighting {
        tool,
        version: recorded.version.as_deref().map(|version| Version::parse(scheme, version)),
        channel: recorded.channel.as_deref().map_or(Channel::Path, channel),
        extent: if is_file { Extent::File } else { Extent::Folder },
        reached_by: Vec::new(),
        identified_by: match recorded.identified_by.as_deref() {
            Some("digest") => Identification::Digest,
            Some("metadata") => Identification::Metadata,
            Some("layout") => Identification::Layout,
            _ => Identification::Name,
        },
        state: match recorded.state.as_deref() {
            Some("present") => State::Present,
            Some("stub") => State::Stub,
            Some("not-inspectable") => State::NotInspectable,
            _ => State::Unreadable(Unmeasured::Io(unknown())),
        },
        package,
        root,
        executables,
        renamed: recorded.renamed,
        brought_by,
        claimed_version: recorded.claimed_version,
        embedded_version: recorded.embedded_version,
        strangers: Vec::new(),
        built: Vec::new(),
        measurements: Vec::new(),
    })
}

fn executable(file: RecordedFile) -> Executable {
    let digests = if file.digests.is_empty() {
        Err(Unmeasured::Io(file.undigested.unwrap_or_else(|| "the record has no digest".to_owned())))
    } else {
        Ok(file.digests)
    };
    Executable { path: file.path.into(), size: file.size, digests }
}

fn channel(name: &str) -> Channel {
    // Which command repairs it is the one thing that hangs on it.
    serde_json::from_value(serde_json::Value::String(name.to_owned())).unwrap_or(Channel::Path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_of_another_form_is_refused() {
        let catalogue = Catalogue::built_in();
        for wrong in
            ["", "{}", "[]", r#"{"schema":"vetted/report/v1","tools":[]}"#, r#"{"schema":"vetted/inventory/v1","tools":[{}]}"#]
        {
            assert!(parse(wrong.as_bytes(), &catalogue).is_err(), "{wrong}");
        }
        let odd = r#"{"schema":"vetted/inventory/v1","tools":[{"tool":"Not An Id"}]}"#;
        assert!(parse(odd.as_bytes(), &catalogue).is_err());
    }

    #[test]
    fn what_a_record_lacks_is_unknown_and_never_good() {
        let bare = r#"{"schema":"vetted/inventory/v1","tools":[{"tool":"claude-code"}]}"#;
        let found = parse(bare.as_bytes(), &Catalogue::built_in()).unwrap();
        assert!(matches!(found[0].state, State::Unreadable(_)) && found[0].version.is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes, &Catalogue::built_in());
        }
    }
}
