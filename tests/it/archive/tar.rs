//! What only a tar archive in gzip can do.

use super::raw::{Tar, contents, gzip, refused};
use vetted::archive::{Link, Reason};

fn reason(tar: Tar) -> Reason {
    refused(&tar.build()).reason
}

#[test]
fn entries_that_are_no_files_are_refused() {
    for (kind, expected) in [
        (b'1', Reason::HardLink),
        (b'3', Reason::Device),
        (b'4', Reason::Device),
        (b'6', Reason::Fifo),
        (b'S', Reason::Sparse),
        (b'D', Reason::UnknownType(b'D')),
        (b'X', Reason::UnknownType(b'X')),
    ] {
        let refusal = refused(&Tar::new().file("a", b"").link("dir/x", kind, "a").build());
        assert_eq!((refusal.entry.as_deref(), refusal.reason), (Some("dir/x"), expected));
    }
    let setuid = |mode: &'static [u8]| Tar::new().header(b"x", b'0', 0, |block| block[100..108].copy_from_slice(mode));
    assert_eq!(reason(setuid(b"0004755\0")), Reason::Setuid);
    assert_eq!(reason(setuid(b"0002755\0")), Reason::Setuid);
    assert!(contents(&setuid(b"0000755\0").build()).files[0].executable);
}

#[test]
fn links_are_told_and_may_not_lead_out() {
    let links = contents(&Tar::new().link("a/b", b'2', "../c").file("c", b"1").build()).links;
    assert_eq!(links, [Link { name: "a/b".to_owned(), target: "../c".to_owned() }]);
    for target in ["/etc/passwd", "../../c", "x/../../c", "c:\\x", ""] {
        assert_eq!(reason(Tar::new().link("a/b", b'2', target)), Reason::LinkOutside(target.to_owned()));
    }
    // A file behind a link would land wherever the link leads.
    assert_eq!(reason(Tar::new().link("a", b'2', "b").file("a/x", b"")), Reason::FileAndFolder);
    assert_eq!(reason(Tar::new().link("a", b'2', "b").link("a", b'2', "b")), Reason::Duplicate);
    let with_content = Tar::new().header(b"a", b'2', 5, |block| block[157] = b'b').data(b"12345");
    assert_eq!(reason(with_content), Reason::Length { stated: 5 });
}

#[test]
fn long_names_of_gnu_and_pax_are_read() {
    let long = format!("{}x", "folder/".repeat(30));
    let gnu = Tar::new().entry(b"././@LongLink", b'L', format!("{long}\0").as_bytes()).file("short", b"1").build();
    let pax = Tar::new().pax(b'x', &[("path", &long), ("mtime", "1.5")]).file("short", b"1").build();
    for archive in [gnu, pax] {
        assert_eq!(contents(&archive).files[0].name, long);
    }
    let target = "t/".repeat(60);
    let link = Tar::new().entry(b"././@LongLink", b'K', target.as_bytes()).link("l", b'2', "short").build();
    assert_eq!(contents(&link).links[0].target, target);
    let size = Tar::new().pax(b'x', &[("size", "3")]).header(b"a", b'0', 0, |_| {}).data(b"123").build();
    assert_eq!(contents(&size).files[0].size, 3);
    let git = Tar::new().pax(b'g', &[("comment", "0123456789abcdef")]).file("a", b"1").build();
    assert_eq!(contents(&git).files.len(), 1);
    // A name behind an extended header is held to the same rules.
    assert_eq!(reason(Tar::new().pax(b'x', &[("path", "../x")]).file("short", b"")), Reason::Parent);
    assert_eq!(reason(Tar::new().entry(b"L", b'L', b"/etc/passwd\0").file("short", b"")), Reason::Absolute);
}

