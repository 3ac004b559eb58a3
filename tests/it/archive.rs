//! Archives of strangers (threats T-15 and T-16): each way to lie is refused for its own reason, and memory stays bounded.
//!
//! The archives are made byte by byte: no library writes what is wrong with them.

mod memory;
mod raw;
mod tar;
mod zip;

use raw::{contents, limited, refused};
use vetted::archive::{Kind, Limits, Reason};

#[test]
fn the_form_is_told_by_content() {
    assert_eq!(Kind::of(&raw::gzip(b"")), Some(Kind::TarGz));
    assert_eq!(Kind::of(&raw::Zip::new().file("a", b"").build()), Some(Kind::Zip));
    assert_eq!(Kind::of(&raw::Zip::new().build()), Some(Kind::Zip), "an empty one");
    for neither in [&b""[..], b"\x1f", b"PK", b"#!/bin/sh\n", b"Rar!\x1a\x07"] {
        assert_eq!(Kind::of(neither), None);
        let refusal = Kind::tell(std::io::Cursor::new(neither)).unwrap_err();
        assert_eq!(refusal.reason, Reason::NotAnArchive);
    }
}

/// Names are refused alike wherever they come from.
#[test]
fn names_that_leave_their_place_are_refused_with_the_entry() {
    for (name, reason) in [
        ("/etc/passwd", Reason::Absolute),
        ("C:/Windows/x", Reason::Drive),
        ("../x", Reason::Parent),
        ("a/../../x", Reason::Parent),
        ("a\\..\\x", Reason::Parent),
        ("a\\x", Reason::Backslash),
        ("a\u{1b}]0;x", Reason::Control),
        ("a\u{7f}", Reason::Control),
        ("a//b", Reason::Empty),
    ] {
        // A backslash is no separator: `a\..\x` is one part, and refused for the backslash.
        let reason = if name.contains('\\') { Reason::Backslash } else { reason };
        for archive in [raw::Tar::new().file(name, b"x").build(), raw::Zip::new().file(name, b"x").build()] {
            let refusal = refused(&archive);
            assert_eq!((refusal.entry.as_deref(), &refusal.reason), (Some(name), &reason));
            let shown = refusal.to_string();
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
    }
    let broken = raw::Tar::new().entry(b"a\xff", b'0', b"x").build();
    assert_eq!(refused(&broken).reason, Reason::NotUtf8);
    // A zip name that each unpacker takes for another text.
    let guessed = raw::Zip::new().with("\u{e9}", b"x", |entry| entry.flags = 0).build();
    assert_eq!(refused(&guessed).reason, Reason::NotUtf8);
}

#[test]
fn one_name_is_one_file() {
    let make = |files: &[(&str, &[u8])]| {
        let tar = files.iter().fold(raw::Tar::new(), |tar, (name, content)| tar.file(name, content)).build();
        let zip = files.iter().fold(raw::Zip::new(), |zip, (name, content)| zip.file(name, content)).build();
        [tar, zip]
    };
    for archive in make(&[("a", b"1"), ("a", b"2")]) {
        assert_eq!(refused(&archive).reason, Reason::Duplicate);
    }
    for archive in make(&[("A", b"1"), ("a", b"1")]) {
        assert_eq!(refused(&archive).reason, Reason::Collision("A".to_owned()));
    }
    for archive in make(&[("e\u{301}", b"1"), ("\u{e9}", b"1")]) {
        assert_eq!(refused(&archive).reason, Reason::Collision("e\u{301}".to_owned()));
    }
    for archive in make(&[("a", b"1"), ("a/b", b"1")]).into_iter().chain(make(&[("a/b", b"1"), ("A", b"1")])) {
        assert_eq!(refused(&archive).reason, Reason::FileAndFolder);
    }
    // What real packages do: the same file by two spellings of its name.
    for archive in make(&[("package/./a", b"1"), ("package/a", b"1"), ("./b", b"")]) {
        let names: Vec<String> = contents(&archive).files.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["b", "package/a"]);
    }
}

