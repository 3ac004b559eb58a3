//! An inventory as CycloneDX 1.6: what was found on a machine, a component each, with its programs as files below it.
//!
//! The inventory never claims to be complete: what could not be looked at makes it `incomplete`, and of everything else nobody can know
//! whether it is whole. No serial number and no random value are in it, so that two scans can be compared.

use super::Style;
use super::inventory::{Entry, Inventory};
use super::json::exact_path;
use super::words::{shown, shown_path};
use crate::digest::{Algorithm, Digest};
use crate::evidence::{CoverageOutcome, Executable, Extent, Identification, State};
use crate::tool::Kind;
use jiff::Timestamp;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "bomFormat")]
    format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    compositions: [Composition; 1],
}

#[derive(Serialize)]
struct Metadata {
    timestamp: Timestamp,
    lifecycles: [Lifecycle; 1],
    tools: Tools,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Serialize)]
struct Tools {
    components: [Component; 1],
}

#[derive(Serialize, Default)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publisher: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Component>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Evidence {
    occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
struct Occurrence {
    location: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
    assemblies: Vec<String>,
}

/// Write the inventory.
///
/// # Errors
/// Those of `out`.
pub fn render(inventory: &Inventory, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let not_looked: Vec<Property> = inventory
        .coverage
        .iter()
        .filter_map(|coverage| match &coverage.outcome {
            CoverageOutcome::NotLooked(why) | CoverageOutcome::Unsupported(why) => {
                let place =
                    coverage.place.as_deref().map(|p| format!(" {}", shown_path(p, style.home.as_deref()))).unwrap_or_default();
                Some(Property { name: "vetted:not-looked-at", value: format!("{}{place}: {}", coverage.source, shown(why)) })
            }
            CoverageOutcome::Looked | CoverageOutcome::Absent => None,
        })
        .collect();
    let components: Vec<Component> =
        inventory.tools.iter().zip(1..).map(|(entry, number)| component(entry, number, style)).collect();
    let bom = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        format: "CycloneDX",
        spec_version: "1.6",
        version: 1,
        compositions: [Composition {
            aggregate: if not_looked.is_empty() { "unknown" } else { "incomplete" },
            assemblies: components.iter().filter_map(|component| component.bom_ref.clone()).collect(),
        }],
        metadata: Metadata {
            timestamp: inventory.now,
            lifecycles: [Lifecycle { phase: "discovery" }],
            tools: Tools {
                components: [Component {
                    kind: "application",
                    name: "vetted".to_owned(),
                    version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                    ..Component::default()
                }],
            },
            properties: not_looked,
        },
        components,
    };
    super::json::write_document(&bom, out)
}

fn component(entry: &Entry, number: u32, style: &Style) -> Component {
    let sighting = &entry.sighting;
    let version = sighting.version.as_ref().map(|version| shown(version.as_str()).into_owned());
    let is_file = sighting.extent == Extent::File;
    Component {
        kind: match entry.kind {
            Kind::Cli | Kind::Ide | Kind::IdeExtension | Kind::McpServer | Kind::Action => "application",
            Kind::Sdk => "library",
            Kind::Model => "machine-learning-model",
        },
        bom_ref: Some(format!("{}-{number}", sighting.tool)),
        publisher: Some(shown(&entry.vendor).into_owned()),
        name: sighting.package.as_ref().map_or_else(|| sighting.tool.to_string(), |package| shown(&package.name).into_owned()),
        purl: sighting
            .package
            .as_ref()
            .map(|package| package.purl(sighting.version.as_ref().map(crate::version::Version::as_str))),
        version,
        hashes: sighting.executables.first().filter(|_| is_file).map(hashes).unwrap_or_default(),
        components: sighting.executables.iter().filter(|_| !is_file).map(file).collect(),
        evidence: Some(Evidence {
            occurrences: std::iter::once(&sighting.root)
                .chain(&sighting.reached_by)
                .map(|path| Occurrence { location: exact_path(path) })
                .collect(),
        }),
        properties: properties(entry, style),
    }
}

/// A program of a tool.
fn file(executable: &Executable) -> Component {
    let why = executable
        .digests
        .as_ref()
        .err()
        .map(|why| Property { name: "vetted:undigested", value: shown(&why.to_string()).into_owned() });
    Component {
        kind: "file",
        name: exact_path(&executable.path),
        hashes: hashes(executable),
        properties: why.into_iter().chain([Property { name: "vetted:size", value: executable.size.to_string() }]).collect(),
        ..Component::default()
    }
}

fn hashes(executable: &Executable) -> Vec<Hash> {
    let hash = |digest: &Digest| {
        let alg = match digest.algorithm() {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512 => "SHA-512",
            // CycloneDX has no name for a hash of a folder.
            Algorithm::DirHash => return None,
        };
        Some(Hash { alg, content: digest.hex() })
    };
    executable.digests.iter().flat_map(crate::digest::DigestSet::iter).filter_map(hash).collect()
}

fn properties(entry: &Entry, style: &Style) -> Vec<Property> {
    let sighting = &entry.sighting;
    let mut properties = Vec::new();
    let mut add = |name, value: String| properties.push(Property { name, value });
    add("vetted:tool", sighting.tool.to_string());
    add("vetted:kind", entry.kind.name().to_owned());
    add("vetted:channel", sighting.channel.name().to_owned());
    add(
        "vetted:identified-by",
        match sighting.identified_by {
            Identification::Digest => "digest",
            Identification::Metadata => "metadata",
            Identification::Layout => "layout",
            Identification::Name => "name",
        }
        .to_owned(),
    );
    match &sighting.state {
        State::Present => {}
        State::Stub => add("vetted:state", "stub".to_owned()),
        State::NotInspectable => add("vetted:state", "not-inspectable".to_owned()),
        State::Unreadable(why) => add("vetted:state", format!("unreadable: {}", shown(&why.to_string()))),
    }
    if let Some(carrier) = &sighting.brought_by {
        add("vetted:brought-by", carrier.package.purl(carrier.version.as_deref()));
    }
    if let Some(name) = &sighting.renamed {
        add("vetted:renamed", shown(name).into_owned());
    }
    for (name, version) in
        [("vetted:claimed-version", &sighting.claimed_version), ("vetted:embedded-version", &sighting.embedded_version)]
    {
        if let Some(version) = version {
            add(name, shown(version).into_owned());
        }
    }
    for path in &sighting.strangers {
        add("vetted:stranger-file", shown_path(path, style.home.as_deref()));
    }
    properties
}
