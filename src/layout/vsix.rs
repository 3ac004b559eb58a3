//! Extensions of the VS Code family: the folder that an editor leaves of a `.vsix`.
//!
//! An editor strips the folder `extension`, keeps `extension.vsixmanifest` as `.vsixmanifest` beside the rest, and writes members of its
//! own into `package.json`. The first is measured as a tree, the last as what the file says without those members.

use super::{LayoutRefusal, Place, Program, Tree, installed, is_program, no_links};
use crate::archive::Contents;
use crate::digest::{Digest, TreeFile};
use crate::manifest::json::canonical_without;
use crate::manifest::{Artifact, Shape};
use crate::tool::Platform;
use quick_xml::Reader;
use quick_xml::events::Event;

/// What an editor unpacks.
const FOLDER: &str = "extension/";
/// The description of an extension.
const DESCRIPTION: &str = "package.json";
/// What an editor writes itself.
const WRITTEN_BY_EDITORS: [&str; 2] = [DESCRIPTION, ".vsixmanifest"];
/// The member that an editor adds to the description.
const ADDED: &str = "__metadata";

/// What an extension is and what an installation of it puts on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vsix {
    /// `publisher.name`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The platform it is for, by `TargetPlatform` of its manifest; `None` is every one. One that vetted does not know stands for itself,
    /// which is the name of no machine.
    pub platform: Option<Platform>,
    /// `TargetPlatform` as written.
    pub target: Option<String>,
    /// Its folder without what editors write themselves: `package.json` and `.vsixmanifest`.
    pub tree: Tree,
    /// SHA-256 of what its `package.json` says without the members that editors add.
    pub description: [u8; 32],
    /// The files that run by themselves.
    pub programs: Vec<Program>,
}

impl Vsix {
    /// What an approval asks for: the tree, the description, and each program.
    #[must_use]
    pub fn artifacts(&self) -> Vec<Artifact> {
        let place = Place { package: None, platform: self.platform.clone() };
        let exclude = WRITTEN_BY_EDITORS.map(str::to_owned).to_vec();
        let tree = self.tree.artifact(place.clone(), Shape::Tree { include: Vec::new(), exclude });
        let json = Shape::Json { path: DESCRIPTION.to_owned(), without: vec![ADDED.to_owned()] };
        let description = installed(place.clone(), json, Digest::Sha256(self.description));
        let programs = self.programs.iter().map(|program| program.artifact(place.clone()));
        [tree, description].into_iter().chain(programs).collect()
    }
}

/// The files whose content [`lay`] needs: what `archive::contents` is to keep.
#[must_use]
pub fn keep(name: &str, _size: u64) -> bool {
    matches!(name, "extension/package.json" | "extension.vsixmanifest")
}

/// What an installation of this extension looks like. `contents` are those of the `.vsix`, read with [`keep`].
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(contents: &Contents) -> Result<Vsix, LayoutRefusal> {
    no_links(contents)?;
    let name = "extension/package.json";
    let json = contents.kept.get(name).ok_or(LayoutRefusal::Missing(name))?;
    let wrong = |why: String| LayoutRefusal::Description { file: name.to_owned(), why };
    let canonical = canonical_without(json, &[ADDED.to_owned()]).map_err(wrong)?;
    let facts: serde_json::Value = serde_json::from_slice(&canonical).map_err(|error| wrong(error.to_string()))?;
    let text = |key: &str| facts[key].as_str().map(str::to_owned).ok_or_else(|| wrong(format!("it has no `{key}`")));
    let id = format!("{}.{}", text("publisher")?, text("name")?);
    let manifest = contents.kept.get("extension.vsixmanifest").ok_or(LayoutRefusal::Missing("extension.vsixmanifest"))?;
    let target = target(manifest);
    let (mut files, mut programs, mut executables) = (Vec::new(), Vec::new(), Vec::new());
    for file in &contents.files {
        let Some(path) = file.name.strip_prefix(FOLDER).filter(|path| !WRITTEN_BY_EDITORS.contains(path)) else { continue };
        if is_program(file) {
            programs.push(Program { path: path.to_owned(), sha256: file.sha256, size: file.size });
        }
        if file.executable {
            executables.push(path.to_owned());
        }
        files.push(TreeFile { name: path.to_owned(), sha256: file.sha256 });
    }
    Ok(Vsix {
        version: text("version")?,
        id,
        platform: target.as_deref().and_then(platform),
        target,
        tree: Tree::of(files, Vec::new())?.with_executables(executables),
        description: sha256(&canonical),
        programs,
    })
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).into()
}

