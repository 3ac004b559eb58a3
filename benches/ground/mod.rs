//! What both benches stand on: the CPU clock, and files and caches to measure.

use criterion::Throughput;
use criterion::measurement::{Measurement, ValueFormatter};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vetted::gather::measure::{Measurer, Silent};
use vetted::world::cache::{DigestCache, Moment};
use vetted::world::files::{Files, StatKey};

/// User and system time of this process with all its threads: what a busy machine does not stretch.
#[must_use]
pub fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("nanoseconds of a second"))
}

/// CPU time as what criterion measures.
pub struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        cpu()
    }

    fn end(&self, began: Duration) -> Duration {
        cpu().saturating_sub(began)
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits of nanoseconds are a hundred days")]
    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &CpuFormat
    }
}

struct CpuFormat;

impl ValueFormatter for CpuFormat {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        let (factor, unit) = match typical {
            t if t < 1e3 => (1.0, "ns CPU"),
            t if t < 1e6 => (1e-3, "us CPU"),
            t if t < 1e9 => (1e-6, "ms CPU"),
            _ => (1e-9, "s CPU"),
        };
        for value in values.iter_mut() {
            *value *= factor;
        }
        unit
    }

    #[expect(clippy::cast_precision_loss, reason = "sizes of benches are small")]
    fn scale_throughputs(&self, _typical: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        let (amount, unit) = match throughput {
            Throughput::Bytes(bytes) => (*bytes as f64, "GB per CPU second"),
            Throughput::Elements(elements) => (*elements as f64 * 1e3, "million per CPU second"),
            _ => (1.0, "per CPU ns"),
        };
        for value in values.iter_mut() {
            *value = amount / *value;
        }
        unit
    }

    fn scale_for_machines(&self, _values: &mut [f64]) -> &'static str {
        "ns"
    }
}

/// `count` files of `size` bytes in folders of a hundred, all different.
#[must_use]
pub fn files(root: &Path, count: usize, size: usize) -> Vec<PathBuf> {
    let mut content: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(0x9e37_79b9) >> 13).to_le_bytes()[0]).collect();
    (0..count)
        .map(|n| {
            let path = root.join(format!("{:03}/{n:05}.js", n / 100));
            fs::create_dir_all(path.parent().expect("a folder")).expect("a temporary folder");
            for (byte, part) in content.iter_mut().zip(n.to_le_bytes()) {
                *byte = part;
            }
            fs::write(&path, &content).expect("a temporary file");
            path
        })
        .collect()
}

/// A cache on disk that knows these files: they are waited for until they are old enough to be remembered.
#[must_use]
pub fn remembered(paths: &[PathBuf], cache: &Path) -> DigestCache {
    std::thread::sleep(Duration::from_millis(2_300));
    let measurer = Measurer::new(Files, DigestCache::load(Files, cache, true), Box::new(Silent));
    assert!(measurer.digest_all(paths).iter().all(Result::is_ok));
    assert!(measurer.into_cache().save(Files).expect("a cache"), "nothing was remembered on this file system");
    DigestCache::load(Files, cache, true)
}

/// A cache on disk of `count` files that do not exist, and their keys in no order.
#[must_use]
pub fn imagined(count: u64, folder: &Path) -> (PathBuf, Vec<StatKey>) {
    let path = folder.join("imagined");
    fs::write(folder.join("any"), "").expect("a temporary file");
    let (any, _) = Files.open(&folder.join("any")).expect("a temporary file");
    let cache = DigestCache::load(Files, &path, true);
    let key =
        |n: u64| StatKey { device: 1 + n % 3, inode: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20, size: n, mtime: 1, ctime: 1 };
    let keys: Vec<StatKey> = (0..count).map(key).collect();
    for key in &keys {
        cache.insert(&any, *key, [7; 32], Moment::now());
    }
    cache.save(Files).expect("a cache");
    (path, keys)
}

/// A measurer that remembers nothing.
#[must_use]
pub fn fresh() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

/// Reads a file as measuring does, without a digest.
#[must_use]
pub fn read(path: &Path) -> u64 {
    let (mut file, _) = Files.open(path).expect("a file");
    let mut buffer = vec![0; 128 * 1024];
    let mut total = 0;
    while let Ok(count @ 1..) = file.read(&mut buffer) {
        total += count as u64;
    }
    total
}
