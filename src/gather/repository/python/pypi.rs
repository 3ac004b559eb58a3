//! What Python's words ask for: a requirement as PEP 508 writes it, a version specifier of PEP 440, the file name of a distribution.

use crate::catalogue::{Catalogue, Tool};
use crate::digest::{Algorithm, Digest};
use crate::evidence::{Integrity, Mention, Request, Role};
use crate::gather::repository::Source;
use crate::gather::repository::document::clipped;
use crate::gather::repository::javascript::npm;
use crate::tool::{Ecosystem, Package};
use crate::version::Version;

/// How file names of source distributions end.
const SOURCES: [&str; 6] = [".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar"];

/// A requirement, as far as it says what is installed. Extras and markers do not change that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requirement<'t> {
    /// As written.
    pub(super) name: &'t str,
    pub(super) asks: Asks<'t>,
}

/// What a requirement asks for.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Asks<'t> {
    /// Version specifiers, several of them with commas between; empty for any version.
    Versions(&'t str),
    /// A file, folder or repository at an address.
    Address(&'t str),
}

/// Read a requirement (PEP 508), also in the older form with parentheses around the versions. None where it is none.
pub(super) fn requirement(text: &str) -> Option<Requirement<'_>> {
    let text = text.trim();
    let (name, mut rest) = leading_name(text)?;
    if let Some(extras) = rest.strip_prefix('[') {
        let (extras, after) = extras.split_once(']')?;
        if !extras.chars().all(|c| is_name(c) || matches!(c, ',' | ' ' | '\t')) {
            return None;
        }
        rest = after.trim_start();
    }
    if let Some(address) = rest.strip_prefix('@') {
        // A semicolon belongs to an address unless space stands before it (PEP 508, "URLs").
        let end = address.find(" ;").or_else(|| address.find("\t;")).unwrap_or(address.len());
        let address = address[..end].trim();
        let is_one_word = !address.is_empty() && !address.contains(char::is_whitespace);
        return is_one_word.then_some(Requirement { name, asks: Asks::Address(address) });
    }
    let versions = rest.split(';').next().unwrap_or_default().trim();
    let versions = match versions.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?.trim(),
        None => versions,
    };
    are_specifiers(versions).then_some(Requirement { name, asks: Asks::Versions(versions) })
}

/// The name that a text begins with, and what follows it and the space after it.
pub(super) fn leading_name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let has_ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (has_ends(name.chars().next()) && has_ends(name.chars().next_back())).then_some((name, rest.trim_start()))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Whether every part between commas begins with an operator of PEP 440.
fn are_specifiers(text: &str) -> bool {
    let text = text.strip_suffix(',').unwrap_or(text);
    text.is_empty() || text.split(',').all(|part| operator(part).is_some())
}

/// An operator and what it stands before.
fn operator(part: &str) -> Option<(&'static str, &str)> {
    let part = part.trim();
    let found = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"].into_iter().find(|operator| part.starts_with(operator))?;
    let version = part[found.len()..].trim();
    let is_version =
        !version.is_empty() && !version.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '=' | '~' | '('));
    is_version.then_some((found, version))
}

/// An exact version, or what lets the next installation choose. `==1.2.*` is a prefix and `==1.2` is a version (PEP 440, "Version
/// matching"); `===` compares texts.
pub(super) fn request(versions: &str) -> Request {
    let exact = versions.split(',').filter_map(operator).find_map(|(operator, version)| match operator {
        "===" => Some(version),
        "==" if !version.ends_with(".*") => Some(version),
        _ => None,
    });
    match exact {
        // A version that cannot be read stays exact: a revocation takes it for a revoked one.
        Some(version) => Request::Exact(version_of(version)),
        None => floating(versions),
    }
}

/// What lets the next installation choose, as written; nothing written is any version.
pub(super) fn floating(text: &str) -> Request {
    let text = text.trim();
    Request::Floating { text: if text.is_empty() { "*".to_owned() } else { clipped(text) }, locked: false }
}

pub(super) fn version_of(text: &str) -> Version {
    Version::parse(Ecosystem::Pypi.scheme(), &clipped(text))
}

/// The tool that a distribution of this name is, whatever its spelling (PEP 503).
pub(super) fn known<'a>(catalogue: &'a Catalogue, name: &str) -> Option<(&'a Tool, Package)> {
    let package = Package::new(Ecosystem::Pypi, name);
    Some((catalogue.by_package(&package)?, package))
}

/// The distribution and version in the file name at the end of an address or path: of a wheel (PEP 427) or of a source distribution
/// (PEP 625).
pub(super) fn distribution(address: &str) -> Option<(String, String)> {
    let address = address.split(['?', '#']).next()?;
    let file = address.rsplit(['/', '\\']).next()?;
    let file = npm::decoded(file);
    if let Some(stem) = strip_end(&file, ".whl") {
        let mut parts = stem.split('-');
        let (name, version) = (parts.next()?, parts.next()?);
        return (parts.count() >= 3).then(|| (name.to_owned(), version.to_owned()));
    }
    let stem = SOURCES.iter().find_map(|end| strip_end(&file, end))?;
    let (name, version) = stem.rsplit_once('-')?;
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| (name.to_owned(), version.to_owned()))
}

