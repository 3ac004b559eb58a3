//! A tool that is one file: a program, or an archive with one program in it.

use super::{LayoutRefusal, Program, is_program};
use crate::archive::{Contents, Unpacked};

/// The one program of an archive, as it lies on disk when somebody put it there: its path is empty. With `name` the file of that name
/// counts, in whatever folder of the archive; without, the only machine code.
///
/// # Errors
/// [`LayoutRefusal::Programs`] when there is none or more than one.
pub fn of_archive(contents: &Contents, name: Option<&str>) -> Result<Program, LayoutRefusal> {
    let is_it = |file: &&Unpacked| match name {
        Some(name) => file.name.rsplit('/').next() == Some(name),
        None => is_program(file),
    };
    let found: Vec<&Unpacked> = contents.files.iter().filter(is_it).collect();
    match found.as_slice() {
        [one] => Ok(Program { path: String::new(), sha256: one.sha256, size: one.size }),
        several => Err(LayoutRefusal::Programs(several.iter().map(|file| file.name.clone()).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_program_counts() {
        let file = |name: &str, start: &[u8; 4]| {
            let mut known = [0; 16];
            known[..4].copy_from_slice(start);
            Unpacked {
                name: name.to_owned(),
                sha256: [start[1]; 32],
                size: 9,
                executable: true,
                start: known,
                as_unix_script: None,
            }
        };
        let mut contents = Contents {
            files: vec![file("x-1/LICENSE", b"text"), file("x-1/lib/a.so", b"\x7fELF"), file("x-1/x", b"\x7fELF")],
            ..Contents::default()
        };
        let program = of_archive(&contents, None).unwrap();
        assert_eq!((program.path.as_str(), program.sha256), ("", [b'E'; 32]));
        assert_eq!(of_archive(&contents, Some("LICENSE")).unwrap().sha256, [b'e'; 32], "a script is a program where it is named");
        assert_eq!(of_archive(&contents, Some("y")), Err(LayoutRefusal::Programs(Vec::new())));
        contents.files.push(file("x-1/y.exe", b"MZ\0\0"));
        assert!(matches!(of_archive(&contents, None), Err(LayoutRefusal::Programs(names)) if names == ["x-1/x", "x-1/y.exe"]));
    }
}
