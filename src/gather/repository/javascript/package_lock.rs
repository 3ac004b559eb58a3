//! `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3: which versions npm installs, and what brings them.
//!
//! Version 2 says everything twice, in `packages` for npm 7 and later and in `dependencies` for npm 6. Both are read: a lock
//! whose halves differ is not what either half says. What npm downloads is what `resolved` points to, so a tarball's address
//! counts beside the name.

use super::lock::{self, MAX_MENTIONS, integrity_of};
use super::npm;
use crate::evidence::{Mention, Oddity, Request, Role};
use crate::gather::repository::document::{Member, Node as Json};
use crate::gather::repository::ways::{self, Ways};
use crate::gather::repository::{Format, Place, Reading, Source};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Bytes of paths that are built while it is looked for what brings what. Real locks need a few megabytes; past it, a tool is
/// shown under the packages its path names.
const PATH_BUDGET: usize = 256 << 20;
/// The folder npm installs to.
const FOLDER: &str = "node_modules/";

/// This format.
pub(in crate::gather::repository) const FORMAT: Format = Format::named("package-lock.json", matches, read);

/// Names of files in this format.
pub(in crate::gather::repository) const NAMES: [&str; 2] = ["package-lock.json", "npm-shrinkwrap.json"];

fn matches(place: &Place<'_>) -> bool {
    place.is_called(&NAMES)
}

/// One package of a lock.
struct Node<'j> {
    /// Where npm puts it: `node_modules/a/node_modules/b`. Without `node_modules` it is the project or a workspace.
    key: Cow<'j, str>,
    entry: &'j Json<'j>,
    line: u32,
    /// Names of what it depends on.
    needs: Vec<&'j str>,
}

impl Node<'_> {
    /// The name it is installed under.
    fn installed_as(&self) -> Option<&str> {
        self.key.rfind(FOLDER).map(|at| &self.key[at + FOLDER.len()..])
    }

    fn is_project(&self) -> bool {
        self.installed_as().is_none()
    }
}

fn read(source: &Source<'_>) -> Reading {
    let json = match source.json() {
        Ok(json) => json,
        Err(error) => return Reading::unreadable(source, "JSON", error),
    };
    let mut reading = Reading::default();
    let mut halves: Vec<Vec<Node<'_>>> = json.get("packages").map(of_packages).into_iter().collect();
    match json.get("dependencies").map(of_dependencies) {
        Some(Some(nodes)) => halves.push(nodes),
        Some(None) => {
            let why = "its nested paths are longer than any real ones".to_owned();
            reading.oddities.push(Oddity::Unparsable { location: source.at(None), why });
        }
        None => {}
    }
    for nodes in halves {
        add_mentions(source, &nodes, &mut reading);
        if reading.mentions.len() > MAX_MENTIONS {
            lock::too_many(source, &mut reading);
            break;
        }
    }
    reading
}

/// Versions 2 and 3: one flat table by path.
fn of_packages<'j>(packages: &'j Json<'j>) -> Vec<Node<'j>> {
    let sections = ["dependencies", "optionalDependencies", "peerDependencies"];
    let nodes = packages.members().iter().map(|member: &Member<'_>| {
        let is_project = !member.key.contains(FOLDER);
        // Development dependencies of a package are not installed with it, those of the project are.
        let needs = sections.iter().copied().chain(is_project.then_some("devDependencies"));
        let needs =
            needs.filter_map(|section| member.value.get(section)).flat_map(Json::members).map(|m| m.key.as_ref()).collect();
        Node { key: Cow::Borrowed(&member.key), entry: &member.value, line: member.line, needs }
    });
    nodes.collect()
}

