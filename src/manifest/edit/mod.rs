//! Changes to the three documents that leave the rest of each file as it is, byte for byte.
//!
//! A change is an insertion at a place, or a new text for one value; nothing is ever printed from a parsed form. Comments, order
//! and layout survive because nobody touches them. After each change the whole document is read again.

mod new;
mod print;
pub(super) mod text;

pub use new::{Founders, new_manifest, new_revocations, new_trust_policy};

use super::diagnostic::ManifestErrors;
use super::{Approval, AttestationPolicy, Beacon, Header, Manifest, Revocation, Revocations, TrustPolicy, Waiver, Withdrawn};
use crate::digest::DigestSet;
use crate::tool::ToolId;
use jiff::{SignedDuration, Timestamp};
use print::{approval_text, attestation_text, revocation_text, scope_text, waiver_text, withdrawn_text};
use serde::Serialize;
use std::path::{Path, PathBuf};
use text::Text;
use thiserror::Error;

/// A document that can be changed: how its bytes are read.
pub trait Document: Sized {
    /// Read it.
    ///
    /// # Errors
    /// [`ManifestErrors`] when it is not valid.
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors>;
}

impl Document for Manifest {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        Self::parse(path, bytes)
    }
}

impl Document for Revocations {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        Self::parse(path, bytes)
    }
}

impl Document for TrustPolicy {
    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        Self::parse(path, bytes)
    }
}

/// A document that is being changed.
#[derive(Debug, Clone)]
pub struct DraftOf<D> {
    path: PathBuf,
    text: Text,
    document: D,
}

/// A manifest that is being changed.
pub type Draft = DraftOf<Manifest>;
/// A revocations document that is being changed.
pub type RevocationsDraft = DraftOf<Revocations>;
/// A trust policy that is being changed.
pub type TrustDraft = DraftOf<TrustPolicy>;

/// Why a change was not made.
#[derive(Debug, Error)]
pub enum EditError {
    /// The serial or version is the largest there is.
    #[error("the serial cannot count any further")]
    Serial,
    /// The entry would have to go into a list that is written inline.
    #[error("`{0}` is written as an inline list: write the entries under [[{0}]] headings, or add this one by hand")]
    Inline(&'static str),
    /// The document has no entry for the tool.
    #[error("the document has no [[tool]] with the id {0}")]
    NoTool(ToolId),
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

impl<D: Document> DraftOf<D> {
    /// Begin to change a document.
    ///
    /// # Errors
    /// [`ManifestErrors`] when it is not valid as it stands.
    pub fn open(path: &Path, bytes: &[u8]) -> Result<Self, ManifestErrors> {
        let document = D::parse(path, bytes)?;
        // What was parsed is UTF-8: nothing is lost.
        Ok(Self { path: path.to_owned(), text: Text(String::from_utf8_lossy(bytes).into_owned()), document })
    }

    /// What the document says now.
    #[must_use]
    pub fn document(&self) -> &D {
        &self.document
    }

    /// The document as it stands now.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text.0
    }

    fn take(&mut self, text: String) -> Result<(), EditError> {
        self.document = D::parse(&self.path, text.as_bytes()).map_err(Box::new)?;
        self.text = Text(text);
        Ok(())
    }
}

impl Draft {
    /// Every id that a revocation of the document has, of overlays and withdrawn ones too.
    #[must_use]
    pub fn revocation_ids(&self) -> Vec<String> {
        self.text.revocation_ids()
    }

    /// Every id that a waiver of the document has.
    #[must_use]
    pub fn waiver_ids(&self) -> Vec<String> {
        self.text.ids("waiver")
    }

    /// The next issue of the document: serial one higher, issued `now`, expiring after the same time as before.
    ///
    /// # Errors
    /// [`EditError::Serial`].
    pub fn renew(&mut self, now: Timestamp) -> Result<(), EditError> {
        let values = next_issue(&self.document.header, now)?;
        self.take(self.text.with_values(&values))
    }

