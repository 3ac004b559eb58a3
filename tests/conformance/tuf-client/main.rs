//! The client-under-test of tuf-conformance: it speaks the protocol of the suite (its `CLIENT-CLI.md`) and does everything else through
//! the code that `vetted sync` uses. An example, so that it is built with the tests and never installed.
//!
//! ```text
//! tuf-client --metadata-dir DIR init ROOT
//! tuf-client --metadata-dir DIR --metadata-url URL refresh
//! tuf-client --metadata-dir DIR --metadata-url URL --target-name NAME... --target-base-url URL --target-dir DIR download
//! ```
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "it stands in for the shell of the program")]
#![allow(clippy::print_stderr, reason = "the suite shows what it says to whoever debugs")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use vetted::digest::{Algorithm, Digest};
use vetted::sync::source::{Fetched, Source as _};
use vetted::sync::tuf::{Repository, TufSource, tag_of};
use vetted::world::World;
use vetted::world::files::Files;
use vetted::world::network::{Network, Patience};

/// The most bytes of a target; the suite's are small.
const LIMIT: u64 = 4 << 20;
/// Where the pin of the root is kept: what `vetted trust pin` writes for people. Not `.json`, which the suite takes for a role.
const PIN: &str = "pinned.sha256";

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Default)]
struct Arguments {
    metadata_dir: PathBuf,
    metadata_url: String,
    target_names: Vec<String>,
    target_dir: PathBuf,
    target_base_url: String,
    words: Vec<String>,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut parsed = Self::default();
        while let Some(word) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                "--metadata-dir" => parsed.metadata_dir = value()?.into(),
                "--metadata-url" => parsed.metadata_url = value()?,
                "--target-name" => parsed.target_names.push(value()?),
                "--target-dir" => parsed.target_dir = value()?.into(),
                "--target-base-url" => parsed.target_base_url = value()?,
                _ if word.starts_with('-') => return Err(format!("{word} is not an option of the protocol").into()),
                _ => parsed.words.push(word),
            }
        }
        Ok(parsed)
    }

    fn source(&self) -> Outcome<TufSource> {
        let pin = fs::read_to_string(self.metadata_dir.join(PIN))?;
        let repository = Repository {
            metadata: with_slash(&self.metadata_url),
            targets: with_slash(&self.target_base_url),
            root: Digest::parse(Algorithm::Sha256, &pin)?,
            folder: self.metadata_dir.clone(),
        };
        let network = Network::new(Patience::default())?;
        Ok(TufSource::open(&network, Files, &repository, World::of_this_process().now)?)
    }
}

fn with_slash(url: &str) -> String {
    format!("{}/", url.trim_end_matches('/'))
}

/// Keep the root and pin it, with no request.
fn init(arguments: &Arguments) -> Outcome<()> {
    let root = fs::read(arguments.words.get(1).ok_or("init wants a root")?)?;
    TufSource::adopt(Files, &arguments.metadata_dir, &root)?;
    Ok(fs::write(arguments.metadata_dir.join(PIN), Digest::sha256_of(&root).hex())?)
}

fn download(arguments: &Arguments) -> Outcome<()> {
    let mut source = arguments.source()?;
    source.refresh()?;
    for name in &arguments.target_names {
        let path = arguments.target_dir.join(file_name(name));
        let known = fs::read(&path).ok().map(|bytes| tag_of(&Digest::sha256_of(&bytes)));
        match source.fetch(name, LIMIT, known.as_ref())? {
            Fetched::Bytes { bytes, .. } => fs::write(path, bytes)?,
            Fetched::NotModified => {}
            Fetched::Missing => return Err(format!("no role lists the target {name:?}").into()),
        }
    }
    Ok(())
}

/// One flat name for each target, whatever its path looks like.
fn file_name(target: &str) -> PathBuf {
    Path::new(&target.replace('%', "%25").replace('/', "%2F")).into()
}

fn run() -> Outcome<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    match arguments.words.first().map(String::as_str) {
        Some("init") => init(&arguments),
        Some("refresh") => Ok(arguments.source()?.refresh()?),
        Some("download") => download(&arguments),
        other => Err(format!("expected init, refresh or download, found {other:?}").into()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tuf-client: {error}");
            ExitCode::FAILURE
        }
    }
}
