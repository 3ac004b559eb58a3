//! Plugins of JetBrains IDEs: a zip archive with one folder, or a single jar.

use super::{LayoutRefusal, Tree, no_links};
use crate::archive::Contents;
use crate::digest::TreeFile;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Where a jar says which plugin it is.
pub const DESCRIPTOR: &str = "META-INF/plugin.xml";

/// The id and the version of a plugin, as its `META-INF/plugin.xml` writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its id; its name where it has none.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
}

/// A plugin that came as a zip archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The folder that an IDE unpacks.
    pub folder: String,
    /// What lies in it.
    pub tree: Tree,
    /// The jars in its `lib`, one of which has the descriptor; relative to the folder.
    pub jars: Vec<String>,
}

/// What an installation of this plugin looks like. A plugin that is a jar is that one file and has no layout.
///
/// # Errors
/// [`LayoutRefusal`].
pub fn lay(contents: &Contents) -> Result<Plugin, LayoutRefusal> {
    no_links(contents)?;
    let first = contents.files.first().ok_or(LayoutRefusal::Missing("lib"))?;
    let (folder, _) = first.name.split_once('/').ok_or_else(|| LayoutRefusal::Outside(first.name.clone()))?;
    let (mut files, mut executables) = (Vec::with_capacity(contents.files.len()), Vec::new());
    for file in &contents.files {
        let below = file.name.strip_prefix(folder).and_then(|path| path.strip_prefix('/'));
        let name = below.ok_or_else(|| LayoutRefusal::Outside(file.name.clone()))?.to_owned();
        if file.executable {
            executables.push(name.clone());
        }
        files.push(TreeFile { name, sha256: file.sha256 });
    }
    let is_jar = |name: &&str| {
        name.strip_prefix("lib/")
            .is_some_and(|jar| jar.rsplit_once('.').is_some_and(|(name, end)| end == "jar" && !name.contains('/')))
    };
    let jars: Vec<String> = files.iter().map(|file| file.name.as_str()).filter(is_jar).map(str::to_owned).collect();
    if jars.is_empty() {
        return Err(LayoutRefusal::Missing("lib/*.jar"));
    }
    Ok(Plugin { folder: folder.to_owned(), tree: Tree::of(files, Vec::new())?.with_executables(executables), jars })
}

/// The id and the version directly below the root element. A plugin without an id has its name as id.
#[must_use]
pub fn descriptor(xml: &[u8]) -> Option<Descriptor> {
    // Bytes that are no text can stand in no id that anybody knows.
    let xml = String::from_utf8_lossy(xml);
    let mut reader = Reader::from_str(&xml);
    let (mut id, mut name, mut version) = (None, None, None);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    // What is wrong further down does not take back what was read.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::End(_) => {
                let element = path.pop().unwrap_or_default();
                let value = text.trim().to_owned();
                if path.len() == 1 && !value.is_empty() {
                    match element.as_str() {
                        "id" => id = id.or(Some(value)),
                        "name" => name = name.or(Some(value)),
                        "version" => version = version.or(Some(value)),
                        _ => {}
                    }
                }
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    Some(Descriptor { id: id.or(name)?, version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Unpacked;

    #[test]
    fn a_descriptor_is_read_at_its_first_level_only() {
        let xml = b"<?xml version=\"1.0\"?><idea-plugin><vendor><id>no</id></vendor><id> com.x </id>\
                    <version><![CDATA[0.1.14-beta]]></version><extensions><version>9</version></extensions></idea-plugin>";
        let plugin = Descriptor { id: "com.x".to_owned(), version: Some("0.1.14-beta".to_owned()) };
        assert_eq!(descriptor(xml), Some(plugin));
        let unnamed = Descriptor { id: "Name".to_owned(), version: None };
        assert_eq!(descriptor(b"<idea-plugin><name>Name</name></idea-plugin>"), Some(unnamed));
        assert_eq!(descriptor(b"<idea-plugin>"), None);
        assert_eq!(descriptor(b"\xff\xfe not xml"), None);
    }

    #[test]
    fn a_plugin_is_one_folder_with_jars() {
        let contents = |names: &[&str]| {
            let file = |name: &&str| Unpacked {
                name: (*name).to_owned(),
                sha256: [1; 32],
                size: 1,
                executable: false,
                start: [0; 16],
                as_unix_script: None,
            };
            Contents { files: names.iter().map(file).collect(), ..Contents::default() }
        };
        let plugin = lay(&contents(&["P/lib/a.jar", "P/lib/modules/b.jar", "P/x.txt"])).unwrap();
        assert_eq!((plugin.folder.as_str(), plugin.jars.as_slice()), ("P", ["lib/a.jar".to_owned()].as_slice()));
        assert_eq!(plugin.tree.list.files.len(), 3);
        assert_eq!(lay(&contents(&["P/lib/a.jar", "Q/x"])), Err(LayoutRefusal::Outside("Q/x".to_owned())));
        assert_eq!(lay(&contents(&["META-INF"])), Err(LayoutRefusal::Outside("META-INF".to_owned())));
        assert_eq!(lay(&contents(&["P/a.jar"])), Err(LayoutRefusal::Missing("lib/*.jar")));
    }
}
