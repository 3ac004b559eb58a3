//! `RECORD`: the list of its files that a wheel carries (binary distribution format, "The .dist-info directory").

use crate::archive::Contents;
use crate::layout::LayoutRefusal;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;

/// Files that no row can have a sum for.
const WITHOUT_SUM: [&str; 3] = ["RECORD", "RECORD.jws", "RECORD.p7s"];

/// The fields of one line of a `RECORD`, which is CSV: in quotes where one holds a comma.
#[must_use]
pub fn fields(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut in_quotes = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let last = found.len() - 1;
        match c {
            '"' if in_quotes && characters.next_if_eq(&'"').is_some() => found[last].push('"'),
            '"' => in_quotes = !in_quotes,
            ',' if !in_quotes => found.push(String::new()),
            _ => found[last].push(c),
        }
    }
    found
}

/// Hold each row against the wheel, and each file against the rows.
pub(super) fn check(text: &str, info: &str, contents: &Contents) -> Result<(), LayoutRefusal> {
    let mut rows: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut fields = fields(line).into_iter();
        let path = fields.next().unwrap_or_default().replace('\\', "/");
        let path = path.strip_prefix("./").map_or(path.clone(), str::to_owned);
        let sum = fields.next().unwrap_or_default();
        // A folder has neither content nor sum.
        if path.ends_with('/') {
            continue;
        }
        match rows.get(&path) {
            Some(other) if *other != sum => return Err(LayoutRefusal::RecordSum(path)),
            _ => drop(rows.insert(path, sum)),
        }
    }
    for file in &contents.files {
        let has_no_sum = file.name.strip_prefix(info).and_then(|n| n.strip_prefix('/')).is_some_and(|n| WITHOUT_SUM.contains(&n));
        match rows.remove(&file.name) {
            _ if has_no_sum => {}
            None => return Err(LayoutRefusal::RecordMissing(file.name.clone())),
            Some(sum) if is_sum(&sum, &file.sha256) => {}
            Some(_) => return Err(LayoutRefusal::RecordSum(file.name.clone())),
        }
    }
    let is_there = |path: &String| WITHOUT_SUM.iter().any(|name| path.strip_prefix(info) == Some(&format!("/{name}")));
    match rows.into_keys().find(|path| !is_there(path)) {
        Some(path) => Err(LayoutRefusal::RecordExtra(path)),
        None => Ok(()),
    }
}

/// Whether this is the SHA-256: in base64url as the specification says, or in hex, as real wheels have it.
fn is_sum(sum: &str, sha256: &[u8; 32]) -> bool {
    let Some(value) = sum.strip_prefix("sha256=") else { return false };
    if value.len() == 64 {
        return value.eq_ignore_ascii_case(&hex::encode(sha256));
    }
    let decoded = URL_SAFE_NO_PAD.decode(value).or_else(|_| URL_SAFE.decode(value));
    decoded.is_ok_and(|bytes| bytes == sha256)
}