#[test]
fn more_than_allowed_is_refused() {
    let tar = raw::Tar::new().file("d/a", &[b'x'; 2000]).file("d/b", b"1").file("c", b"2").build();
    let zip = raw::Zip::new().file("d/a", &[b'x'; 2000]).file("d/b", b"1").file("c", b"2").build();
    let all = Limits::default();
    for archive in [tar, zip] {
        assert_eq!(limited(&archive, &Limits { entries: 4, ..all }).map(|c| c.files.len()), Ok(3), "three files and a folder");
        for (limits, reason) in [
            (Limits { entries: 3, ..all }, Reason::TooMany(3)),
            (Limits { entries: 2, ..all }, Reason::TooMany(2)),
            (Limits { file: 1999, ..all }, Reason::TooLarge(1999)),
            (Limits { total: 2001, ..all }, Reason::TooManyBytes(2001)),
            (Limits { name: 2, ..all }, Reason::LongName(2)),
            (Limits { names: 4, ..all }, Reason::TooManyNames(4)),
            (Limits { depth: 0, ..all }, Reason::TooDeep(0)),
            (Limits { kept_file: 1999, ..all }, Reason::TooMuchKept(all.kept)),
            (Limits { kept: 2000, ..all }, Reason::TooMuchKept(2000)),
        ] {
            assert_eq!(limited(&archive, &limits).map_err(|refusal| refusal.reason), Err(reason));
        }
    }
}

/// A folder of 65 levels, and one of 64.
#[test]
fn folders_end_somewhere() {
    let nested =
        |levels: usize| raw::Tar::new().pax(b'x', &[("path", &format!("{}x", "a/".repeat(levels)))]).file("x", b"").build();
    assert_eq!(contents(&nested(64)).files.len(), 1);
    assert_eq!(refused(&nested(65)).reason, Reason::TooDeep(64));
}

#[test]
fn bombs_are_refused_before_they_are_unpacked() {
    let zeros = vec![0; 8 << 20];
    assert_eq!(refused(&raw::Tar::new().file("zeros", &zeros).build()).reason, Reason::Ratio(200));
    let zip = refused(&raw::Zip::new().with("zeros", &zeros, |entry| entry.deflate()).build());
    assert_eq!(zip.reason, Reason::Ratio(200));
    // Each file is short enough by itself.
    let many = (0..5).fold(raw::Zip::new(), |zip, n| zip.with(&format!("{n}"), &zeros[..4 << 20], |entry| entry.deflate()));
    assert_eq!(refused(&many.build()).reason, Reason::Ratio(200));
    // A short file of one letter is no bomb.
    let short = raw::Zip::new().with("zeros", &zeros[..1 << 20], |entry| entry.deflate()).build();
    assert_eq!(contents(&short).files[0].size, 1 << 20);
    // Gzip in gzip: what comes out is no tar archive.
    let nested = raw::gzip(&raw::gzip(&zeros));
    assert!(matches!(refused(&nested).reason, Reason::Damaged(_)));
    // The shape of 42.zip: archives in archives are files, and are not opened.
    let inner = raw::Zip::new().with("0.dll", &zeros, |entry| entry.deflate()).build();
    let outer = (0..16).fold(raw::Zip::new(), |zip, n| zip.file(&format!("lib {n:x}.zip"), &inner)).build();
    assert_eq!(contents(&outer).files.len(), 16);
}

#[test]
fn what_is_kept_and_told_of_a_file_is_its_own() {
    let script = b"#!/usr/bin/env node\r\n1\r\n";
    for archive in
        [raw::Tar::new().file("s", script).file("t", b"").build(), raw::Zip::new().file("s", script).file("t", b"").build()]
    {
        let contents = contents(&archive);
        let file = contents.file("s").unwrap();
        assert_eq!(contents.kept["s"], script);
        assert_eq!((file.size, &file.start), (script.len() as u64, b"#!/usr/bin/env n"));
        assert_eq!(file.sha256, raw::sum(script));
        assert_eq!(file.as_unix_script, Some(raw::sum(b"#!/usr/bin/env node\n1\r\n")));
        let empty = contents.file("t").unwrap();
        assert_eq!((empty.size, empty.start, empty.sha256), (0, [0; 16], raw::sum(b"")));
        assert_eq!(contents.file("u"), None);
    }
}