/// Whether a file name is that of a wheel.
pub(super) fn is_wheel(file: &str) -> bool {
    strip_end(file, ".whl").is_some()
}

fn strip_end<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    let (head, tail) = text.split_at_checked(text.len().checked_sub(end.len())?)?;
    tail.eq_ignore_ascii_case(end).then_some(head)
}

/// A digest as locks and `--hash` write it, `sha256:<hex>`. None for an algorithm that carries no decision.
///
/// # Errors
/// What is wrong with it.
pub(super) fn digest(text: &str) -> Result<Option<Digest>, String> {
    let Some((algorithm, hex)) = text.split_once(':') else { return Err(format!("`{}` is no digest", clipped(text))) };
    match algorithm.trim() {
        "sha256" | "sha512" => {}
        _ => return Ok(None),
    }
    let algorithm = Algorithm::from_name(algorithm.trim()).ok_or_else(|| "an algorithm without a name".to_owned())?;
    // Installers compare hex without its case.
    let digest = Digest::parse(algorithm, &hex.trim().to_ascii_lowercase());
    digest.map(Some).map_err(|_| format!("`{}` is no digest", clipped(text)))
}

/// The tools that a requirement names: by its name, and by the file that its address leads to, where that is another one.
pub(super) fn asked<'a>(
    catalogue: &'a Catalogue,
    name: Option<&str>,
    asks: Asks<'_>,
) -> Vec<(&'a Tool, Package, Request, Integrity)> {
    let mut tools = Vec::new();
    match asks {
        Asks::Versions(versions) => {
            let named = name.and_then(|name| known(catalogue, name));
            tools.extend(named.map(|(tool, package)| (tool, package, request(versions), Integrity::none())));
        }
        Asks::Address(address) => {
            let file = distribution(address);
            let behind = file.as_ref().and_then(|(name, version)| Some((known(catalogue, name)?, version)));
            let integrity = fragment_digest(address)
                .map_or_else(Integrity::none, |digest| Integrity::from(crate::digest::DigestSet::from(digest)));
            if let Some(((tool, package), version)) = behind {
                tools.push((tool, package, Request::Exact(version_of(version)), integrity));
            } else if file.is_none() {
                // A repository, a folder or an archive without a version.
                let named = name.or_else(|| egg(address)).and_then(|name| known(catalogue, name));
                tools.extend(named.map(|(tool, package)| (tool, package, floating(address), Integrity::none())));
            }
            // The file behind the address is another distribution than it is called: the name still says what is asked for.
            if let Some((tool, package)) = name.and_then(|name| known(catalogue, name))
                && !tools.iter().any(|(_, other, ..)| *other == package)
            {
                tools.push((tool, package, floating(address), Integrity::none()));
            }
        }
    }
    tools
}

/// `#egg=name` of an address.
fn egg(address: &str) -> Option<&str> {
    let (_, fragment) = address.split_once('#')?;
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="))?;
    leading_name(egg).map(|(name, _)| name)
}

/// `#sha256=<hex>` of an address.
fn fragment_digest(address: &str) -> Option<Digest> {
    let (_, fragment) = address.split_once('#')?;
    let part = fragment.split('&').find(|part| part.starts_with("sha256=") || part.starts_with("sha512="))?;
    digest(&part.replacen('=', ":", 1)).ok().flatten()
}

/// A mention of a dependency at a line.
pub(super) fn mention(
    source: &Source<'_>,
    (tool, package, request, integrity): (&Tool, Package, Request, Integrity),
    line: u32,
) -> Mention {
    Mention {
        tool: tool.id.clone(),
        package,
        request,
        integrity,
        location: source.at(Some(line)),
        brought_by: Vec::new(),
        role: Role::Dependency,
        quote: None,
    }
}

/// The mentions of one requirement in the form of PEP 508. A text that is none names nothing that an installer would take, unless it
/// begins like one for a known tool: then that is said.
pub(super) fn mentions_of_text(source: &Source<'_>, text: &str, line: u32, reading: &mut crate::gather::repository::Reading) {
    // PDM and conda have `-e <address>` among their requirements.
    let address = text.trim().strip_prefix("-e ").map(str::trim);
    let parsed = match address {
        Some(address) => Some((None, Asks::Address(address))),
        None => requirement(text).map(|found| (Some(found.name), found.asks)),
    };
    match parsed {
        Some((name, asks)) => {
            let tools = asked(source.catalogue, name, asks);
            for tool in tools {
                reading.mention(source, mention(source, tool, line));
            }
        }
        None if is_broken(source.catalogue, text) => {
            let why = format!("`{}` is no requirement (PEP 508)", clipped(text));
            reading.oddity(source.at(Some(line)), why);
        }
        None => {}
    }
}

