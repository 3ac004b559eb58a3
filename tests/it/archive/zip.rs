//! What only a zip archive can do.

use super::raw::{Zip, contents, end, limited, refused};
use vetted::archive::{Limits, Link, Reason};

fn reason(zip: &Zip) -> Reason {
    refused(&zip.build()).reason
}

#[test]
fn entries_that_are_no_files_are_refused() {
    for (mode, expected) in [
        (0o010_644, Reason::Fifo),
        (0o020_644, Reason::Device),
        (0o060_644, Reason::Device),
        (0o140_644, Reason::UnknownType(0o14)),
        (0o040_755, Reason::FileAndFolder),
        (0o104_755, Reason::Setuid),
    ] {
        let refusal = refused(&Zip::new().with("x", b"", |entry| entry.mode = mode).build());
        assert_eq!((refusal.entry.as_deref(), refusal.reason), (Some("x"), expected), "{mode:o}");
    }
    assert_eq!(reason(&Zip::new().with("x/", b"1", |entry| entry.mode = 0)), Reason::FileAndFolder);
    let link = |target: &[u8]| Zip::new().with("a/b", target, |entry| entry.mode = 0o120_777);
    assert_eq!(contents(&link(b"../c").build()).links, [Link { name: "a/b".to_owned(), target: "../c".to_owned() }]);
    assert_eq!(reason(&link(b"../../c")), Reason::LinkOutside("../../c".to_owned()));
    assert_eq!(reason(&link(b"\xff")), Reason::NotUtf8);
}

#[test]
fn what_is_not_read_here_is_refused_by_name() {
    for flag in [1, 1 << 6, 1 << 13] {
        assert_eq!(reason(&Zip::new().with("x", b"1", |entry| entry.flags |= flag)), Reason::Encrypted);
    }
    assert_eq!(
        reason(&Zip::new().with("x", b"1", |entry| entry.central = |said| said.extra = b"\x01\x99\x02\0ab".to_vec())),
        Reason::Encrypted
    );
    for method in [1, 6, 9, 12, 14, 93, 99] {
        assert_eq!(reason(&Zip::new().with("x", b"1", |entry| entry.method = method)), Reason::Method(method));
    }
    assert_eq!(reason(&Zip::new().with("x", b"1", |entry| entry.disk = 1)), Reason::Parts);
    let mut parts = Zip::new().file("x", b"1").build();
    let at = parts.len() - 18;
    parts[at] = 1;
    assert_eq!(refused(&parts).reason, Reason::Parts);
}

#[test]
fn both_headers_say_the_same() {
    let with = |local: fn(&mut super::raw::Said)| Zip::new().with("name", b"content", |entry| entry.local = local);
    for (zip, what) in [
        (with(|said| said.name = b"eman".to_vec()), "name"),
        (with(|said| said.method = 8), "method of compression"),
        (with(|said| said.flags |= 8), "set of flags"),
        (with(|said| said.flags |= 1), "set of flags"),
        (with(|said| said.crc ^= 1), "length or checksum"),
        (with(|said| said.size += 1), "length or checksum"),
        (with(|said| said.packed -= 1), "length or checksum"),
        (with(|said| (said.packed, said.size, said.crc) = (0, 0, 0)), "length or checksum"),
        // Info-ZIP's second name.
        (with(|said| said.extra = b"\x75\x70\x09\0\x01\0\0\0\0eman".to_vec()), "name"),
    ] {
        let refusal = refused(&zip.build());
        assert_eq!((refusal.entry.as_deref(), refusal.reason), (Some("name"), Reason::TwoHeaders(what)));
    }
    let same = with(|said| said.extra = b"\x75\x70\x09\0\x01\0\0\0\0name".to_vec());
    assert_eq!(contents(&same.build()).files.len(), 1);
}