/// Version 1: a tree of `dependencies`; `requires` names what each needs. None where the paths alone would fill the memory.
fn of_dependencies<'j>(dependencies: &'j Json<'j>) -> Option<Vec<Node<'j>>> {
    let mut nodes = Vec::new();
    let mut budget = PATH_BUDGET;
    // Depth is that of the file, which JSON of more than 128 levels never gets to.
    let mut open: Vec<(String, &Json<'_>)> = vec![(String::new(), dependencies)];
    while let Some((prefix, level)) = open.pop() {
        for member in level.members() {
            let key = format!("{prefix}{FOLDER}{}", member.key);
            budget = budget.checked_sub(key.len())?;
            if let Some(below) = member.value.get("dependencies") {
                open.push((format!("{key}/"), below));
            }
            let needs = member.value.get("requires").map(Json::members).unwrap_or_default();
            nodes.push(Node {
                key: key.into(),
                entry: &member.value,
                line: member.line,
                needs: needs.iter().map(|m| m.key.as_ref()).collect(),
            });
        }
    }
    Some(nodes)
}

fn add_mentions(source: &Source<'_>, nodes: &[Node<'_>], reading: &mut Reading) {
    let mut ways: Option<Ways> = None;
    for (index, node) in nodes.iter().enumerate() {
        for (known, request) in tools_of(source, node) {
            let integrity = node.entry.get("integrity").and_then(Json::text);
            let integrity = integrity_of(source, integrity, node.line, reading);
            let ways = ways.get_or_insert_with(|| ways_of(nodes));
            let mention = Mention {
                tool: known.tool.id.clone(),
                package: known.package,
                request,
                integrity: integrity.into(),
                location: source.at(Some(node.line)),
                brought_by: way_to(nodes, ways, index),
                role: Role::Dependency,
                quote: None,
            };
            // The second half of a version 2 lock repeats the first.
            let is_repeated = reading.mentions.iter().any(|m| {
                m.package == mention.package
                    && same_request(&m.request, &mention.request)
                    && m.integrity == mention.integrity
                    && m.brought_by.last() == mention.brought_by.last()
            });
            if !is_repeated {
                reading.mentions.push(mention);
            }
            if reading.mentions.len() > MAX_MENTIONS {
                return;
            }
        }
    }
}

fn same_request(a: &Request, b: &Request) -> bool {
    match (a, b) {
        // Equal precedence is not enough: `1.0.0+a` and `1.0.0+b` are two texts.
        (Request::Exact(a), Request::Exact(b)) => a.as_str() == b.as_str(),
        _ => a == b,
    }
}

