//! Changes to `vetted.toml` that leave the rest of the file as it is, byte for byte.
//!
//! A change is an insertion at a place, or a new text for one value; nothing is ever printed from a parsed form. Comments, order
//! and layout survive because nobody touches them. After each change the whole document is read again.

use super::diagnostic::ManifestErrors;
use super::schema::{self, Problems};
use super::{Affected, Approval, Artifact, Manifest, Mode, Revocation, Shape, Subject};
use crate::digest::DigestSet;
use crate::tool::ToolId;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use thiserror::Error;
use toml::de::{DeTable, DeValue};

/// A manifest that is being changed.
#[derive(Debug, Clone)]
pub struct Draft {
    path: PathBuf,
    text: String,
    manifest: Manifest,
}

/// Why a change was not made.
#[derive(Debug, Error)]
pub enum EditError {
    /// The serial is the largest there is.
    #[error("the serial cannot count any further")]
    Serial,
    /// The entry would have to go into a list that is written inline.
    #[error("`{0}` is written as an inline list: write the entries under [[{0}]] headings, or add this one by hand")]
    Inline(&'static str),
    /// The version has this approval already.
    #[error("{tool} {version} is approved already, with the same files, in line {line}")]
    Approved {
        /// The tool.
        tool: ToolId,
        /// The version.
        version: String,
        /// Where.
        line: u32,
    },
    /// The changed document would not be valid.
    #[error("{0}")]
    Invalid(#[from] Box<ManifestErrors>),
}

impl Draft {
    /// Begin to change a document.
    ///
    /// # Errors
    /// [`ManifestErrors`] when it is not valid as it stands.
    pub fn open(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        let manifest = Manifest::parse(path, bytes)?;
        // What was parsed is UTF-8: nothing is lost.
        Ok(Self { path: path.to_owned(), text: String::from_utf8_lossy(bytes).into_owned(), manifest })
    }

    /// What the document says now.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The document as it stands now.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every id that a revocation of the document has, withdrawn ones too.
    #[must_use]
    pub fn revocation_ids(&self) -> Vec<String> {
        let problems = Problems::default();
        let Some(table) = schema::parse(&self.text, &problems) else { return Vec::new() };
        let entries = table.get_ref().get("revocation").and_then(|list| list.get_ref().as_array());
        let ids = entries
            .into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|entry| entry.get_ref().as_table()?.get("id")?.get_ref().as_str());
        ids.map(str::to_owned).collect()
    }

    /// The next issue of the document: serial one higher, issued `now`, expiring after the same time as before.
    ///
    /// # Errors
    /// [`EditError::Serial`].
    pub fn renew(&mut self, now: Timestamp) -> Result<(), EditError> {
        let header = &self.manifest.header;
        let serial = header.serial.checked_add(1).ok_or(EditError::Serial)?;
        let lifetime = header.expires.duration_since(header.issued);
        let issued = whole_seconds(now);
        // At the end of the calendar there is nowhere to move the end to.
        let expires = issued.checked_add(lifetime).unwrap_or(header.expires);
        let values = [("serial", serial.to_string()), ("issued", issued.to_string()), ("expires", expires.to_string())];
        let mut changes = Vec::new();
        {
            let problems = Problems::default();
            let table = schema::parse(&self.text, &problems);
            for (key, value) in values {
                let span = table.as_ref().and_then(|table| table.get_ref().get(key)).map(toml::Spanned::span);
                changes.extend(span.map(|span| (span, value)));
            }
        }
        changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = self.text.clone();
        for (span, value) in changes {
            text.replace_range(span, &value);
        }
        self.take(text)
    }

    /// Add an approval to the entry of its tool, or a new entry. A second approval of one version is an alternative to the first.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn approve(&mut self, tool: &ToolId, purl: Option<&str>, approval: &Approval) -> Result<(), EditError> {
        let entry = self.manifest.tools.iter().find(|entry| entry.id == *tool);
        let is_twin = |a: &&Approval| a.version == approval.version && a.artifacts == approval.artifacts;
        if let Some(twin) = entry.and_then(|entry| entry.approvals.iter().find(is_twin)) {
            return Err(EditError::Approved { tool: tool.clone(), version: twin.version.clone(), line: twin.line });
        }
        let text = if let Some(end) = self.place_of_tool(tool)? {
            self.inserted(end, &approval_text(approval))
        } else {
            let mut entry = format!("[[tool]]\nid   = {}\n", quoted(tool.as_str()));
            if let Some(purl) = purl {
                let _ = writeln!(entry, "purl = {}", quoted(purl));
            }
            self.inserted(self.text.len(), &format!("{entry}\n{}", approval_text(approval)))
        };
        self.take(text)
    }

