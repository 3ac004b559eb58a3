//! A file of a release, written as it comes and digested on the way.

use super::{MAX_FILE, RegistryError, ReleaseFile, Source, Way};
use crate::digest::{Algorithm, Digest, DigestSet};
use crate::world::World;
use crate::world::files::FileError;
use sha2::{Digest as _, Sha256, Sha512};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::path::Path;

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Its SHA-256 and SHA-512.
    pub digests: DigestSet,
    /// Its size in bytes.
    pub size: u64,
}

/// Write a file of a release into `into`, which is empty, and compare it with what the registry states. Afterwards `into` stands at its
/// beginning. After an error it is empty again.
///
/// # Errors
/// [`RegistryError`]: nothing stated, no answer, another size, another digest.
pub fn download(source: &Source, file: &ReleaseFile, into: &mut File) -> Result<Downloaded, RegistryError> {
    let result = source.write(file, into).and_then(|done| compared(file, done));
    let cannot = |e| RegistryError::File(FileError::Io { action: "write", path: file.name.clone().into(), source: e });
    if result.is_err() {
        into.set_len(0).map_err(cannot)?;
    }
    into.rewind().map_err(cannot)?;
    result
}

/// [`download`] into a file of its own in the cache folder. It has no name, so that it goes away with the value, however the run ends.
///
/// # Errors
/// As [`download`], and when the folder cannot be made.
pub fn download_aside(world: &World, source: &Source, file: &ReleaseFile) -> Result<(File, Downloaded), RegistryError> {
    let cache = world.env.cache_home().map(|cache| cache.join("vetted").join("downloads"));
    let mut into = world.files.nameless(cache.as_deref())?;
    let done = download(source, file, &mut into)?;
    Ok((into, done))
}

fn compared(file: &ReleaseFile, done: Downloaded) -> Result<Downloaded, RegistryError> {
    if let Some(size) = file.size.filter(|size| *size != done.size) {
        let bytes = |count: u64| format!("{count} bytes");
        return Err(RegistryError::Digest { file: file.name.clone(), expected: bytes(size), found: bytes(done.size) });
    }
    for expected in file.stated.iter() {
        let found = done.digests.get(expected.algorithm());
        if found != Some(expected) {
            let found = found.map_or("none of that kind".to_owned(), Digest::to_string);
            return Err(RegistryError::Digest { file: file.name.clone(), expected: expected.to_string(), found });
        }
    }
    Ok(done)
}

/// Digests what goes through.
struct Hashing<'a> {
    into: &'a mut File,
    sha256: Sha256,
    sha512: Sha512,
    size: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.into.write(bytes)?;
        self.sha256.update(&bytes[..count]);
        self.sha512.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

impl Hashing<'_> {
    fn finish(self) -> Downloaded {
        let sha256 = Digest::from_bytes(Algorithm::Sha256, &self.sha256.finalize());
        let sha512 = Digest::from_bytes(Algorithm::Sha512, &self.sha512.finalize());
        let mut digests = DigestSet::new();
        for digest in sha256.into_iter().chain(sha512) {
            // Two algorithms, each once.
            let _ = digests.insert(digest);
        }
        Downloaded { digests, size: self.size }
    }
}

impl Source {
    fn write(&self, file: &ReleaseFile, into: &mut File) -> Result<Downloaded, RegistryError> {
        let wanted = file.stated.iter().find(|digest| digest.algorithm() != Algorithm::DirHash);
        let mut sink = Hashing { into, sha256: Sha256::new(), sha512: Sha512::new(), size: 0 };
        match &self.0 {
            Way::Web(_) if wanted.is_none() => Err(RegistryError::NoDigest {
                file: file.name.clone(),
                wanted: "SHA-256 or SHA-512",
                stated: "nothing".to_owned(),
            }),
            Way::Web(web) => {
                for url in std::iter::once(&file.url).chain(&file.otherwise) {
                    if web.download(url, file.size, &mut sink)? {
                        return Ok(sink.finish());
                    }
                }
                Err(RegistryError::Answer {
                    url: file.url.clone(),
                    why: "the registry names this file and does not have it".to_owned(),
                })
            }
            Way::Disk(files) => {
                let path = Path::new(&file.url);
                let (from, stat) = files.open(path)?;
                if stat.size > MAX_FILE {
                    return Err(FileError::TooLarge { path: path.to_owned(), size: stat.size, limit: MAX_FILE }.into());
                }
                let read = io::copy(&mut from.take(MAX_FILE + 1), &mut sink);
                read.map_err(|source| FileError::Io { action: "copy", path: path.to_owned(), source })?;
                Ok(sink.finish())
            }
        }
    }
}
