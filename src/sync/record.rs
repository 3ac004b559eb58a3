//! What is remembered of one sync for the next one, and for whoever asks how it went.
//!
//! It lies in the policy folder, so that everybody who reads the policy can say how old it is, whoever brings it. Nothing of it is
//! believed: it decides only when and what to ask, never what to trust.

use crate::digest::{Algorithm, Digest};
use crate::world::files::{FileError, Files};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The file in the policy folder.
pub const RECORD_FILE: &str = "vetted-sync.json";
/// The largest record that is read, in bytes.
const MAX_RECORD: u64 = 16 * 1024 * 1024;
/// After a first failure it is tried again so soon; after each further one twice as late, up to the usual interval.
const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(5);

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was last tried.
    #[serde(default)]
    pub attempt: Option<Timestamp>,
    /// When it last went well.
    #[serde(default)]
    pub success: Option<Timestamp>,
    /// Which source answered then.
    #[serde(default)]
    pub source: Option<String>,
    /// What went wrong the last time, where something did.
    #[serde(default)]
    pub error: Option<String>,
    /// How often in a row it went wrong.
    #[serde(default)]
    pub failures: u32,
    /// The documents that are here, where a sync brought or confirmed them.
    #[serde(default)]
    pub held: Option<Held>,
}

/// The documents that were believed when they were brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Each document and signature: its digest, and what the source called it.
    pub files: BTreeMap<String, HeldFile>,
    /// `[sync] sources` of the manifest.
    pub sources: Vec<String>,
    /// `[sync] every` of the manifest, in seconds.
    pub every: i64,
    /// `name` of the documents.
    pub name: String,
    /// Every other file that the documents need, with its size in bytes.
    pub further: BTreeMap<String, u64>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFile {
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// What the source that answered called it.
    #[serde(default)]
    pub tag: Option<String>,
}

impl HeldFile {
    /// These bytes under this tag.
    #[must_use]
    pub fn of(bytes: &[u8], tag: Option<&super::source::Tag>) -> Self {
        Self { sha256: Digest::sha256_of(bytes).hex(), tag: tag.map(|tag| tag.0.clone()) }
    }

    /// Whether these are the bytes.
    #[must_use]
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        Digest::parse(Algorithm::Sha256, &self.sha256).is_ok_and(|digest| digest == Digest::sha256_of(bytes))
    }
}

impl Record {
    /// What is remembered in a policy folder. A record that cannot be read is as good as none: everything is asked for anew.
    #[must_use]
    pub fn load(files: Files, folder: &Path) -> Self {
        let bytes = files.read(&folder.join(RECORD_FILE), MAX_RECORD).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keep it in a policy folder, for everybody to read.
    ///
    /// # Errors
    /// [`FileError`]; the old one is then untouched.
    pub fn save(&self, files: Files, folder: &Path) -> Result<(), FileError> {
        // A structure of texts and numbers always has a JSON form.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        files.write_atomic(&folder.join(RECORD_FILE), text.as_bytes(), 0o644)
    }

    /// Whether it is time again. `every` is the usual interval; after failures it is tried sooner at first and then ever later,
    /// never later than usual. A record from the future is that of a clock that was wrong.
    #[must_use]
    pub fn is_due(&self, every: SignedDuration, now: Timestamp) -> bool {
        let Some(attempt) = self.attempt else { return true };
        let wait = match self.failures {
            0 => every,
            n => FIRST_RETRY.checked_mul(1 << (n - 1).min(16)).unwrap_or(every).min(every),
        };
        let since = now.duration_since(attempt);
        since >= wait || since.is_negative()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tried_again_sooner_and_then_ever_later() {
        let start: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let after = |minutes: i64| start + SignedDuration::from_mins(minutes);
        let every = SignedDuration::from_mins(60);
        let record = |failures| Record { attempt: Some(start), failures, ..Record::default() };
        assert!(Record::default().is_due(every, start));
        for (failures, minutes) in [(0, 60), (1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (30, 60)] {
            assert!(!record(failures).is_due(every, after(minutes - 1)), "{failures}");
            assert!(record(failures).is_due(every, after(minutes)), "{failures}");
        }
        assert!(record(0).is_due(every, after(-1)), "the clock was set back");
    }

    #[test]
    fn a_broken_record_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", "{\"attempt\":7}"] {
            Files.write_atomic(&folder.path().join(RECORD_FILE), text.as_bytes(), 0o600).unwrap();
            assert_eq!(Record::load(Files, folder.path()), Record::default());
        }
    }
}
