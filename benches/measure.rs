//! What measuring costs, in CPU time: one file, many files, trees, the cache. `benches/ratios.rs` sets the same things side by side.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, reason = "a bench has no users")]
#![allow(clippy::disallowed_methods, reason = "a bench sets up the world that the program only reads")]

mod ground;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ground::{CpuTime, files, fresh, imagined, read, remembered};
use std::hint::black_box;
use vetted::gather::measure::{Measurer, Silent};
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

/// A large program would be 250 to 400 MB; the rate is the same from a few MB on.
const LARGE: usize = 64 << 20;

fn one_file(c: &mut Criterion<CpuTime>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = files(folder.path(), 1, LARGE).remove(0);
    let mut group = c.benchmark_group("one file of 64 MiB");
    group.sample_size(10).throughput(Throughput::Bytes(LARGE as u64));
    // A new measurer without a cache remembers nothing, so every digest reads.
    group.bench_function("read, no digest", |b| b.iter(|| read(&path)));
    group.bench_function("digest", |b| b.iter(|| fresh().digest(black_box(&path))));
    group.finish();
}

fn many_files(c: &mut Criterion<CpuTime>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = files(folder.path(), 2_000, 16 << 10);
    let mut group = c.benchmark_group("2,000 files of 16 KiB");
    group.sample_size(10).throughput(Throughput::Bytes(2_000 * (16 << 10)));
    group.bench_function("digest all", |b| b.iter(|| fresh().digest_all(black_box(&paths))));
    let cache = remembered(&paths, &folder.path().join("digests"));
    let warm = Measurer::new(Files, cache, Box::new(Silent));
    group.throughput(Throughput::Elements(2_000));
    group.bench_function("digest all, remembered", |b| b.iter(|| warm.digest_all(black_box(&paths))));
    group.bench_function("tree, remembered", |b| b.iter(|| warm.tree(folder.path(), &["*/*.js".to_owned()], &[])));
    group.finish();
}

fn cache(c: &mut Criterion<CpuTime>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, keys) = imagined(20_000, folder.path());
    let mut group = c.benchmark_group("cache of 20,000 records");
    group.bench_function("load", |b| b.iter(|| DigestCache::load(Files, &path, true)));
    let loaded = DigestCache::load(Files, &path, true);
    group.throughput(Throughput::Elements(20_000));
    group.bench_function("20,000 lookups", |b| b.iter(|| keys.iter().filter(|key| loaded.lookup(key).is_some()).count()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = one_file, many_files, cache
}
criterion_main!(benches);
