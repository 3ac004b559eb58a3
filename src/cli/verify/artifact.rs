//! What is verified: a file, a folder, or a digest that somebody names.

use crate::cli::Context;
use crate::digest::{Algorithm, Digest, DigestSet, HashReader, TreeFile};
use crate::error::Error;
use crate::evidence::Unmeasured;
use crate::gather::measure::Measurer;
use crate::report::verification;
use crate::text::printable;
use crate::world::cache::DigestCache;
use crate::world::files::EntryKind;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What is verified.
pub(super) struct Artifact {
    name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// What it has; of a folder only once it was asked for.
    digests: Option<DigestSet>,
    /// A symbolic link in a folder whose digests were asked for. A directory hash does not speak of links.
    link: Option<String>,
}

/// What an artifact is.
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A folder, here.
    Folder(PathBuf),
    /// A digest, and nothing to compute it from.
    Digest,
}

/// The files of a folder, and its links that stand for no file.
pub(super) struct FolderFiles {
    /// Regular files, and links that stand for one.
    pub(super) files: Vec<TreeFile>,
    /// Other links.
    pub(super) links: Vec<String>,
}

impl Artifact {
    /// What a text names: what lies there, else a digest.
    ///
    /// # Errors
    /// [`Error`] of the kind `Undecided` when nothing is there or it cannot be read.
    pub(super) fn find(context: &Context, text: &str) -> Result<Self, Error> {
        let cannot =
            |error: &dyn std::error::Error| Error::undecided(format!("cannot read `{}`", printable(text))).because(error);
        let path = Path::new(text);
        let name = text.to_owned();
        match context.world.files.stat(path) {
            Ok(stat) if stat.kind == EntryKind::Folder => {
                Ok(Self { name, kind: Kind::Folder(path.to_owned()), digests: None, link: None })
            }
            Ok(_) => {
                let digests = digest(context, path).map_err(|e| cannot(&e))?;
                Ok(Self { name, kind: Kind::File, digests: Some(digests), link: None })
            }
            Err(error) if error.is_not_found() => match named_digest(text) {
                Some(Ok(digest)) => Ok(Self { name, kind: Kind::Digest, digests: Some(digest.into()), link: None }),
                Some(Err(why)) => Err(Error::usage(format!("`{}` is no digest", printable(text))).cause(why)),
                None => Err(cannot(&error).hint("name a file, a folder, `sha256:HEX` or `sha512:HEX`")),
            },
            Err(error) => Err(cannot(&error)),
        }
    }

    /// Its digests: SHA-256 and SHA-512 of a file, the directory hash of a folder, the digest that was named.
    ///
    /// # Errors
    /// [`Unmeasured`] for a folder that cannot be read.
    pub(super) fn digests(&mut self) -> Result<DigestSet, Unmeasured> {
        if let (None, Kind::Folder(folder)) = (&self.digests, &self.kind) {
            let tree = measurer().tree(folder, &[], &[])?;
            self.link = tree.list.links.into_iter().map(|link| link.name).next();
            self.digests = Some(tree.digest.into());
        }
        Ok(self.digests.clone().unwrap_or_default())
    }

    /// A symbolic link in a folder, of which its digests say nothing. Known once they were asked for.
    pub(super) fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// For a report.
    pub(super) fn shown(&self) -> verification::Artifact {
        let kind = match self.kind {
            Kind::File => "file",
            Kind::Folder(_) => "folder",
            Kind::Digest => "digest",
        };
        let name = match (&self.kind, self.digests.as_ref().and_then(|digests| digests.iter().next())) {
            // Nobody compares all of it by eye, and the digest is there in full for whoever asks.
            (Kind::Digest, Some(digest)) => format!("{}:{}", digest.algorithm(), digest.short()),
            _ => self.name.clone(),
        };
        verification::Artifact { name, kind, digests: self.digests.clone().unwrap_or_default() }
    }
}

fn measurer() -> Measurer {
    Measurer::new(crate::world::files::Files, DigestCache::off(), Box::new(crate::gather::measure::Silent))
}

/// The files of a folder without those below the ignored paths; links stand for what they point to where `follows`.
pub(super) fn folder_files(folder: &Path, ignored: &[String], follows: bool) -> Result<FolderFiles, Unmeasured> {
    let escaped = ignored.iter().map(|path| globset::escape(path));
    let exclude: Vec<String> = escaped.flat_map(|path| [format!("{path}/**"), path]).collect();
    let measurer = measurer();
    let list = measurer.tree(folder, &[], &exclude)?.list;
    let (mut files, mut links) = (list.files, Vec::new());
    for link in list.links {
        // A link that does not lead to a file stands for nothing that was signed.
        match follows.then(|| measurer.digest(&folder.join(&link.name))) {
            Some(Ok(file)) => {
                if let Digest::Sha256(sha256) = file.sha256 {
                    files.push(TreeFile { name: link.name, sha256 });
                }
            }
            _ => links.push(link.name),
        }
    }
    Ok(FolderFiles { files, links })
}

/// SHA-256 and SHA-512 of a file, read once and in pieces.
fn digest(context: &Context, path: &Path) -> Result<DigestSet, io::Error> {
    let (file, stat) = context.world.files.open(path).map_err(io::Error::other)?;
    // A file that grows while it is read is not read for ever.
    let mut reader = HashReader::new(file.take(stat.size.saturating_add(1)), true);
    io::copy(&mut io::BufReader::with_capacity(128 * 1024, &mut reader), &mut io::sink())?;
    let (digests, length) = reader.finish();
    if length == stat.size { Ok(digests) } else { Err(io::Error::other("it changed while it was read")) }
}

/// `sha256:HEX` or `sha512:HEX`; `None` for a text that does not begin so.
fn named_digest(text: &str) -> Option<Result<Digest, String>> {
    let (name, hex) = text.split_once(':')?;
    let algorithm = [Algorithm::Sha256, Algorithm::Sha512].into_iter().find(|algorithm| algorithm.name() == name)?;
    Some(Digest::parse(algorithm, hex).map_err(|error| error.to_string()))
}
