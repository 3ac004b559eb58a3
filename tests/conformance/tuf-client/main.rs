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
use std::sync::Arc;
use vetted::digest::{Algorithm, Digest};
use vetted::sync::tuf::{Place, Target, Transport, TufSource};
use vetted::world::World;
use vetted::world::files::Files;

/// The most bytes of a target; the suite's are small.
const LIMIT: u64 = 4 << 20;
/// Where the pin of the root is kept: what `vetted trust pin` writes for people. Not `.json`, which the suite takes for a role.
const PIN: &str = "pinned.sha256";

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Http;
impl Transport for Http {
    fn get(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        use std::io::Read as _;
        let answer = reqwest::blocking::get(url).map_err(|e| e.to_string())?;
        if answer.status() == 404 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        answer.take(limit + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        if bytes.len() as u64 > limit { Err("too long".into()) } else { Ok(Some(bytes)) }
    }
}

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
        let place = Place { metadata: with_slash(&self.metadata_url), targets: with_slash(&self.target_base_url) };
        let now = World::of_this_process().now;
        let fingerprint = Digest::parse(Algorithm::Sha256, &pin)?;
        Ok(TufSource::open((place, Arc::new(Http)), (Files, &self.metadata_dir), &fingerprint, now)?)
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
        let known = fs::read(&path).ok().map(|bytes| format!("sha256:{}", Digest::sha256_of(&bytes).hex()));
        match source.target(name, LIMIT, known.as_deref())? {
            Target::Bytes(bytes, _) => fs::write(path, bytes)?,
            Target::Unchanged => {}
            Target::Missing => return Err(format!("no role lists the target {name:?}").into()),
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
