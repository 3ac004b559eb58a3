//! One DSSE verification, from the text of a bundle to what it attests, against sigstore-python and sigstore-js in the same run: each
//! in a process that has its trusted root read already, A, B, C, A, B, C, ..., the ratio of CPU time taken round by round, the median
//! printed. `SIGSTORE_PYTHON` names a Python with sigstore 4, `SIGSTORE_JS` a folder with the packages that `.ci/sigstore-js` installs; a
//! peer that is not named is left out, and that is said.
#![allow(missing_docs, unreachable_pub, clippy::expect_used, clippy::print_stdout, reason = "a bench has no users")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a bench sets up the world that the program only reads")]

#[allow(dead_code, reason = "the other benches use the rest")]
mod ground;

use std::env;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use vetted::digest::{Algorithm, Digest, DigestSet};
use vetted::manifest::{Attestor, BundleVersion};
use vetted::trust::attested::{Expectation, RootOrigin, RootUsed, attest};
use vetted::trust::sigstore::{AttestationBundle, TrustRoot};

/// Each peer accepts its kind of entry (`dsse` 0.0.1); npm's (`intoto` 0.0.2) is refused by sigstore-python.
const BUNDLE: &str = "real/pypi_attestation_models-0.0.4a2.tar.gz.sigstore";
const IDENTITY: &str = "https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v0.0.4a2";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SHA256: &str = "c9709ce6fd5b67b59b4a28758cf14d3f411803c4b89b6068b1f1a8e4ee94c8ef";

fn bundles(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(name)
}

/// A client that verifies as often as it is told and says what CPU time that took.
struct Peer {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Peer {
    fn start(mut command: Command) -> Self {
        command.arg(bundles("roots/public-good.json")).arg(bundles(BUNDLE)).args([IDENTITY, ISSUER, SHA256]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer starts");
        let (ask, answer) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { child, ask, answer: BufReader::new(answer) }
    }

    /// CPU time of one verification, in seconds.
    fn verify(&mut self, times: u32) -> f64 {
        writeln!(self.ask, "{times}").expect("the peer listens");
        let mut line = String::new();
        self.answer.read_line(&mut line).expect("the peer answers");
        line.trim().parse::<f64>().expect("CPU time: the peer verified the bundle") / f64::from(times)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn peers() -> Vec<(&'static str, Peer)> {
    let mut found = Vec::new();
    let script = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name);
    if let Some(python) = env::var_os("SIGSTORE_PYTHON") {
        let mut command = Command::new(python);
        command.arg(script("verify.py"));
        found.push(("sigstore-python", Peer::start(command)));
    }
    if let Some(packages) = env::var_os("SIGSTORE_JS") {
        let mut command = Command::new("node");
        command.env("NODE_PATH", Path::new(&packages).join("node_modules")).arg(script("verify.js"));
        found.push(("sigstore-js", Peer::start(command)));
    }
    found
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // `cargo bench` says so; anything else gets one small round that shows the bench works.
    let (rounds, times) = if env::args().any(|argument| argument == "--bench") { (15, 50) } else { (1, 1) };
    let text = fs::read_to_string(bundles(BUNDLE)).expect("the bundle");
    let bytes = fs::read(bundles("roots/public-good.json")).expect("the root");
    let root = TrustRoot::parse(&bytes).expect("a root");
    let used = RootUsed { instance: "public-good".into(), origin: RootOrigin::BuiltIn, sha256: Digest::sha256_of(&bytes) };
    let file = DigestSet::from(Digest::parse(Algorithm::Sha256, SHA256).expect("a digest"));
    let expected = Expectation {
        by: Attestor::Identity { issuer: ISSUER.into(), identity: IDENTITY.into() },
        predicates: Vec::new(),
        source: None,
        source_id: None,
        owner_id: None,
        builder: None,
        min_bundle: BundleVersion::V0_3,
    };
    let verify = || {
        let bundle = AttestationBundle::parse(&text).expect("a bundle");
        attest(&bundle, &file, &expected, Some((&root, &used))).expect("attested")
    };
    let ours = || {
        let began = ground::cpu();
        for _ in 0..times {
            black_box(verify());
        }
        ground::cpu().saturating_sub(began).as_secs_f64() / f64::from(times)
    };

    let mut peers = peers();
    let mut taken: Vec<(f64, Vec<f64>)> = Vec::new();
    for round in 0..=rounds {
        let one = (ours(), peers.iter_mut().map(|(_, peer)| peer.verify(times)).collect());
        // The first round warms up.
        if round > 0 {
            taken.push(one);
        }
    }
    println!("one DSSE verification: {:.3} ms", 1e3 * median(taken.iter().map(|(ours, _)| *ours).collect()));
    for (index, (name, _)) in peers.iter().enumerate() {
        let ratio = median(taken.iter().map(|(ours, theirs)| ours / theirs[index]).collect());
        let theirs = 1e3 * median(taken.iter().map(|(_, theirs)| theirs[index]).collect());
        println!("  against {name}: ratio {ratio:.4}, {theirs:.3} ms");
    }
    if peers.len() < 2 {
        println!("  SIGSTORE_PYTHON or SIGSTORE_JS is not set: a peer was left out");
    }
}