    /// Add an approval to the entry of its tool, or a new entry. A second approval of one version is an alternative to the first.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn approve(&mut self, tool: &ToolId, purl: Option<&str>, approval: &Approval) -> Result<(), EditError> {
        let entry = self.document.tools.iter().find(|entry| entry.id == *tool);
        let is_twin = |a: &&Approval| a.version == approval.version && a.artifacts == approval.artifacts;
        if let Some(twin) = entry.and_then(|entry| entry.approvals.iter().find(is_twin)) {
            return Err(EditError::Approved { tool: tool.clone(), version: twin.version.clone(), line: twin.line });
        }
        let text = if let Some(end) = self.text.place_of_tool(tool.as_str())? {
            self.text.inserted(end, &approval_text(approval))
        } else {
            let purl = purl.map(|purl| format!("purl = {}\n", quoted(purl))).unwrap_or_default();
            let entry = format!("[[tool]]\nid   = {}\n{purl}\n{}", quoted(tool.as_str()), approval_text(approval));
            self.text.inserted(self.text.0.len(), &entry)
        };
        self.take(text)
    }

    /// Add what attestations of a name have to show, at the end of the document.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn attest(&mut self, policy: &AttestationPolicy) -> Result<(), EditError> {
        self.take(self.text.with_entry("attestation", &attestation_text(policy))?)
    }

    /// Require an attestation policy of a tool that has an entry. Nothing changes where it is required already.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn require(&mut self, tool: &ToolId, id: &str) -> Result<(), EditError> {
        let entry = self.document.tools.iter().find(|entry| entry.id == *tool);
        if entry.ok_or_else(|| EditError::NoTool(tool.clone()))?.require.iter().any(|known| known == id) {
            return Ok(());
        }
        self.take(self.text.with_required(tool.as_str(), &quoted(id))?)
    }

    /// Add a revocation at the end of the document.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn revoke(&mut self, revocation: &Revocation) -> Result<(), EditError> {
        self.take(self.text.with_entry("revocation", &revocation_text(revocation))?)
    }

    /// Add the end of a revocation at the end of the document.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn withdraw(&mut self, withdrawn: &Withdrawn) -> Result<(), EditError> {
        self.take(self.text.with_entry("withdrawn", &withdrawn_text(withdrawn))?)
    }

    /// Add a waiver at the end of the document.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn waive(&mut self, waiver: &Waiver) -> Result<(), EditError> {
        self.take(self.text.with_entry("waiver", &waiver_text(waiver))?)
    }

    /// Take the waiver with an id out of the document. Nothing changes where there is none.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn unwaive(&mut self, id: &str) -> Result<(), EditError> {
        self.take(self.text.without_entry("waiver", id)?)
    }

    /// Give the waiver with an id the scope and the end of another one. Nothing changes where there is none.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn narrow_waiver(&mut self, id: &str, to: &Waiver) -> Result<(), EditError> {
        let mut values = vec![("expires", whole_seconds(to.expires).to_string())];
        values.extend(to.scope.as_ref().map(|scope| ("scope", scope_text(scope))));
        self.take(self.text.with_values_of_entry(("waiver", id), &values)?)
    }
}

impl RevocationsDraft {
    /// Every id that a revocation of the document has.
    #[must_use]
    pub fn revocation_ids(&self) -> Vec<String> {
        self.text.revocation_ids()
    }

    /// The next issue of the document: serial one higher, issued `now`, expiring after the same time as before, naming this
    /// manifest as the newest.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn renew(&mut self, now: Timestamp, beacon: &Beacon) -> Result<(), EditError> {
        let mut values = next_issue(&self.document.header, now)?.to_vec();
        values.push((&["manifest", "serial"], beacon.serial.to_string()));
        values.push((&["manifest", "sha256"], quoted(&beacon.sha256.hex())));
        self.take(self.text.with_values(&values))
    }

    /// Add a revocation at the end of the document.
    ///
    /// # Errors
    /// [`EditError`]; the draft is then unchanged.
    pub fn revoke(&mut self, revocation: &Revocation) -> Result<(), EditError> {
        self.take(self.text.with_entry("revocation", &revocation_text(revocation))?)
    }
}

