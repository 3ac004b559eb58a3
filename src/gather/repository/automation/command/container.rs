//! `docker`, `podman`, `nerdctl`: which image is fetched or run, and what is run in it.

use super::{Reader, Word, floating};
use crate::evidence::Request;
use crate::tool::Ecosystem;
use crate::version::{Scheme, Version};

/// Options of `run` and `create` that take no word. All others do.
const ALONE: [&str; 16] = [
    "--rm",
    "--detach",
    "--interactive",
    "--tty",
    "--privileged",
    "--init",
    "--read-only",
    "--no-healthcheck",
    "--oom-kill-disable",
    "--publish-all",
    "--sig-proxy",
    "--quiet",
    "--replace",
    "--rmi",
    "--no-hosts",
    "--disable-content-trust",
];
/// Letters of such options.
const LETTERS_ALONE: &str = "ditPq";

impl Reader<'_, '_> {
    pub(super) fn container(&mut self, arguments: &[Word]) {
        let before = super::program::options(
            arguments,
            &[
                "-H",
                "--host",
                "-c",
                "--context",
                "--config",
                "-l",
                "--log-level",
                "-n",
                "--namespace",
                "--address",
                "--connection",
            ],
        );
        let mut arguments = &arguments[before..];
        if arguments.first().is_some_and(|word| matches!(word.text.as_str(), "container" | "image")) {
            arguments = &arguments[1..];
        }
        let Some((verb, rest)) = arguments.split_first() else { return };
        match verb.text.as_str() {
            "run" | "create" => self.run_image(rest),
            "pull" => {
                let platform =
                    super::program::options(rest, &["--platform", "--arch", "--os", "--variant", "--authfile", "--creds"]);
                for word in &rest[platform..] {
                    self.image(&word.text, word.line);
                }
            }
            "compose" => self.compose(rest),
            // What is run in a container that is there already.
            "exec" => {
                let skipped = run_options(rest);
                let rest = rest.get(skipped + 1..).unwrap_or_default();
                self.inner(|reader| reader.command(rest, None));
            }
            _ => {}
        }
    }

    /// `docker compose [options] run|exec [options] service command`
    pub(super) fn compose(&mut self, arguments: &[Word]) {
        let Some(at) = arguments.iter().position(|word| matches!(word.text.as_str(), "run" | "exec")) else { return };
        let rest = &arguments[at + 1..];
        let with_word = [
            "-e",
            "--env",
            "-u",
            "--user",
            "-w",
            "--workdir",
            "--name",
            "--entrypoint",
            "-p",
            "--publish",
            "-v",
            "--volume",
            "-l",
            "--label",
            "--index",
            "--env-from-file",
        ];
        let rest = rest.get(super::program::options(rest, &with_word) + 1..).unwrap_or_default();
        self.inner(|reader| reader.command(rest, None));
    }

    fn run_image(&mut self, arguments: &[Word]) {
        let rest = &arguments[run_options(arguments)..];
        let Some((image, command)) = rest.split_first() else { return };
        self.image(&image.text, image.line);
        self.inner(|reader| reader.command(command, None));
    }

    fn image(&mut self, text: &str, line: u32) {
        if let Some((name, request)) = image(text) {
            self.package(Ecosystem::Docker, &name, request, line);
        }
    }
}

fn run_options(words: &[Word]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let text = word.text.as_str();
        if text == "--" {
            return at + 1;
        }
        let Some(option) = text.strip_prefix('-') else { break };
        let is_alone = if option.starts_with('-') {
            text.contains('=') || ALONE.contains(&text)
        } else {
            // `-it` stands alone, `-e` takes a word, `-eA=b` holds it.
            match option.find(|letter| !LETTERS_ALONE.contains(letter)) {
                None => true,
                Some(place) => place + 1 < option.len(),
            }
        };
        at += if is_alone { 1 } else { 2 };
    }
    at.min(words.len())
}

/// An image's repository, and which of its images is asked for. A digest is exact; a tag can be moved.
pub(in crate::gather::repository) fn image(text: &str) -> Option<(String, Request)> {
    let text = text.strip_prefix("docker://").unwrap_or(text);
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let slash = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest[slash..].split_once(':') {
        Some((last, tag)) => (format!("{}{last}", &rest[..slash]), Some(tag)),
        None => (rest.to_owned(), None),
    };
    let name = ["index.docker.io/", "registry-1.docker.io/", "docker.io/"]
        .iter()
        .find_map(|host| name.strip_prefix(host))
        .unwrap_or(&name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':');
    if name.is_empty() || !name.chars().all(is_plain) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let request = match (digest, tag) {
        (Some(digest), _) if is_digest(digest) => Request::Exact(Version::parse(Scheme::Opaque, digest)),
        (Some(digest), _) => floating(digest),
        (None, Some(tag)) => floating(tag),
        (None, None) => floating("latest"),
    };
    Some((name.to_owned(), request))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}
