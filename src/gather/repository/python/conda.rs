//! `environment.yml` of conda: its `pip` lists hold requirements. Its own packages come from channels, of which the catalogue knows none.

use super::pypi::mentions_of_text;
use crate::gather::repository::document::{Node, yaml};
use crate::gather::repository::{Format, Place, Reading, Source};
use std::path::Path;

/// This format. Other programs call files by this name, too: one without dependencies is none of conda's.
pub(in crate::gather::repository) const FORMAT: Format =
    Format { is_told_by_name: false, ..Format::named("environment.yml", matches, read) };

/// `environment.yml`, `environment-gpu.yaml`, `conda-dev.yml`, and what lies in a folder of such a name.
fn matches(place: &Place<'_>) -> bool {
    let Some(stem) = place.name().strip_suffix(".yml").or_else(|| place.name().strip_suffix(".yaml")) else { return false };
    let is_called =
        |text: &str| text.split(['-', '_', '.']).any(|word| ["environment", "environments", "conda", "env"].contains(&word));
    let folder = place.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().to_ascii_lowercase());
    is_called(stem) || folder.is_some_and(|folder| folder != "env" && is_called(&folder))
}

fn read(source: &Source<'_>) -> Reading {
    let document = match yaml::parse(source.bytes) {
        Ok(document) => document,
        Err(error) if source.bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"dependencies:")) => {
            return Reading::unreadable(source, "YAML", &error);
        }
        Err(_) => return Reading::default(),
    };
    let mut reading = Reading::default();
    let dependencies = document.get("dependencies").map(Node::items).unwrap_or_default();
    for item in dependencies.iter().filter_map(|item| item.get("pip")).flat_map(Node::items) {
        if let Some(text) = item.text() {
            mentions_of_text(source, text, item.line, &mut reading);
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use std::path::Path;

    #[test]
    fn the_pip_list_is_read() {
        let catalogue = Catalogue::built_in();
        let read_text = |text: &str| read(&Source::new(Path::new("environment.yml"), text.as_bytes(), &catalogue));
        let reading = read_text(
            "name: x\ndependencies:\n  - python=3.11\n  - openai=1.0\n  - pip:\n    - claude-agent-sdk==0.1.55\n    - -r requirements.txt\n",
        );
        let [mention] = &reading.mentions[..] else { panic!("{:?}", reading.mentions) };
        assert_eq!((mention.package.name.as_str(), mention.location.line), ("claude-agent-sdk", Some(6)));
        assert_eq!(reading.oddities, []);
        assert_eq!(read_text("name: {{ .Values }}: x").oddities, []);
        assert_eq!(read_text("dependencies:\n- [").oddities.len(), 1);
    }
}