/// The attribute `TargetPlatform` of the element `Identity`.
fn target(manifest: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(manifest);
    let mut reader = Reader::from_str(&text);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) | Event::Empty(start) if start.name().as_ref() == "Identity" => {
                let attribute = start.attributes().flatten().find(|attribute| attribute.key.as_ref() == "TargetPlatform")?;
                return Some(attribute.value.into_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
    None
}

/// What VS Code calls a platform (vscode, `TargetPlatform`).
fn platform(target: &str) -> Option<Platform> {
    let name = match target {
        "universal" | "undefined" => return None,
        "linux-x64" | "alpine-x64" => "linux/x86_64",
        "linux-arm64" | "alpine-arm64" => "linux/aarch64",
        "linux-armhf" => "linux/arm",
        "darwin-x64" => "macos/x86_64",
        "darwin-arm64" => "macos/aarch64",
        "win32-x64" => "windows/x86_64",
        "win32-arm64" => "windows/aarch64",
        "win32-ia32" => "windows/x86",
        other => other,
    };
    Some(Platform(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Unpacked;

    fn contents(files: &[(&str, &str)]) -> Contents {
        let file = |(name, text): &(&str, &str)| Unpacked {
            name: (*name).to_owned(),
            sha256: sha256(text.as_bytes()),
            size: text.len() as u64,
            executable: false,
            start: *text.as_bytes().first_chunk().unwrap_or(&[0; 16]),
            as_unix_script: None,
        };
        let kept = files.iter().filter(|(n, _)| keep(n, 0)).map(|(n, t)| ((*n).to_owned(), t.as_bytes().to_vec())).collect();
        Contents { files: files.iter().map(file).collect(), links: Vec::new(), kept }
    }

    const MANIFEST: &str =
        r#"<PackageManifest><Metadata><Identity Id="x" TargetPlatform="linux-x64"/></Metadata></PackageManifest>"#;

    #[test]
    fn an_extension_is_a_tree_and_a_description() {
        let description = r#"{ "name": "x", "publisher": "P", "version": "1.2.3" }"#;
        let elf = "\u{7f}ELF0123456789abcdef";
        let files = [
            ("[Content_Types].xml", ""),
            ("extension.vsixmanifest", MANIFEST),
            ("extension/.vsixmanifest", "not unpacked as it is"),
            ("extension/bin/x", elf),
            ("extension/package.json", description),
        ];
        let laid = lay(&contents(&files)).unwrap();
        assert_eq!((laid.id.as_str(), laid.version.as_str()), ("P.x", "1.2.3"));
        assert_eq!(laid.platform, Some(Platform("linux/x86_64".to_owned())));
        let tree = [TreeFile { name: "bin/x".to_owned(), sha256: sha256(elf.as_bytes()) }];
        assert_eq!(laid.tree.list.files, tree);
        assert_eq!(laid.description, sha256(br#"{"name":"x","publisher":"P","version":"1.2.3"}"#));
        assert_eq!(laid.artifacts().len(), 3);
        for missing in [1, 4] {
            let mut fewer = files.to_vec();
            fewer.remove(missing);
            assert!(matches!(lay(&contents(&fewer)), Err(LayoutRefusal::Missing(_))));
        }
    }

    #[test]
    fn an_unknown_platform_is_not_every_one() {
        assert_eq!(platform("universal"), None);
        assert_eq!(platform("web"), Some(Platform("web".to_owned())));
        assert_eq!(target(b"<a><Identity Id='x'/></a>"), None);
        assert_eq!(target(b"\xff<"), None);
    }
}