#[test]
fn a_length_that_lies_is_refused() {
    let lying = |change: fn(&mut super::raw::Said)| {
        Zip::new().with("x", b"content content content", |entry| {
            entry.deflate();
            (entry.local, entry.central) = (change, change);
        })
    };
    assert_eq!(reason(&lying(|said| said.size += 1)), Reason::Length { stated: 24 });
    assert_eq!(reason(&lying(|said| said.size -= 1)), Reason::Length { stated: 22 });
    assert_eq!(reason(&lying(|said| said.crc ^= 1)), Reason::Checksum);
    let stored = Zip::new().with("x", b"content", |entry| entry.data = b"content and more".to_vec());
    assert_eq!(reason(&stored), Reason::Length { stated: 7 });
    // Packed data with something behind its end.
    let padded = Zip::new().with("x", b"content", |entry| {
        entry.deflate();
        entry.data.extend(b"hidden");
    });
    assert_eq!(reason(&padded), Reason::Length { stated: 7 });
    let cut = Zip::new().with("x", b"content", |entry| {
        entry.deflate();
        entry.data.truncate(5);
    });
    assert_eq!(reason(&cut), Reason::Truncated);
    let broken = Zip::new().with("x", b"content", |entry| (entry.data, entry.method) = (vec![0xff; 9], 8));
    assert!(matches!(reason(&broken), Reason::Damaged(_)));
    let huge = Zip::new().with("x", b"1", |entry| {
        let both: fn(&mut super::raw::Said) = |said| said.size = u32::MAX - 1;
        (entry.local, entry.central) = (both, both);
    });
    assert_eq!(
        limited(&huge.build(), &Limits { file: 1 << 20, ratio_from: u64::MAX, ..Limits::default() }).unwrap_err().reason,
        Reason::TooLarge(1 << 20)
    );
}

#[test]
fn every_byte_belongs_to_one_entry() {
    // Two records for one content, as in the bombs of overlapping entries.
    let mut zip = Zip::new().file("a", b"content").file("b", b"content");
    zip.offsets = |_, _| 0;
    assert_eq!(reason(&zip), Reason::Overlap);
    // A content that is a whole entry of its own.
    let inner = Zip::new().file("b", b"inner").parts().0;
    let mut nested = Zip::new().file("a", &inner).file("b", b"inner");
    nested.offsets = |index, offset| if index == 1 { 31 } else { offset };
    assert_eq!(reason(&nested), Reason::Overlap);
    let gap = |zip: Zip| zip.with("b", b"1", |entry| entry.gap = b"PK\x03\x04 and more".to_vec());
    assert_eq!(reason(&gap(Zip::new())), Reason::Leading);
    assert_eq!(reason(&gap(Zip::new().file("a", b"1"))), Reason::Hidden);
    // An entry that the directory does not know.
    let (bytes, directory) = Zip::new().file("a", b"1").file("b", b"2").parts();
    let second = directory.len() / 2;
    let hidden = [&bytes[..], &directory[..second], &end(1, second as u32, bytes.len() as u32)].concat();
    assert_eq!(refused(&hidden).reason, Reason::Hidden);
}

#[test]
fn a_directory_stands_between_entries_and_end() {
    let (bytes, directory) = Zip::new().file("a", b"1").parts();
    let (length, start) = (directory.len() as u32, bytes.len() as u32);
    let make = |parts: &[&[u8]]| refused(&parts.concat()).reason;
    let normal = end(1, length, start);
    assert_eq!(contents(&[&bytes[..], &directory, &normal].concat()).files.len(), 1);
    // Everything shifted, as by a program that unpacks itself: such a file does not begin as an archive.
    let shifted = [b"PK\x03\x04 and more", &bytes[..], &directory, &normal].concat();
    assert_eq!(refused(&shifted).reason, Reason::Leading);
    assert_eq!(make(&[&bytes, &directory, b"between", &normal]), Reason::Hidden);
    assert_eq!(make(&[&bytes, b"between", &directory, &end(1, length, start + 7)]), Reason::Hidden);
    assert_eq!(make(&[&bytes, &directory, &normal, b"behind"]), Reason::Trailing);
    assert_eq!(make(&[&bytes, &directory]), Reason::Truncated);
    // A comment belongs to the archive, and may hold no second end.
    let comment = |text: &[u8]| {
        let mut end = normal.clone();
        end[20..22].copy_from_slice(&(text.len() as u16).to_le_bytes());
        [&bytes[..], &directory, &end, text].concat()
    };
    assert_eq!(contents(&comment(b"hello")).files.len(), 1);
    assert_eq!(refused(&comment(&normal)).reason, Reason::TwoEnds);
    // What the end says and what is there.
    assert!(matches!(make(&[&bytes, &directory, &end(0, length, start)]), Reason::Damaged(_)));
    assert_eq!(make(&[&bytes, &directory, &end(2, length, start)]), Reason::Truncated);
    assert!(matches!(make(&[&bytes, &directory, &end(1, length, start + 1)]), Reason::Damaged(_)));
    assert!(matches!(make(&[&bytes, &directory, &end(1, u32::MAX, u32::MAX)]), Reason::Damaged(_)));
    for length in 4..bytes.len() + directory.len() + 22 {
        assert_eq!(refused(&[&bytes[..], &directory, &normal].concat()[..length]).reason, Reason::Truncated, "{length}");
    }
}