    /// Add a revocation at the end of the document.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn revoke(&mut self, revocation: &Revocation) -> Result<(), EditError> {
        self.refuse_inline("revocation")?;
        let text = self.inserted(self.text.len(), &revocation_text(revocation));
        self.take(text)
    }

    fn take(&mut self, text: String) -> Result<(), EditError> {
        self.manifest = Manifest::parse(&self.path, text.as_bytes()).map_err(Box::new)?;
        self.text = text;
        Ok(())
    }

    /// The text with `block` as lines of its own after the line on which `offset` stands, an empty line before it.
    fn inserted(&self, offset: usize, block: &str) -> String {
        let at = self.text[offset..].find('\n').map_or(self.text.len(), |newline| offset + newline + 1);
        let (before, after) = self.text.split_at(at);
        let newline = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let gap = if after.is_empty() || after.starts_with(['\n', '\r']) { "" } else { "\n" };
        format!("{before}{newline}\n{block}{gap}{after}")
    }

    fn refuse_inline(&self, key: &'static str) -> Result<(), EditError> {
        let problems = Problems::default();
        let table = schema::parse(&self.text, &problems);
        match table.as_ref().and_then(|table| table.get_ref().get(key)) {
            Some(list) if !self.is_heading(&list.span()) => Err(EditError::Inline(key)),
            _ => Ok(()),
        }
    }

    /// Whether a list of tables is written under `[[...]]` headings. The parser gives it the place of the first heading.
    fn is_heading(&self, span: &Range<usize>) -> bool {
        self.text[span.clone()].starts_with("[[")
    }

    /// Where the entry of a tool ends, if it has one.
    fn place_of_tool(&self, tool: &ToolId) -> Result<Option<usize>, EditError> {
        self.refuse_inline("tool")?;
        let problems = Problems::default();
        let Some(table) = schema::parse(&self.text, &problems) else { return Ok(None) };
        let entries = table.get_ref().get("tool").and_then(|list| list.get_ref().as_array());
        let Some(entry) = entries.into_iter().flat_map(|list| list.iter()).find(|entry| {
            let id = entry.get_ref().as_table().and_then(|entry| entry.get("id")).and_then(|id| id.get_ref().as_str());
            id == Some(tool.as_str())
        }) else {
            return Ok(None);
        };
        let approvals = entry.get_ref().as_table().and_then(|entry| entry.get("approval"));
        if approvals.is_some_and(|list| !self.is_heading(&list.span())) {
            return Err(EditError::Inline("tool.approval"));
        }
        Ok(Some(end_of(entry)))
    }
}

/// Where the last key or value of a node ends.
fn end_of(node: &toml::Spanned<DeValue<'_>>) -> usize {
    let below = match node.get_ref() {
        DeValue::Array(items) => items.iter().map(end_of).max(),
        DeValue::Table(table) => end_of_table(table),
        _ => None,
    };
    below.unwrap_or(0).max(node.span().end)
}

fn end_of_table(table: &DeTable<'_>) -> Option<usize> {
    table.iter().map(|(key, value)| end_of(value).max(key.span().end)).max()
}

/// The first issue of a manifest, without approvals, with these revocations as TOML text.
#[must_use]
pub fn new_manifest(name: &str, mode: Mode, now: Timestamp, lifetime: SignedDuration, revocations: &str) -> String {
    let issued = whole_seconds(now);
    let expires = issued.checked_add(lifetime).unwrap_or(Timestamp::MAX);
    format!(
        "kind    = \"vetted/manifest\"\nschema  = 1\nname    = {}\nserial  = 1\nissued  = {issued}\nexpires = {expires}\n\
         # monitor: what is not approved is listed and passes. enforce: it blocks. What is revoked blocks in both.\n\
         mode    = {}\n\n[defaults]\nunlisted = \"block\"\n\n{revocations}",
        quoted(name),
        quoted(&word(&mode)),
    )
}