/// The tools that a package of a lock is: by its name, and by the tarball it is downloaded from where that is another one.
fn tools_of<'a>(source: &Source<'a>, node: &Node<'_>) -> Vec<(npm::Known<'a>, Request)> {
    let catalogue = source.catalogue;
    let Some(installed_as) = node.installed_as() else { return Vec::new() };
    if node.entry.get("link").is_some_and(Json::is_true) {
        return Vec::new();
    }
    let text = |key: &str| node.entry.get(key).and_then(Json::text);
    let version = text("version").unwrap_or_default();
    let mut tools = Vec::new();
    if version.contains(':') {
        // Version 1 writes an alias or an address in place of the version.
        tools.extend(npm::asked(catalogue, installed_as, version));
    } else {
        let name = text("name").unwrap_or(installed_as);
        let known = npm::platform_alias(catalogue, installed_as, name).or_else(|| npm::known(catalogue, name));
        tools.extend(known.map(|known| {
            // A version that cannot be read stays exact: a revocation takes it for a revoked one.
            let version = npm::version_of(known.tool, version);
            (known, Request::Exact(version))
        }));
    }
    if let Some((package, version)) = text("resolved").and_then(npm::tarball)
        && let Some(known) = npm::known(catalogue, &package)
    {
        let request = Request::Exact(npm::version_of(known.tool, &version));
        let is_same = |(other, asked): &(npm::Known<'_>, Request)| other.tool.id == known.tool.id && *asked == request;
        if !tools.iter().any(is_same) {
            tools.push((known, request));
        }
    }
    tools
}

/// What brings what, as node looks for packages.
fn ways_of(nodes: &[Node<'_>]) -> Ways {
    let by_key: HashMap<&str, usize> = nodes.iter().enumerate().map(|(i, node)| (node.key.as_ref(), i)).collect();
    let mut budget = PATH_BUDGET;
    Ways::of(nodes.len(), &roots(nodes), |index| {
        let Node { key, needs, .. } = &nodes[index];
        needs.iter().filter_map(|need| resolve(&by_key, key, need, &mut budget)).collect()
    })
}

/// The packages that bring a package, outermost first. Where no way was found, its own path names at least those it lies in.
fn way_to(nodes: &[Node<'_>], ways: &Ways, index: usize) -> Vec<String> {
    if ways.is_brought(index) {
        return ways.to(index, &|at| nodes[at].installed_as());
    }
    let mut parts: Vec<&str> = nodes[index].key.split(FOLDER).skip(1).map(|part| part.trim_end_matches('/')).collect();
    parts.pop();
    ways::shortened(parts)
}

/// Where npm begins: the project and its workspaces; in version 1, which does not list them, what nothing else needs.
fn roots(nodes: &[Node<'_>]) -> Vec<usize> {
    let projects: Vec<usize> = (0..nodes.len()).filter(|index| nodes[*index].is_project()).collect();
    if !projects.is_empty() {
        return projects;
    }
    let needed: HashSet<&str> = nodes.iter().flat_map(|node| node.needs.iter().copied()).collect();
    (0..nodes.len()).filter(|index| nodes[*index].installed_as().is_some_and(|name| !needed.contains(name))).collect()
}

/// The package that `name` means inside the package at `from`: in its own folder, else in each folder above, as node looks.
fn resolve(by_key: &HashMap<&str, usize>, from: &str, name: &str, budget: &mut usize) -> Option<usize> {
    let mut folder = from;
    while *budget > 0 {
        let key = if folder.is_empty() { format!("{FOLDER}{name}") } else { format!("{folder}/{FOLDER}{name}") };
        *budget = budget.saturating_sub(key.len());
        if let Some(found) = by_key.get(key.as_str()) {
            return Some(*found);
        }
        if folder.is_empty() {
            return None;
        }
        folder = folder.rfind(FOLDER).map_or("", |at| folder[..at].trim_end_matches('/'));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::gather::repository::ways::MAX_WAY;
    use std::path::Path;

    fn read_text(text: &str) -> Reading {
        let catalogue = Catalogue::built_in();
        read(&Source::new(Path::new("package-lock.json"), text.as_bytes(), &catalogue))
    }

    type Row = (String, String, Vec<String>, u32, bool);

    fn rows(text: &str) -> Vec<Row> {
        let reading = read_text(text);
        assert_eq!(reading.oddities, []);
        let row = |m: Mention| {
            let Request::Exact(version) = &m.request else { panic!("{m:?}") };
            (m.package.name.clone(), version.as_str().to_owned(), m.brought_by, m.location.line.unwrap(), !m.integrity.is_empty())
        };
        reading.mentions.into_iter().map(row).collect()
    }

    fn row(package: &str, version: &str, brought_by: &[&str], line: u32, has_integrity: bool) -> Row {
        (package.to_owned(), version.to_owned(), brought_by.iter().map(|s| (*s).to_owned()).collect(), line, has_integrity)
    }

    fn sri() -> String {
        format!("sha512-{}==", "A".repeat(86))
    }

    #[test]
    fn version_3_with_aliases_nests_and_workspaces() {
        let text = format!(
            r#"{{"lockfileVersion": 3, "packages": {{
"": {{"dependencies": {{"@openai/codex": "^0.169.0", "task-master": "1"}}, "workspaces": ["apps/*"]}},
"apps/web": {{"devDependencies": {{"@google/gemini-cli": "*"}}}},
"node_modules/web": {{"resolved": "apps/web", "link": true}},
"node_modules/@openai/codex": {{"version": "0.169.0", "integrity": "{sri}", "optionalDependencies": {{"@openai/codex-linux-x64": "npm:@openai/codex@0.169.0-linux-x64"}}}},
"node_modules/@openai/codex-linux-x64": {{"name": "@openai/codex", "version": "0.169.0-linux-x64", "integrity": "{sri}"}},
"node_modules/task-master": {{"version": "1.0.0", "dependencies": {{"helper": "*"}}}},
"node_modules/helper": {{"version": "1.0.0", "peerDependencies": {{"@anthropic-ai/claude-code": "*"}}}},
"node_modules/@anthropic-ai/claude-code": {{"version": "2.1.150"}},
"node_modules/task-master/node_modules/@anthropic-ai/claude-code": {{"version": "2.1.160"}},
"apps/web/node_modules/@google/gemini-cli": {{"version": "0.1.0"}},
"node_modules/@github/copilot": {{"resolved": "vendor/copilot", "link": true}}
}}}}"#,
            sri = sri()
        );
        assert_eq!(
            rows(&text),
            [
                row("@openai/codex", "0.169.0", &[], 5, true),
                row("@openai/codex-linux-x64", "0.169.0", &["@openai/codex"], 6, true),
                row("@anthropic-ai/claude-code", "2.1.150", &["task-master", "helper"], 9, false),
                // Nothing needs the nested copy: its path says where it lies.
                row("@anthropic-ai/claude-code", "2.1.160", &["task-master"], 10, false),
                row("@google/gemini-cli", "0.1.0", &[], 11, false),
            ]
        );
    }

    #[test]
    fn version_1_nests_and_writes_aliases_as_versions() {
        let text = format!(
            r#"{{"lockfileVersion": 1, "dependencies": {{
"@openai/codex-linux-x64": {{"version": "npm:@openai/codex@0.169.0-linux-x64", "integrity": "{sri}", "optional": true}},
"outer": {{"version": "1.0.0", "requires": {{"inner": "*", "@google/gemini-cli": "*"}},
  "dependencies": {{"inner": {{"version": "1.0.0", "requires": {{"@anthropic-ai/claude-code": "*"}},
    "dependencies": {{"@anthropic-ai/claude-code": {{"version": "2.1.150"}}}}}}}}}},
"notes": {{"version": "https://mirror.example/@anthropic-ai/claude-code/-/claude-code-2.1.151.tgz"}},
"@google/gemini-cli": {{"version": "0.1.0"}}
}}}}"#,
            sri = sri()
        );
        let mut found = rows(&text);
        found.sort();
        assert_eq!(
            found,
            [
                row("@anthropic-ai/claude-code", "2.1.150", &["outer", "inner"], 5, false),
                row("@anthropic-ai/claude-code", "2.1.151", &[], 6, false),
                row("@google/gemini-cli", "0.1.0", &["outer"], 7, false),
                row("@openai/codex-linux-x64", "0.169.0", &[], 2, true),
            ]
        );
    }

    #[test]
    fn version_2_is_read_in_both_halves() {
        let lock = |old: &str| {
            format!(
                r#"{{"lockfileVersion": 2,
"packages": {{"": {{"dependencies": {{"@anthropic-ai/claude-code": "*"}}}}, "node_modules/@anthropic-ai/claude-code": {{"version": "2.1.329"}}}},
"dependencies": {{"@anthropic-ai/claude-code": {{"version": "{old}"}}}}}}"#
            )
        };
        assert_eq!(rows(&lock("2.1.329")), [row("@anthropic-ai/claude-code", "2.1.329", &[], 2, false)]);
        assert_eq!(
            rows(&lock("2.1.150")),
            [
                row("@anthropic-ai/claude-code", "2.1.329", &[], 2, false),
                row("@anthropic-ai/claude-code", "2.1.150", &[], 3, false)
            ]
        );
    }

    #[test]
    fn what_is_downloaded_counts_whatever_it_is_called() {
        let entry = |name: &str, version: &str, resolved: &str| {
            format!(r#"{{"packages": {{"node_modules/{name}": {{"version": "{version}", "resolved": "{resolved}"}}}}}}"#)
        };
        let tarball = "https://mirror.example/@anthropic-ai/claude-code/-/claude-code-2.1.150.tgz";
        assert_eq!(rows(&entry("notes", "1.0.0", tarball)), [row("@anthropic-ai/claude-code", "2.1.150", &[], 1, false)]);
        assert_eq!(
            rows(&entry("@anthropic-ai/claude-code", "2.1.329", tarball)),
            [
                row("@anthropic-ai/claude-code", "2.1.329", &[], 1, false),
                row("@anthropic-ai/claude-code", "2.1.150", &[], 1, false)
            ]
        );
        assert_eq!(rows(&entry("@anthropic-ai/claude-code", "2.1.150", tarball)).len(), 1);
    }

    #[test]
    fn odd_values_are_kept_or_said() {
        let reading =
            read_text(r#"{"packages": {"node_modules/@openai/codex": {"version": "latest", "integrity": "sha512-x"}}}"#);
        assert!(matches!(&reading.oddities[..], [Oddity::Unparsable { why, .. }] if why.contains("sha512-x")));
        assert!(matches!(&reading.mentions[0].request, Request::Exact(v) if v.as_str() == "latest" && !v.is_ordered()));
        assert_eq!(rows(r#"{"packages": {"node_modules/@openai/codex": {}}}"#), [row("@openai/codex", "", &[], 1, false)]);
        assert!(!read_text("{\"packages\": {\"a\": {}").oddities.is_empty());
        assert!(!read_text(&"{\"dependencies\":{\"a\":".repeat(50_000)).oddities.is_empty());
    }

    #[test]
    fn a_lock_made_to_take_for_ever_ends() {
        use std::fmt::Write as _;
        // Long paths times many needs; and needs in a circle.
        let deep = "node_modules/a/".repeat(2_000);
        let mut text = String::from("{\"packages\": {\"\": {\"dependencies\": {\"b\": \"*\", \"@openai/codex\": \"*\"}},");
        for index in 0..2_000 {
            write!(text, "\"{deep}node_modules/n{index}\": {{\"dependencies\": {{\"x\":\"\",\"n{}\":\"\"}}}},", index + 1)
                .unwrap();
        }
        text.push_str("\"node_modules/b\": {\"dependencies\": {\"c\":\"\"}}, \"node_modules/c\": {\"dependencies\": {\"b\":\"\",\"@openai/codex\":\"\"}},");
        text.push_str("\"node_modules/@openai/codex\": {\"version\": \"0.1.0\"}}}");
        assert_eq!(rows(&text), [row("@openai/codex", "0.1.0", &[], 1, false)]);
        let mut many = String::from("{\"packages\": {");
        for index in 0..12_000 {
            write!(many, "\"node_modules/n{index}/node_modules/@openai/codex\": {{\"version\": \"0.1.{index}\"}},").unwrap();
        }
        many.push_str("\"\": {}}}");
        let reading = read_text(&many);
        assert_eq!((reading.mentions.len(), reading.oddities.len()), (MAX_MENTIONS, 1));
        let names: Vec<String> = (0..1_000).map(|i| format!("\"n{i}\":{{}}")).collect();
        let long = format!("{{\"dependencies\":{{\"{}\":{{\"dependencies\":{{{}}}}}}}}}", "x".repeat(300_000), names.join(","));
        assert!(matches!(&read_text(&long).oddities[..], [Oddity::Unparsable { why, .. }] if why.contains("longer")));
        let chain: Vec<String> =
            (0..500).map(|i| format!("\"node_modules/c{i}\":{{\"dependencies\":{{\"c{}\":\"\"}}}}", i + 1)).collect();
        let chain = format!(
            "{{\"packages\":{{\"\":{{\"dependencies\":{{\"c0\":\"\"}}}},{},\"node_modules/c500\":{{\"name\":\"@openai/codex\"}}}}}}",
            chain.join(",")
        );
        let way = &read_text(&chain).mentions[0].brought_by;
        assert_eq!((way.len(), way[0].as_str(), way[MAX_WAY - 1].as_str()), (MAX_WAY, "c0", "c499"));
    }
}