#[test]
fn headers_that_unpackers_read_differently_are_refused() {
    for (key, value) in [("path", "x"), ("linkpath", "x"), ("size", "3"), ("hdrcharset", "BINARY")] {
        assert_eq!(reason(Tar::new().pax(b'g', &[(key, value)]).file("a", b"")), Reason::Extended(key.to_owned()), "{key}");
    }
    assert_eq!(reason(Tar::new().pax(b'x', &[("GNU.sparse.major", "1")]).file("a", b"")), Reason::Sparse);
    assert_eq!(reason(Tar::new().pax(b'x', &[("path", "")]).file("a", b"")), Reason::Extended("path".to_owned()));
    let twice = [
        Tar::new().pax(b'x', &[("path", "b"), ("path", "c")]),
        Tar::new().pax(b'x', &[("path", "b")]).entry(b"L", b'L', b"c\0"),
        Tar::new().entry(b"L", b'L', b"b\0").entry(b"L", b'L', b"c\0"),
    ];
    for tar in twice {
        assert!(matches!(reason(tar.file("a", b"")), Reason::Damaged(_)));
    }
    for records in ["7 a=bcd\n", "x a=b\n", "99999999999999999999 a=b\n", "6 abc\n", "-1 a=b\n", "4 a", "0 a=b\n", "5 a=bc"] {
        assert!(
            matches!(reason(Tar::new().entry(b"p", b'x', records.as_bytes()).file("a", b"")), Reason::Damaged(_)),
            "{records:?}"
        );
    }
    // A header for an entry that never comes.
    assert_eq!(reason(Tar::new().file("a", b"").pax(b'x', &[("path", "b")])), Reason::Truncated);
    let wrong_sum = gzip(&{
        let mut bytes = Tar::new().file("a", b"1").ended();
        bytes[0] = b'b';
        bytes
    });
    assert!(matches!(refused(&wrong_sum).reason, Reason::Damaged(_)));
}

#[test]
fn an_archive_ends_once_and_where_it_says() {
    let whole = Tar::new().file("a", &[7; 700]).file("b", b"1");
    let ended = whole.clone().ended();
    // Cut anywhere in the tar archive and packed again: with a right checksum of gzip.
    for length in [0, 100, 512, 600, 1211, 1300, 1536, 2048, 2559] {
        let refusal = refused(&gzip(&ended[..length]));
        assert_eq!(refusal.reason, Reason::Truncated, "{length}");
        let entry = match length {
            512..1536 => Some("a"),
            2048.. => Some("b"),
            _ => None,
        };
        assert_eq!(refusal.entry.as_deref(), entry, "{length}");
    }
    // Cut anywhere in the packed one.
    let packed = gzip(&ended);
    for length in 2..packed.len() {
        assert_eq!(refused(&packed[..length]).reason, Reason::Truncated, "{length}");
    }
    let mut flipped = packed.clone();
    let crc = flipped.len() - 8;
    flipped[crc] ^= 1;
    assert!(matches!(refused(&flipped).reason, Reason::Damaged(_)));
    // Behind the packed archive, and behind the end inside it.
    for behind in [&b"x"[..], b"\0", b"PK\x03\x04"] {
        assert_eq!(refused(&[&packed[..], behind].concat()).reason, Reason::Trailing);
    }
    assert_eq!(refused(&gzip(&[&ended[..], &Tar::new().file("c", b"").ended()].concat())).reason, Reason::Trailing);
    assert_eq!(contents(&gzip(&[&ended[..], &[0; 9000]].concat())).files.len(), 2, "zeros fill up a record");
}

#[test]
fn members_of_gzip_are_one_stream() {
    let ended = Tar::new().file("a", &[7; 700]).file("b", b"1").ended();
    for at in [0, 1, 512, 700, ended.len()] {
        let packed = [gzip(&ended[..at]), gzip(&ended[at..])].concat();
        assert_eq!(contents(&packed).files.len(), 2, "{at}");
    }
    let broken = [gzip(&ended), b"\x1f\x8b\x09".to_vec()].concat();
    assert!(matches!(refused(&broken).reason, Reason::Damaged(_) | Reason::Truncated));
}

#[test]
fn a_length_that_lies_is_refused() {
    // Longer than what follows.
    let longer = Tar::new().header(b"a", b'0', 5000, |_| {}).data(b"12345");
    assert_eq!(reason(longer), Reason::Truncated);
    // 1 TiB, and more than a number holds.
    let huge = Tar::new().header(b"a", b'0', 1 << 40, |_| {}).data(b"1");
    assert_eq!(reason(huge), Reason::TooLarge(8 << 30));
    let base256 = Tar::new().header(b"a", b'0', 0, |block| block[124..136].fill(0xff));
    let refused = reason(base256);
    assert!(matches!(refused, Reason::TooLarge(_) | Reason::Damaged(_)), "{refused:?}");
    // Shorter: what is left is taken for a header.
    let shorter = Tar::new().header(b"a", b'0', 1, |_| {}).data(&[b'x'; 1000]);
    assert!(matches!(reason(shorter), Reason::Damaged(_)));
    // An endless row of names.
    let long = Tar::new().header(b"L", b'L', 1 << 30, |_| {}).data(b"x");
    assert_eq!(reason(long), Reason::LongName(1024));
    let pax = Tar::new().header(b"p", b'x', 1 << 30, |_| {}).data(b"x");
    assert!(matches!(reason(pax), Reason::Damaged(_)));
    let folder = Tar::new().header(b"a/", b'5', 5, |_| {}).data(b"12345");
    assert_eq!(reason(folder), Reason::Length { stated: 5 });
}