#[test]
fn lengths_behind_the_content_are_read() {
    let descriptor = |zip: Zip, form: fn(u32, u32) -> Vec<u8>| {
        zip.with("x", b"content", |entry| {
            entry.deflate();
            entry.flags |= 1 << 3;
            entry.local = |said| (said.crc, said.packed, said.size) = (0, 0, 0);
            let mut crc = flate2::Crc::new();
            crc.update(b"content");
            entry.descriptor = form(crc.sum(), entry.data.len() as u32);
        })
    };
    let short: fn(u32, u32) -> Vec<u8> = |crc, packed| [crc, packed, 7].map(u32::to_le_bytes).concat();
    let signed: fn(u32, u32) -> Vec<u8> = |crc, packed| [0x0807_4b50, crc, packed, 7].map(u32::to_le_bytes).concat();
    let long: fn(u32, u32) -> Vec<u8> = |crc, packed| [0x0807_4b50, crc, packed, 0, 7, 0].map(u32::to_le_bytes).concat();
    for form in [short, signed, long] {
        let zip = descriptor(descriptor(Zip::new(), form).file("y", b"1"), form);
        // The same content under one name twice is no second file.
        assert_eq!(contents(&zip.build()).files.len(), 2);
    }
    let lying: fn(u32, u32) -> Vec<u8> = |crc, packed| [crc, packed, 8].map(u32::to_le_bytes).concat();
    let none: fn(u32, u32) -> Vec<u8> = |_, _| Vec::new();
    for form in [lying, none] {
        assert_eq!(reason(&descriptor(Zip::new(), form)), Reason::TwoHeaders("length or checksum"));
    }
    let more: fn(u32, u32) -> Vec<u8> = |crc, packed| [crc, packed, 7, 0, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    assert_eq!(reason(&descriptor(Zip::new(), more)), Reason::Hidden);
}

/// The ends of a zip64 archive: the wide one, its locator, the narrow one.
fn ends64(wide: [u64; 3], narrow: &[u8]) -> Vec<u8> {
    let [entries, length, start] = wide;
    let mut bytes = b"PK\x06\x06".to_vec();
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([entries, entries, length, start].map(u64::to_le_bytes).concat());
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend((start + length).to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(narrow);
    bytes
}

#[test]
fn zip64_is_read_and_held_against_the_narrow_numbers() {
    let wide = |zip: Zip| {
        zip.with("x", b"content", |entry| {
            let both: fn(&mut super::raw::Said) = |said| {
                said.extra = [&b"\x01\0\x10\0"[..], &7_u64.to_le_bytes(), &7_u64.to_le_bytes()].concat();
                (said.packed, said.size) = (u32::MAX, u32::MAX);
            };
            (entry.local, entry.central) = (both, both);
        })
    };
    assert_eq!(contents(&wide(Zip::new()).build()).files[0].size, 7);
    let short = Zip::new().with("x", b"1", |entry| {
        entry.central = |said| (said.size, said.extra) = (u32::MAX, b"\x01\0\x04\0abcd".to_vec());
    });
    assert!(matches!(reason(&short), Reason::Damaged(_)));

    let (bytes, directory) = wide(Zip::new()).parts();
    let (length, start) = (directory.len() as u64, bytes.len() as u64);
    let read =
        |wide: [u64; 3], narrow: &[u8]| limited(&[&bytes[..], &directory, &ends64(wide, narrow)].concat(), &Limits::default());
    let sentinels = end(u16::MAX, u32::MAX, u32::MAX);
    let agreeing = end(1, length as u32, start as u32);
    for narrow in [&sentinels, &agreeing] {
        assert_eq!(read([1, length, start], narrow).map(|c| c.files.len()), Ok(1));
    }
    for narrow in [end(2, u32::MAX, u32::MAX), end(1, length as u32, start as u32 - 1)] {
        assert_eq!(read([1, length, start], &narrow).unwrap_err().reason, Reason::TwoEnds);
    }
    assert_eq!(read([u64::MAX, length, start], &sentinels).unwrap_err().reason, Reason::TooMany(200_000));
    assert!(
        matches!(read([1, length, start - 1], &sentinels).unwrap_err().reason, Reason::Damaged(_)),
        "the locator points elsewhere"
    );
    assert!(matches!(read([1, u64::MAX - 5, 5], &sentinels).unwrap_err().reason, Reason::Damaged(_)));
}