/// The first version of a trust policy with one signer who holds every role.
#[must_use]
pub fn new_trust_policy(name: &str, signer: &str, public_pem: &str, now: Timestamp, lifetime: SignedDuration) -> String {
    let expires = whole_seconds(now).checked_add(lifetime).unwrap_or(Timestamp::MAX);
    let (name, signer) = (quoted(name), quoted(signer));
    let role = |role: &str| format!("\n[role.{role}]\nthreshold = 1\nsigners   = [{signer}]\n");
    format!(
        "kind    = \"vetted/trust\"\nschema  = 1\nname    = {name}\nversion = 1\nexpires = {expires}\n\n\
         [[signer]]\nid = {signer}\n\n  [[signer.keys]]\n  algorithm = \"ecdsa-p256-sha256\"\n  pem = \"\"\"\n{}\n\"\"\"\n{}{}",
        public_pem.trim_end(),
        role("root"),
        role("manifest"),
    )
}

fn whole_seconds(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A word of a closed list as its type's `serde` form spells it.
fn word<T: Serialize>(value: &T) -> String {
    // The types are enums without content: they are a string.
    toml::Value::try_from(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    format!("[{}]", items.iter().map(|item| quoted(item.as_ref())).collect::<Vec<_>>().join(", "))
}

fn digest_table(digests: &DigestSet) -> String {
    let entries: Vec<_> = digests.iter().map(|d| format!("{} = \"{}\"", d.algorithm(), d.hex())).collect();
    format!("{{ {} }}", entries.join(", "))
}

fn approval_text(approval: &Approval) -> String {
    let mut text = format!("  [[tool.approval]]\n  version  = {}\n", quoted(&approval.version));
    if let Some(approved) = &approval.approved {
        let ticket = approved.ticket.as_ref().map(|t| format!(", ticket = {}", quoted(t))).unwrap_or_default();
        let _ = writeln!(text, "  approved = {{ by = {}, at = {}{ticket} }}", list(&approved.by), whole_seconds(approved.at));
    }
    for artifact in &approval.artifacts {
        text.push_str("\n    [[tool.approval.artifact]]\n");
        let mut line = |key: &str, value: &str| {
            let _ = writeln!(text, "    {key:<8} = {value}");
        };
        match artifact {
            Artifact::Release { digests } => {
                line("role", "\"release\"");
                line("digest", &digest_table(digests));
            }
            Artifact::Installed(installed) => {
                line("role", "\"installed\"");
                line("type", if matches!(installed.shape, Shape::File { .. }) { "\"file\"" } else { "\"tree\"" });
                if let Some(platform) = &installed.platform {
                    line("platform", &quoted(&platform.0));
                }
                match &installed.shape {
                    Shape::File { path } if path.is_empty() => {}
                    Shape::File { path } => line("path", &quoted(path)),
                    Shape::Tree { include, exclude } => {
                        for (key, globs) in [("include", include), ("exclude", exclude)] {
                            if !globs.is_empty() {
                                line(key, &list(globs));
                            }
                        }
                    }
                }
                line("digest", &digest_table(&installed.digests));
                if let Some(files) = &installed.files {
                    let sha256 = files
                        .digests
                        .iter()
                        .map(|d| format!("{} = \"{}\"", d.algorithm(), d.hex()))
                        .collect::<Vec<_>>()
                        .join(", ");
                    line("files", &format!("{{ path = {}, {sha256} }}", quoted(&files.path.to_string_lossy())));
                }
            }
        }
    }
    text
}

fn revocation_text(revocation: &Revocation) -> String {
    let mut text = "[[revocation]]\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<11} = {value}");
    };
    line("id", &quoted(&revocation.id));
    if !revocation.aliases.is_empty() {
        line("aliases", &list(&revocation.aliases));
    }
    if !revocation.affected.is_empty() {
        line("affected", &format!("[{}]", revocation.affected.iter().map(affected_text).collect::<Vec<_>>().join(", ")));
    }
    if !revocation.digests.is_empty() {
        line("digests", &format!("[{}]", revocation.digests.iter().map(digest_table).collect::<Vec<_>>().join(", ")));
    }
    line("reason", &quoted(&word(&revocation.reason)));
    line("severity", &quoted(&word(&revocation.severity)));
    line("effective", &whole_seconds(revocation.effective).to_string());
    if let Some(advisory) = &revocation.advisory {
        line("advisory", &quoted(advisory));
    }
    if let Some(replacement) = &revocation.replacement {
        let version = replacement.version.as_ref().map(|v| format!(", version = {}", quoted(v))).unwrap_or_default();
        line("replacement", &format!("{{ tool = {}{version} }}", quoted(replacement.tool.as_str())));
    }
    line("message", &quoted(&revocation.message));
    text
}

