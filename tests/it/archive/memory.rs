//! Memory depends on the number of entries, never on their size (threat T-16).
//!
//! Each archive is read by a process of its own, which is this test binary running [`in_a_process_of_its_own`] alone and saying at its
//! end how much memory it ever had.

use super::raw::{Tar, Zip, end};
use flate2::Compression;
use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;
use vetted::archive::{self, Kind, Limits};
use vetted::layout;

/// What threat T-16 allows, in bytes.
const MOST: u64 = 256 << 20;
const ARCHIVE: &str = "VETTED_TEST_ARCHIVE";

/// The most memory that a process had which read this archive, and what it said of it.
fn peak(archive: &Path) -> (u64, String) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--exact", "archive::memory::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(ARCHIVE, archive)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = |key: &str| text.lines().find_map(|line| line.split_once(key)).map(|(_, value)| value.to_owned());
    let peak = said("peak kB: ").unwrap_or_else(|| panic!("no answer:\n{text}"));
    (peak.parse::<u64>().unwrap() * 1024, said("result: ").unwrap())
}

#[test]
#[ignore = "runs as a process of its own"]
fn in_a_process_of_its_own() {
    let Some(path) = std::env::var_os(ARCHIVE) else { return };
    let mut file = File::open(&path).unwrap();
    let result = match Kind::tell(&mut file) {
        Ok(kind) => match archive::contents(file, kind, &Limits::default(), &layout::npm::keep) {
            Ok(contents) => format!("{} files", contents.files.len()),
            Err(refusal) => format!("{:?}", refusal.reason),
        },
        // What is no archive is held in memory as a whole, so that this test shows that it can fail.
        Err(_) => format!("{} bytes", std::fs::read(&path).unwrap().len()),
    };
    println!("\nresult: {result}");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak kB: {}", peak.trim().trim_end_matches("kB").trim());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    let expect = |name: &str, result: &str, write: &dyn Fn(&mut File)| {
        write(&mut File::create(&path).unwrap());
        let (peak, said) = peak(&path);
        assert_eq!(said, result, "{name}");
        assert!(peak < MOST, "{name}: {} MiB", peak >> 20);
    };
    expect("a file of 512 MiB in tar", "1 files", &|file| packed_file(file, 512 << 20));
    expect("a file of 2 GiB in zip", "1 files", &|file| stored_file(file, 2 << 30));
    expect("as many entries as there may be", "199000 files", &|file| many(file, 199_000, 100));
    expect("long names", "TooManyNames(33554432)", &|file| many(file, 70_000, 500));
    expect("a directory of long records", "TooMany(200000)", &records);
    expect("descriptions of many packages", "TooMuchKept(33554432)", &descriptions);

    let mut file = File::create(&path).unwrap();
    file.write_all(&vec![b'x'; usize::try_from(MOST).unwrap()]).unwrap();
    let (peak, said) = peak(&path);
    assert_eq!(said, format!("{MOST} bytes"));
    assert!(peak > MOST, "the measurement sees nothing: {} MiB", peak >> 20);
}

/// A tar archive with one file of so many bytes, about a hundred times smaller when packed.
fn packed_file(file: &mut File, size: usize) {
    let mut tar = flate2::write::GzEncoder::new(BufWriter::new(file), Compression::fast());
    tar.write_all(&Tar::new().header(b"large", b'0', size, |_| {}).bytes).unwrap();
    let mut state = 7_u32;
    let mut block = vec![0_u8; 64 << 10];
    for byte in block.iter_mut().take(512) {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (state >> 24) as u8;
    }
    for _ in 0..size / block.len() {
        tar.write_all(&block).unwrap();
    }
    tar.write_all(&[0; 1024]).unwrap();
    tar.finish().unwrap().flush().unwrap();
}

/// A zip archive with one file that is not packed: zeros, which take no place on the disk.
fn stored_file(file: &mut File, size: u64) {
    let mut crc = flate2::Crc::new();
    let zeros = vec![0; 1 << 20];
    (0..size >> 20).for_each(|_| crc.update(&zeros));
    let mut numbers = Vec::new();
    for number in [crc.sum(), u32::try_from(size).unwrap(), u32::try_from(size).unwrap()] {
        numbers.extend(number.to_le_bytes());
    }
    let (mut local, mut directory) = Zip::new().file("x", b"").parts();
    local[14..26].copy_from_slice(&numbers);
    directory[16..28].copy_from_slice(&numbers);
    file.write_all(&local).unwrap();
    file.seek(SeekFrom::Current(i64::try_from(size).unwrap())).unwrap();
    let start = u32::try_from(local.len() as u64 + size).unwrap();
    file.write_all(&[&directory[..], &end(1, directory.len() as u32, start)].concat()).unwrap();
}

/// A tar archive of empty files whose names have so many bytes.
fn many(file: &mut File, count: usize, length: usize) {
    let mut tar = flate2::write::GzEncoder::new(BufWriter::new(file), Compression::fast());
    for number in 0..count {
        let name = format!("{number:0>length$}");
        // Noise in a field that nobody reads, so that the archive is no bomb.
        let noise = vetted::digest::Digest::sha256_of(name.as_bytes()).hex();
        let header =
            |name: &[u8]| Tar::new().header(name, b'0', 0, |block| block[265..297].copy_from_slice(&noise.as_bytes()[..32]));
        let entry = match length {
            0..=100 => header(name.as_bytes()),
            _ => {
                let mut long = Tar::new().pax(b'x', &[("path", &name)]);
                long.bytes.extend(header(b"short").bytes);
                long
            }
        };
        tar.write_all(&entry.bytes).unwrap();
    }
    tar.write_all(&[0; 1024]).unwrap();
    tar.finish().unwrap().flush().unwrap();
}

/// A zip archive whose end promises more records than there may be.
fn records(file: &mut File) {
    let (bytes, _) = Zip::new().file("x", b"").parts();
    let mut end64 = b"PK\x06\x06".to_vec();
    end64.extend(44_u64.to_le_bytes());
    end64.extend([0; 12]);
    let start = bytes.len() as u64;
    end64.extend([u64::MAX / 46, u64::MAX / 46, 0, start].map(u64::to_le_bytes).concat());
    end64.extend(b"PK\x06\x07\0\0\0\0");
    end64.extend(start.to_le_bytes());
    end64.extend(1_u32.to_le_bytes());
    file.write_all(&[&bytes[..], &end64, &end(u16::MAX, u32::MAX, u32::MAX)].concat()).unwrap();
}

/// A package that brings many packages, each with a large description.
fn descriptions(file: &mut File) {
    let mut tar = flate2::write::GzEncoder::new(BufWriter::new(file), Compression::fast());
    let mut noise = String::new();
    while noise.len() < 1 << 20 {
        noise += &vetted::digest::Digest::sha256_of(noise.as_bytes()).hex();
        noise = noise.chars().rev().collect();
        if noise.len() > 4096 {
            noise = noise.repeat(2);
        }
    }
    for number in 0..100 {
        let entry = Tar::new().file(&format!("package/node_modules/p{number}/package.json"), noise.as_bytes());
        tar.write_all(&entry.bytes).unwrap();
    }
    tar.write_all(&[0; 1024]).unwrap();
    tar.finish().unwrap().flush().unwrap();
}
