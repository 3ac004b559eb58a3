//! The text of a document, changed by insertion at a place or by a new text for one value, and in no other way.

use super::EditError;
use crate::manifest::schema::{self, Problems};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A text that was parsed before, so that what stands where can be asked for.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct Text(pub(super) String);

impl Text {
    /// A text.
    pub(in crate::manifest) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text with `block` as lines of its own after the line on which `offset` stands, an empty line before it.
    pub(super) fn inserted(&self, offset: usize, block: &str) -> String {
        let at = self.0[offset..].find('\n').map_or(self.0.len(), |newline| offset + newline + 1);
        let (before, after) = self.0.split_at(at);
        let newline = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let gap = if after.is_empty() || after.starts_with(['\n', '\r']) { "" } else { "\n" };
        format!("{before}{newline}\n{block}{gap}{after}")
    }

    /// The text with a new `[[key]]` entry at its end.
    ///
    /// # Errors
    /// [`EditError::Inline`].
    pub(super) fn with_entry(&self, key: &'static str, block: &str) -> Result<String, EditError> {
        self.refuse_inline(key)?;
        Ok(self.inserted(self.0.len(), block))
    }

    /// The text without the `[[key]]` entry that has an id, its lines and one empty line before them. Without such an entry nothing
    /// changes.
    ///
    /// # Errors
    /// [`EditError::Inline`].
    pub(super) fn without_entry(&self, key: &'static str, id: &str) -> Result<String, EditError> {
        self.refuse_inline(key)?;
        let problems = Problems::default();
        let table = schema::parse(&self.0, &problems);
        let Some(entry) = table.as_ref().and_then(|table| entry_of(table.get_ref(), key, id)) else { return Ok(self.0.clone()) };
        let start = self.0[..entry.span().start].rfind('\n').map_or(0, |newline| newline + 1);
        let last = end_of(entry);
        let end = self.0[last..].find('\n').map_or(self.0.len(), |newline| last + newline + 1);
        let before = &self.0[..start];
        let before = before.strip_suffix("\n\n").map_or(before, |text| &self.0[..=text.len()]);
        Ok(format!("{before}{}", &self.0[end..]))
    }