fn affected_text(affected: &Affected) -> String {
    let mut purl = None;
    let (key, value) = match &affected.subject {
        Subject::Tool(id) => ("tool", id.as_str()),
        Subject::Vendor(name) => ("vendor", name.as_str()),
        Subject::Model(glob) => ("model", glob.as_str()),
        Subject::Package(package) => ("package", purl.insert(package.purl(None)).as_str()),
    };
    let mut text = format!("{{ {key} = {}", quoted(value));
    if !affected.ranges.is_empty() {
        let ranges: Vec<_> = affected
            .ranges
            .iter()
            .map(|range| {
                let fixed = range.fixed.as_ref().map(|f| format!(", fixed = {}", quoted(f))).unwrap_or_default();
                format!("{{ introduced = {}{fixed} }}", quoted(&range.introduced))
            })
            .collect();
        let _ = write!(text, ", ranges = [{}]", ranges.join(", "));
    }
    text.push_str(" }");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::manifest::{Approved, FileListRef, Installed, Reason, Replacement, Severity};
    use crate::tool::Platform;
    use crate::version::VersionRange;

    const FILE: &str = "# Ours, by hand\nkind='vetted/manifest'\nschema = 1\nname = \"acme\" # the name\nserial = 0x2f # 47\n\
        issued = 2026-11-20T17:42:10Z\nexpires = 2026-12-04T17:42:10Z\nmode = \"enforce\"\n\n# first\n[[tool]]\nid = \"b\"\n\
        [tool.recognise]\nvendor = \"B\"\nkind = \"cli\"\nbinaries = [\n  \"b\", # only one\n]\n# about c\n[[tool]]\nid = \"c\" # last\n\t# the end";

    fn draft() -> Draft {
        Draft::open(Path::new("vetted.toml"), FILE.as_bytes()).unwrap()
    }

    fn sha256(byte: u8) -> DigestSet {
        DigestSet::from(Digest::Sha256([byte; 32]))
    }

    fn approval() -> Approval {
        let file = Installed { platform: None, shape: Shape::File { path: String::new() }, digests: sha256(1), files: None };
        let tree = Installed {
            platform: Some(Platform("linux/x86_64".into())),
            shape: Shape::Tree { include: vec!["a/**".into()], exclude: vec!["**/*.pyc".into()] },
            digests: DigestSet::from(Digest::DirHash([2; 32])),
            files: Some(FileListRef { path: "attestations/x/files.json".into(), digests: sha256(3) }),
        };
        Approval {
            version: "1.0.0".into(),
            approved: Some(Approved {
                by: vec!["Ann \"A\" O'Neil".into(), "bob".into()],
                at: "2026-11-21T12:00:00Z".parse().unwrap(),
                ticket: Some("SEC-1".into()),
            }),
            artifacts: vec![Artifact::Release { digests: sha256(4) }, Artifact::Installed(tree), Artifact::Installed(file)],
            line: 0,
        }
    }

    /// Take away what was inserted: what is left must be what was there.
    fn without(text: &str, inserted: &str) -> String {
        assert_eq!(text.matches(inserted).count(), 1, "{inserted:?} in {text}");
        text.replacen(inserted, "", 1)
    }

    #[test]
    fn an_approval_goes_into_the_entry_of_its_tool_and_nothing_else_changes() {
        let mut draft = draft();
        draft.approve(&"b".parse().unwrap(), None, &approval()).unwrap();
        let block = format!("\n{}\n", approval_text(&approval()));
        assert_eq!(without(draft.text(), &block), FILE);
        assert!(draft.text().contains("# only one\n]\n\n  [[tool.approval]]"), "{}", draft.text());
        let mut read = draft.manifest().tools[0].approvals[0].clone();
        read.line = 0;
        assert_eq!(read, approval());
        assert!(draft.manifest().tools[1].approvals.is_empty());

        let again = draft.approve(&"b".parse().unwrap(), None, &approval());
        assert!(matches!(again, Err(EditError::Approved { .. })), "{again:?}");
    }

    #[test]
    fn a_second_approval_stands_after_the_first() {
        let mut draft = draft();
        for version in ["1.0.0", "2.0.0"] {
            draft.approve(&"b".parse().unwrap(), None, &Approval { version: version.into(), ..approval() }).unwrap();
        }
        let versions: Vec<_> = draft.manifest().tools[0].approvals.iter().map(|a| a.version.as_str()).collect();
        assert_eq!(versions, ["1.0.0", "2.0.0"]);
    }

    #[test]
    fn the_last_entry_of_a_file_without_a_last_newline_can_grow() {
        let mut draft = draft();
        draft.approve(&"c".parse().unwrap(), None, &approval()).unwrap();
        assert_eq!(draft.manifest().tools[1].approvals.len(), 1);
        assert!(draft.text().ends_with("\n\t# the end"), "{}", draft.text());
    }

    #[test]
    fn a_new_tool_gets_an_entry_at_the_end() {
        let mut draft = draft();
        draft.approve(&"d".parse().unwrap(), Some("pkg:npm/d"), &approval()).unwrap();
        assert!(draft.text().starts_with(FILE));
        assert!(draft.text().contains("# the end\n\n[[tool]]\nid   = \"d\"\npurl = \"pkg:npm/d\"\n"), "{}", draft.text());
        assert_eq!(draft.manifest().tools[2].approvals.len(), 1);
    }

    #[test]
    fn the_next_issue_changes_three_values() {
        let mut draft = draft();
        draft.renew("2026-11-21T12:00:00.75Z".parse().unwrap()).unwrap();
        let expected = FILE
            .replace("0x2f # 47", "48 # 47")
            .replace("issued = 2026-11-20T17:42:10Z", "issued = 2026-11-21T12:00:00Z")
            .replace("expires = 2026-12-04T17:42:10Z", "expires = 2026-12-05T12:00:00Z");
        assert_eq!(draft.text(), expected);

        let last = FILE.replace("0x2f", "18446744073709551615");
        let mut draft = Draft::open(Path::new("vetted.toml"), last.as_bytes()).unwrap();
        assert!(matches!(draft.renew(Timestamp::UNIX_EPOCH), Err(EditError::Serial)));
    }

    #[test]
    fn a_revocation_reads_back_as_it_was_meant() {
        let revocation = Revocation {
            id: "ACME-2026-0001".into(),
            aliases: vec!["GHSA-x".into()],
            affected: vec![
                Affected {
                    subject: Subject::Tool("b".parse().unwrap()),
                    ranges: vec![
                        VersionRange { introduced: "0".into(), fixed: Some("1.0.0".into()) },
                        VersionRange { introduced: "2.0.0".into(), fixed: None },
                    ],
                },
                Affected { subject: Subject::Vendor("B & Söhne".into()), ranges: vec![] },
                Affected { subject: Subject::Model("b/*".into()), ranges: vec![] },
            ],
            digests: vec![sha256(5)],
            reason: Reason::UndisclosedTracking,
            severity: Severity::Critical,
            effective: "2026-11-21T12:00:00Z".parse().unwrap(),
            advisory: Some("https://acme.example/1".into()),
            replacement: Some(Replacement { tool: "c".parse().unwrap(), version: Some("1.2.3".into()) }),
            message: "It says \"no\" and 'no' and \\ no.".into(),
            line: 0,
        };
        let mut draft = draft();
        draft.revoke(&revocation).unwrap();
        assert!(draft.text().starts_with(FILE));
        let mut read = draft.manifest().revocations[0].clone();
        read.line = 0;
        assert_eq!(read, revocation);
        assert_eq!(draft.revocation_ids(), ["ACME-2026-0001"]);
        assert!(draft.revoke(&revocation).is_err(), "ids are never reused");
        assert_eq!(draft.manifest().revocations.len(), 1, "a change that fails changes nothing");
    }

    #[test]
    fn an_inline_list_is_left_alone() {
        let file = FILE[..FILE.find("# first").unwrap()].to_owned() + "tool = [{ id = \"b\" }]\n";
        let mut draft = Draft::open(Path::new("vetted.toml"), file.as_bytes()).unwrap();
        assert!(matches!(draft.approve(&"b".parse().unwrap(), None, &approval()), Err(EditError::Inline("tool"))));
        assert_eq!(draft.text(), file);
    }
}
