//! A tool that is one file: a program, or an archive with one program in it.

use super::{LayoutRefusal, Program};
use crate::archive::Contents;

/// The one program of an archive. With `name` the file of that name counts, wherever it lies; without, the only machine code.
///
/// # Errors
/// [`LayoutRefusal::Programs`] when there is none or more than one.
pub fn of_archive(contents: &Contents, name: Option<&str>) -> Result<Program, LayoutRefusal> {
    let _ = (contents, name);
    Err(LayoutRefusal::Programs(Vec::new()))
}