impl TrustDraft {
    /// The next version: the number one higher, vouching until `lifetime` after `now`. Who may sign what is then changed by hand.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn next(&mut self, now: Timestamp, lifetime: SignedDuration) -> Result<(), EditError> {
        let version = self.document.version.checked_add(1).ok_or(EditError::Serial)?;
        let expires = whole_seconds(now).checked_add(lifetime).unwrap_or(self.document.expires);
        let values: [(&[&str], String); 2] = [(&["version"], version.to_string()), (&["expires"], expires.to_string())];
        let text = self.text.with_values(&values);
        self.take(text)
    }
}

type Value = (&'static [&'static str], String);

/// The values of the next issue of a document.
fn next_issue(header: &Header, now: Timestamp) -> Result<[Value; 3], EditError> {
    let serial = header.serial.checked_add(1).ok_or(EditError::Serial)?;
    let lifetime = header.expires.duration_since(header.issued);
    let issued = whole_seconds(now);
    // At the end of the calendar there is nowhere to move the end to.
    let expires = issued.checked_add(lifetime).unwrap_or(header.expires);
    Ok([(&["serial"], serial.to_string()), (&["issued"], issued.to_string()), (&["expires"], expires.to_string())])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::manifest::{
        Affected, Approved, Artifact, FileListRef, Installed, Lifts, Mode, Reason, Replacement, Scope, Severity, Shape, Subject,
    };
    use crate::tool::{Package, Platform};
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
        let file = Installed {
            package: None,
            platform: None,
            shape: Shape::File { path: String::new() },
            digests: sha256(1),
            files: None,
        };
        let tree = Installed {
            package: None,
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
            artifacts: vec![
                Artifact::Release(crate::manifest::Release { digests: sha256(4), ..crate::manifest::Release::default() }),
                Artifact::Installed(tree),
                Artifact::Installed(file),
            ],
            line: 0,
            released: None,
            is_unattested: false,
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
        let mut read = draft.document().tools[0].approvals[0].clone();
        read.line = 0;
        assert_eq!(read, approval());
        assert!(draft.document().tools[1].approvals.is_empty());

        let again = draft.approve(&"b".parse().unwrap(), None, &approval());
        assert!(matches!(again, Err(EditError::Approved { .. })), "{again:?}");
    }

    #[test]
    fn a_second_approval_stands_after_the_first() {
        let mut draft = draft();
        for version in ["1.0.0", "2.0.0"] {
            draft.approve(&"b".parse().unwrap(), None, &Approval { version: version.into(), ..approval() }).unwrap();
        }
        let versions: Vec<_> = draft.document().tools[0].approvals.iter().map(|a| a.version.as_str()).collect();
        assert_eq!(versions, ["1.0.0", "2.0.0"]);
    }

    #[test]
    fn the_last_entry_of_a_file_without_a_last_newline_can_grow() {
        let mut draft = draft();
        draft.approve(&"c".parse().unwrap(), None, &approval()).unwrap();
        assert_eq!(draft.document().tools[1].approvals.len(), 1);
        assert!(draft.text().ends_with("\n\t# the end"), "{}", draft.text());
    }

    #[test]
    fn a_new_tool_gets_an_entry_at_the_end() {
        let mut draft = draft();
        draft.approve(&"d".parse().unwrap(), Some("pkg:npm/d"), &approval()).unwrap();
        assert!(draft.text().starts_with(FILE));
        assert!(draft.text().contains("# the end\n\n[[tool]]\nid   = \"d\"\npurl = \"pkg:npm/d\"\n"), "{}", draft.text());
        assert_eq!(draft.document().tools[2].approvals.len(), 1);
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

    fn revocation() -> Revocation {
        Revocation {
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
                Affected { subject: Subject::Package(Package::parse_purl("pkg:npm/%40b/c").unwrap().0), ranges: vec![] },
            ],
            digests: vec![sha256(5)],
            reason: Reason::UndisclosedTracking,
            severity: Severity::Critical,
            effective: "2026-11-21T12:00:00Z".parse().unwrap(),
            advisory: Some("https://acme.example/1".into()),
            replacement: Some(Replacement { tool: "c".parse().unwrap(), version: Some("1.2.3".into()) }),
            message: "It says \"no\" and 'no' and \\ no.".into(),
            line: 0,
        }
    }

    #[test]
    fn a_revocation_reads_back_as_it_was_meant() {
        let (mut draft, revocation) = (draft(), revocation());
        draft.revoke(&revocation).unwrap();
        assert!(draft.text().starts_with(FILE));
        let mut read = draft.document().revocations[0].clone();
        read.line = 0;
        assert_eq!(read, revocation);
        assert_eq!(draft.revocation_ids(), ["ACME-2026-0001"]);
        assert!(draft.revoke(&revocation).is_err(), "ids are never reused");
        assert_eq!(draft.document().revocations.len(), 1, "a change that fails changes nothing");
    }

    #[test]
    fn an_inline_list_is_left_alone() {
        let file = FILE[..FILE.find("# first").unwrap()].to_owned() + "tool = [{ id = \"b\" }]\n";
        let mut draft = Draft::open(Path::new("vetted.toml"), file.as_bytes()).unwrap();
        assert!(matches!(draft.approve(&"b".parse().unwrap(), None, &approval()), Err(EditError::Inline("tool"))));
        assert_eq!(draft.text(), file);
    }

    #[test]
    fn an_end_of_a_revocation_and_a_waiver_read_back_as_they_were_meant() {
        let mut draft = draft();
        let withdrawn = Withdrawn { id: "ACME-2026-0001".into(), reason: "fixed in 2.1.140 \"again\"".into(), line: 0 };
        draft.withdraw(&withdrawn).unwrap();
        let waiver = Waiver {
            id: "W-2026-001".into(),
            lifts: vec![Lifts::Revocation("ACME-2026-0002".into()), Lifts::Unvetted],
            tool: "b".parse().unwrap(),
            versions: vec!["1.0.0".into()],
            digests: sha256(7),
            scope: Some(Scope {
                repositories: vec!["github.com/acme/forensics-*".into()],
                groups: vec!["lab".into()],
                paths: Vec::new(),
            }),
            owner: "carol@acme.example".into(),
            approver: "Dave O'Neil".into(),
            reason: "it's \\ needed".into(),
            starts: "2026-11-21T12:00:00Z".parse().unwrap(),
            expires: "2026-11-28T12:00:00Z".parse().unwrap(),
            line: 0,
        };
        draft.waive(&waiver).unwrap();
        assert!(draft.text().starts_with(FILE));
        let read = Waiver { line: 0, ..draft.document().waivers[0].clone() };
        assert_eq!(read, waiver);
        assert_eq!(Withdrawn { line: 0, ..draft.document().withdrawn[0].clone() }, withdrawn);
        assert_eq!(draft.waiver_ids(), ["W-2026-001"]);
        // Everywhere and for every version is said by leaving it out.
        let bare = Waiver { id: "W-2".into(), versions: vec![], digests: DigestSet::new(), scope: None, ..waiver.clone() };
        draft.waive(&bare).unwrap();
        assert_eq!(Waiver { line: 0, ..draft.document().waivers[1].clone() }, bare);
        let before = draft.text().to_owned();
        assert!(draft.waive(&waiver).is_err(), "ids are never reused");
        assert!(draft.withdraw(&withdrawn).is_err(), "it ended already");
        assert!(draft.waive(&Waiver { id: "W-3".into(), approver: waiver.owner.clone(), ..waiver }).is_err());
        assert_eq!(draft.text(), before, "a change that fails changes nothing");
    }

    const REVOCATIONS: &str = "kind = \"vetted/revocations\" # on call\nschema = 1\nname = \"acme\"\nserial = 0b1001\n\
        issued = 2026-11-20T18:00:00Z\nexpires = 2026-11-21T18:00:00Z\n\n[manifest] # the beacon\n\
        sha256 = '0000000000000000000000000000000000000000000000000000000000000000'\nserial = 46 # newest\n";

    fn beacon() -> Beacon {
        Beacon { serial: 47, sha256: Digest::Sha256([0xab; 32]) }
    }

    #[test]
    fn the_next_issue_of_revocations_names_the_newest_manifest() {
        let mut draft = RevocationsDraft::open(Path::new("vetted-revocations.toml"), REVOCATIONS.as_bytes()).unwrap();
        draft.renew("2026-11-21T12:00:00Z".parse().unwrap(), &beacon()).unwrap();
        let expected = REVOCATIONS
            .replace("0b1001", "10")
            .replace("2026-11-20T18:00:00Z", "2026-11-21T12:00:00Z")
            .replace("2026-11-21T18:00:00Z", "2026-11-22T12:00:00Z")
            .replace(&format!("'{}'", "0".repeat(64)), &format!("\"{}\"", "ab".repeat(32)))
            .replace("46 # newest", "47 # newest");
        assert_eq!(draft.text(), expected);
        assert_eq!(draft.document().manifest, beacon());
        draft.revoke(&revocation()).unwrap();
        assert!(draft.text().starts_with(&expected));
        assert_eq!(draft.revocation_ids(), ["ACME-2026-0001"]);
        assert_eq!(Revocation { line: 0, ..draft.document().revocations[0].clone() }, revocation());
    }

    #[test]
    fn what_is_made_anew_is_valid() {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let day = SignedDuration::from_hours(24);
        let text = new_revocations("acme.example/ai-tools", &beacon(), now, day);
        let draft = RevocationsDraft::open(Path::new("vetted-revocations.toml"), text.as_bytes()).unwrap();
        assert_eq!((draft.document().header.serial, &draft.document().manifest), (1, &beacon()));
        let text = new_manifest("acme.example/ai-tools", Mode::Enforce, now, day, "");
        assert_eq!(Draft::open(Path::new("vetted.toml"), text.as_bytes()).unwrap().document().mode, Mode::Enforce);
    }

    proptest::proptest! {
        /// Whatever is changed, what stood in the file before stands in it after, in the same order.
        #[test]
        fn no_line_of_the_file_is_lost(steps in proptest::collection::vec(0_u8..5, 1..6)) {
            let mut draft = draft();
            for (number, step) in steps.into_iter().enumerate() {
                let before = draft.text().to_owned();
                let id = format!("X-{number}");
                match step {
                    0 => draft.approve(&"b".parse().unwrap(), None, &Approval { version: id, ..approval() }).unwrap(),
                    1 => draft.approve(&"d".parse().unwrap(), None, &Approval { version: id, ..approval() }).unwrap(),
                    2 => draft.revoke(&Revocation { id, ..revocation() }).unwrap(),
                    3 => draft.withdraw(&Withdrawn { id, reason: "r".into(), line: 0 }).unwrap(),
                    _ => {
                        draft.renew("2026-11-21T12:00:00Z".parse().unwrap()).unwrap();
                        continue;
                    }
                }
                let mut after = draft.text().lines();
                for line in before.lines() {
                    proptest::prop_assert!(after.any(|other| other == line), "{line:?} is lost");
                }
            }
        }
    }
}