/// Whether a text that is no requirement begins like one for a known tool. After a name an installer takes an operator, an extra, an
/// address or a marker, so a sentence that begins with the name of a tool is none.
pub(super) fn is_broken(catalogue: &Catalogue, text: &str) -> bool {
    leading_name(text.trim()).is_some_and(|(name, rest)| {
        known(catalogue, name).is_some() && rest.starts_with(['=', '<', '>', '~', '!', '[', '(', '@', '^'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str) -> Option<String> {
        let requirement = requirement(text)?;
        let request = match requirement.asks {
            Asks::Versions(versions) => match request(versions) {
                Request::Exact(version) => format!("={version}"),
                Request::Floating { text, .. } => format!("~{text}"),
            },
            Asks::Address(address) => format!("@{address}"),
        };
        Some(format!("{} {request}", requirement.name))
    }

    #[test]
    fn requirements_are_read_as_pep_508_writes_them() {
        for (text, expected) in [
            ("openai", "openai ~*"),
            (" openai ", "openai ~*"),
            ("openai==1.2.3", "openai =1.2.3"),
            ("openai == 1.2.3 ; python_version < '3'", "openai =1.2.3"),
            ("openai[realtime, voice]==1.2.3", "openai =1.2.3"),
            ("openai [realtime] >=1, <2", "openai ~>=1, <2"),
            ("openai (>=1,<2)", "openai ~>=1,<2"),
            ("openai==1.2.*", "openai ~==1.2.*"),
            ("openai===1.2.3+local", "openai =1.2.3+local"),
            ("openai~=1.2", "openai ~~=1.2"),
            ("openai>=1,==1.2.3", "openai =1.2.3"),
            ("openai!=1.2.3", "openai ~!=1.2.3"),
            ("openai<2", "openai ~<2"),
            ("open.ai_x-y>=1", "open.ai_x-y ~>=1"),
            (
                "openai @ https://mirror.example/openai-1.0-py3-none-any.whl ; extra == 'x'",
                "openai @https://mirror.example/openai-1.0-py3-none-any.whl",
            ),
            ("openai@git+https://acme.example/openai;x", "openai @git+https://acme.example/openai;x"),
            ("openai;python_version>='3'", "openai ~*"),
        ] {
            assert_eq!(ask(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "-e .",
            "==1",
            "openai 1.2.3",
            "openai is used",
            "openai==",
            "openai=1.2",
            "openai[x",
            "openai (>=1",
            "openai @",
            "_x==1",
            "x-==1",
            "openai>=1 <2",
        ] {
            assert_eq!(ask(text), None, "{text}");
        }
    }

    #[test]
    fn file_names_tell_name_and_version() {
        for (address, expected) in [
            (
                "https://mirror.example/p/claude_agent_sdk-0.1.55-py3-none-manylinux_2_17_x86_64.whl#sha256=00",
                Some(("claude_agent_sdk", "0.1.55")),
            ),
            ("dist/claude_agent_sdk-0.1.55-1-py3-none-any.WHL", Some(("claude_agent_sdk", "0.1.55"))),
            ("claude-agent-sdk-0.1.55.tar.gz", Some(("claude-agent-sdk", "0.1.55"))),
            ("C:\\dist\\torch-2.0%2Bcpu-cp311-cp311-win_amd64.whl", Some(("torch", "2.0+cpu"))),
            ("https://acme.example/archive/main.zip", None),
            ("https://acme.example/claude-agent-sdk.git", None),
            ("claude_agent_sdk-0.1.55.whl", None),
            ("claude-agent-main.zip", None),
            ("", None),
        ] {
            let found = distribution(address);
            assert_eq!(found.as_ref().map(|(n, v)| (n.as_str(), v.as_str())), expected, "{address}");
        }
    }

    #[test]
    fn digests_of_weak_algorithms_carry_no_decision() {
        assert!(digest(&format!("sha256:{}", "Ab".repeat(32))).unwrap().is_some());
        assert_eq!(digest("md5:00"), Ok(None));
        assert!(digest("sha256:00").is_err());
        assert!(digest("00").is_err());
    }

    #[test]
    fn what_an_address_leads_to_counts_beside_the_name() {
        let catalogue = Catalogue::built_in();
        let found = |name: Option<&str>, address: &str| -> Vec<String> {
            let tools = asked(&catalogue, name, Asks::Address(address));
            tools
                .into_iter()
                .map(|(_, package, request, integrity)| format!("{} {request:?} {}", package.name, integrity.files().len()))
                .collect()
        };
        let wheel = format!("https://acme.example/claude_agent_sdk-0.1.55-py3-none-any.whl#sha256={}", "0".repeat(64));
        assert_eq!(found(Some("notes"), &wheel), ["claude-agent-sdk Exact(0.1.55) 1"]);
        assert_eq!(found(None, &wheel), ["claude-agent-sdk Exact(0.1.55) 1"]);
        assert_eq!(found(Some("openai"), &wheel).len(), 2);
        let repository = "git+https://acme.example/x.git@main#egg=claude-agent-sdk&subdirectory=a";
        assert!(found(None, repository)[0].starts_with("claude-agent-sdk Floating"));
        assert!(found(Some("claude_agent_sdk"), "../sdk")[0].starts_with("claude-agent-sdk Floating"));
        assert_eq!(found(Some("notes"), "https://acme.example/notes-1.0.zip"), [] as [String; 0]);
    }
}