    /// The text with new texts for values of the `[[key]]` entry that has an id. Without such an entry, or such a value, nothing
    /// changes.
    ///
    /// # Errors
    /// [`EditError::Inline`].
    pub(super) fn with_values_of_entry(
        &self,
        (key, id): (&'static str, &str),
        values: &[(&str, String)],
    ) -> Result<String, EditError> {
        self.refuse_inline(key)?;
        let problems = Problems::default();
        let table = schema::parse(&self.0, &problems);
        let entry = table.as_ref().and_then(|table| entry_of(table.get_ref(), key, id)?.get_ref().as_table());
        let Some(entry) = entry else { return Ok(self.0.clone()) };
        let mut changes: Vec<(Range<usize>, &str)> =
            values.iter().filter_map(|(field, value)| Some((span_of(entry, &[field])?, value.as_str()))).collect();
        changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = self.0.clone();
        for (span, value) in changes {
            text.replace_range(span, value);
        }
        Ok(text)
    }

    /// The text with new texts for values that are there: each a path of keys and what stands at its end. A value that is not
    /// there stays away; the document is read again after every change, and says what it lacks.
    pub(super) fn with_values(&self, values: &[(&[&str], String)]) -> String {
        let problems = Problems::default();
        let table = schema::parse(&self.0, &problems);
        let mut changes: Vec<(Range<usize>, &str)> =
            values.iter().filter_map(|(path, value)| Some((span_of(table.as_ref()?.get_ref(), path)?, value.as_str()))).collect();
        changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
        let mut text = self.0.clone();
        for (span, value) in changes {
            text.replace_range(span, value);
        }
        text
    }

    /// The ids of the entries of a list of tables, those without effect too.
    pub(super) fn ids(&self, key: &str) -> Vec<String> {
        let problems = Problems::default();
        let Some(table) = schema::parse(&self.0, &problems) else { return Vec::new() };
        ids_of(table.get_ref(), key)
    }

    /// The ids of every revocation: those of overlays and those that are withdrawn too.
    pub(in crate::manifest) fn revocation_ids(&self) -> Vec<String> {
        let problems = Problems::default();
        let Some(table) = schema::parse(&self.0, &problems) else { return Vec::new() };
        let mut ids = ids_of(table.get_ref(), "revocation");
        let overlays = table.get_ref().get("overlay").and_then(|list| list.get_ref().as_array());
        for overlay in overlays.into_iter().flat_map(|list| list.iter()).filter_map(|o| o.get_ref().as_table()) {
            ids.extend(ids_of(overlay, "revocation"));
        }
        ids
    }

    pub(super) fn refuse_inline(&self, key: &'static str) -> Result<(), EditError> {
        let problems = Problems::default();
        let table = schema::parse(&self.0, &problems);
        match table.as_ref().and_then(|table| table.get_ref().get(key)) {
            Some(list) if !self.is_heading(&list.span()) => Err(EditError::Inline(key)),
            _ => Ok(()),
        }
    }

    /// Whether a list of tables is written under `[[...]]` headings. The parser gives it the place of the first heading.
    fn is_heading(&self, span: &Range<usize>) -> bool {
        self.0[span.clone()].starts_with("[[")
    }

    /// The text with one more id, as a TOML string, in `require` of the `[[tool]]` entry with an id. Without such an entry nothing changes.
    ///
    /// # Errors
    /// [`EditError::Inline`].
    pub(super) fn with_required(&self, tool: &str, id: &str) -> Result<String, EditError> {
        self.refuse_inline("tool")?;
        let problems = Problems::default();
        let table = schema::parse(&self.0, &problems);
        let entry =
            table.as_ref().and_then(|table| tool_entry(table.get_ref(), tool)).and_then(|entry| entry.get_ref().as_table());
        let Some(entry) = entry else { return Ok(self.0.clone()) };
        let mut text = self.0.clone();
        if let Some(list) = entry.get("require") {
            let last = list.get_ref().as_array().and_then(|items| items.iter().last()).map(|item| item.span().end);
            match last {
                Some(end) => text.insert_str(end, &format!(", {id}")),
                None => text.replace_range(list.span(), &format!("[{id}]")),
            }
        } else if let Some((key, value)) = entry.get_key_value("id") {
            // On a line of its own below the id, as far to the right.
            let start = text[..key.span().start].rfind('\n').map_or(0, |newline| newline + 1);
            let indent = text[start..key.span().start].to_owned();
            let end = value.span().end;
            let at = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
            text.insert_str(at, &format!("\n{indent}require = [{id}]"));
        }
        Ok(text)
    }

    /// Where the `[[tool]]` entry with an id ends, if there is one.
    ///
    /// # Errors
    /// [`EditError::Inline`].
    pub(super) fn place_of_tool(&self, id: &str) -> Result<Option<usize>, EditError> {
        self.refuse_inline("tool")?;
        let problems = Problems::default();
        let Some(table) = schema::parse(&self.0, &problems) else { return Ok(None) };
        let Some(entry) = tool_entry(table.get_ref(), id) else { return Ok(None) };
        let approvals = entry.get_ref().as_table().and_then(|entry| entry.get("approval"));
        if approvals.is_some_and(|list| !self.is_heading(&list.span())) {
            return Err(EditError::Inline("tool.approval"));
        }
        Ok(Some(end_of(entry)))
    }
}

/// The entry of the list `tool` with an id.
fn tool_entry<'a, 'i>(table: &'a DeTable<'i>, id: &str) -> Option<&'a toml::Spanned<DeValue<'i>>> {
    entry_of(table, "tool", id)
}

/// The entry of a list of tables with an id.
fn entry_of<'a, 'i>(table: &'a DeTable<'i>, key: &str, id: &str) -> Option<&'a toml::Spanned<DeValue<'i>>> {
    let entries = table.get(key)?.get_ref().as_array()?;
    entries.iter().find(|entry| {
        let found = entry.get_ref().as_table().and_then(|entry| entry.get("id")).and_then(|id| id.get_ref().as_str());
        found == Some(id)
    })
}

/// Where the value at a path of keys stands in a text; nowhere when it is not there.
pub(in crate::manifest) fn place_of(text: &str, path: &[&str]) -> Range<usize> {
    let problems = Problems::default();
    schema::parse(text, &problems).and_then(|table| span_of(table.get_ref(), path)).unwrap_or(0..0)
}

fn ids_of(table: &DeTable<'_>, key: &str) -> Vec<String> {
    let entries = table.get(key).and_then(|list| list.get_ref().as_array());
    let ids = entries.into_iter().flat_map(|list| list.iter());
    ids.filter_map(|entry| entry.get_ref().as_table()?.get("id")?.get_ref().as_str()).map(str::to_owned).collect()
}

fn span_of(table: &DeTable<'_>, path: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let node = table.get(*first)?;
    if rest.is_empty() { Some(node.span()) } else { span_of(node.get_ref().as_table()?, rest) }
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
