//! `vetted verify`: whether a bundle shows who made a file.
//!
//! The same code judges attestations for `approve` and `check`; here a person holds a file and a bundle and asks. Nothing is looked
//! up on a network: the bundle brings the proofs, the trusted root is here.

mod artifact;
mod judge;

use super::{Context, PolicyArgs, written};
use crate::error::{Error, ExitStatus};
use crate::manifest::{Attestor, BundleVersion};
use crate::report::verification::{Outcome, Verification, render_human, render_json};
use crate::text::printable;
use crate::trust::attested::Expectation;
use crate::trust::document::Loaded;
use crate::trust::key::MAX_KEY_FILE;
use crate::trust::roots::{PUBLIC_GOOD, Root, RootRefusal, Roots};
use artifact::Artifact;
use judge::Judge;
use pkcs8::Document;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Verify who made a file: a package, a program, a model folder, or a digest
///
/// Judges Sigstore bundles by an exact identity and issuer, or by a key. Of several bundles one has to show it. Works without a
/// network. Exit status: 0 verified, 1 refused, 2 usage, 3 the artifact or the bundles cannot be read.
#[derive(Debug, clap::Args)]
#[command(override_usage = "vetted verify [OPTIONS] --bundle FILE (--identity ID --issuer URL | --key PEM) <ARTIFACT>")]
#[command(group = clap::ArgGroup::new("who").required(true).args(["identity", "key", "attestation"]))]
pub(super) struct Args {
    /// A file, a folder, or `sha256:HEX` or `sha512:HEX` where nothing is called so
    #[arg(value_name = "ARTIFACT")]
    artifact: String,
    /// File with one or more bundles; repeatable.
    ///
    /// A Sigstore bundle, bundles one a line, what an npm registry or GitHub answers about attestations, or a PEP 740 provenance.
    #[arg(long = "bundle", value_name = "FILE", required = true)]
    bundles: Vec<PathBuf>,
    /// Who must have signed: the subject of the certificate, exact
    #[arg(long, value_name = "ID", requires = "issuer", help_heading = "Signer")]
    identity: Option<String>,
    /// Who must vouch for the identity, exact; empty for certificates that name nobody
    #[arg(long, value_name = "URL", requires = "identity", help_heading = "Signer")]
    issuer: Option<String>,
    /// PEM file with the public key that must have signed
    #[arg(long, value_name = "PEM", conflicts_with_all = ["source", "source_id", "owner_id"], help_heading = "Signer")]
    key: Option<PathBuf>,
    /// Ask what this `[[attestation]]` of the manifest in force asks
    #[arg(long, value_name = "ID", requires = "tool", conflicts_with_all = OWN_WORDS, help_heading = "Signer")]
    attestation: Option<String>,
    /// The tool and version that stand for `{version}` in it
    #[arg(long, value_name = "TOOL@VERSION", requires = "attestation", help_heading = "Signer")]
    tool: Option<String>,
    /// Repository that it must come from, exact
    #[arg(long, value_name = "URL", help_heading = "Origin")]
    source: Option<String>,
    /// Number of that repository at its forge: another one under the same name has another
    #[arg(long, value_name = "N", help_heading = "Origin")]
    source_id: Option<String>,
    /// Number of the owner of that repository
    #[arg(long, value_name = "N", help_heading = "Origin")]
    owner_id: Option<String>,
    /// Builder that the provenance must name, exact
    #[arg(long, value_name = "URI", help_heading = "Origin")]
    builder: Option<String>,
    /// Predicate type that the statement must have, exact; repeatable, one of them has to fit
    #[arg(long = "predicate", value_name = "TYPE", help_heading = "Proof")]
    predicates: Vec<String>,
    /// Oldest version of a bundle that counts; 0.1 proves no inclusion in the log
    #[arg(long, value_enum, default_value_t, value_name = "VERSION", help_heading = "Proof")]
    min_bundle: MinBundle,
    /// Sigstore instance whose trusted root counts: `sigstore-public-good`, `github`, or one of the trust policy
    /// [default: sigstore-public-good]
    #[arg(long, value_name = "ID", conflicts_with = "trusted_root", help_heading = "Proof")]
    instance: Option<String>,
    /// File with the trusted root that counts, in place of an instance's
    #[arg(long, value_name = "FILE", help_heading = "Proof")]
    trusted_root: Option<PathBuf>,
    /// For people, or for programs (`vetted/verification/v1`)
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// What a policy of the manifest says, and is not said beside it.
const OWN_WORDS: [&str; 9] =
    ["identity", "key", "source", "source_id", "owner_id", "builder", "predicates", "instance", "min_bundle"];

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum Format {
    /// Text
    #[default]
    Human,
    /// One JSON document
    Json,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum MinBundle {
    /// An inclusion promise is enough
    #[value(name = "0.1")]
    V0_1,
    /// With an inclusion proof
    #[default]
    #[value(name = "0.2")]
    V0_2,
    /// With an inclusion proof and one certificate
    #[value(name = "0.3")]
    V0_3,
}

impl From<MinBundle> for BundleVersion {
    fn from(version: MinBundle) -> Self {
        match version {
            MinBundle::V0_1 => Self::V0_1,
            MinBundle::V0_2 => Self::V0_2,
            MinBundle::V0_3 => Self::V0_3,
        }
    }
}

/// Run the command.
///
/// # Errors
/// [`Error`] when the artifact, a bundle, the key or the trusted root cannot be read, or nobody knows what was named.
pub(super) fn run(args: &Args, context: &Context) -> Result<ExitStatus, Error> {
    // A root that is named needs no policy to say which one counts.
    let needs_policy = args.trusted_root.is_none() || args.attestation.is_some();
    let loaded = if needs_policy { args.policy.load(context)? } else { Loaded::built_in() };
    let (expected, instance) = expectation(args, context, &loaded)?;
    let root = root(args, context, &loaded, &instance)?;
    let artifact = Artifact::find(context, &args.artifact)?;
    let mut judge = Judge { context, artifact, expected: &expected, root: &root };
    let mut bundles = Vec::new();
    for path in &args.bundles {
        bundles.extend(judge.file(path)?);
    }
    let artifact = judge.artifact.shown();
    let it = Verification { artifact, expected, root: Some(root.used.clone()), bundles };
    write(args, context, &it)?;
    Ok(match it.outcome() {
        Outcome::Verified => ExitStatus::Success,
        Outcome::Refused => ExitStatus::Blocked,
        Outcome::Undecided => ExitStatus::Undecided,
    })
}

/// An answer is data; a refusal is talk, so that a pipe that takes the answer does not swallow it.
fn write(args: &Args, context: &Context, it: &Verification) -> Result<(), Error> {
    let now = context.world.now;
    let mut out = match args.format {
        Format::Human if it.outcome() != Outcome::Verified => context.printer.stderr(),
        _ => context.printer.stdout(),
    };
    let result = match args.format {
        Format::Human => render_human(it, &context.style(), now, &mut out),
        Format::Json => render_json(it, now, &mut out),
    };
    written(result.and_then(|()| out.flush())).map(drop)
}

/// What a bundle has to show, and at which instance.
fn expectation(args: &Args, context: &Context, loaded: &Loaded) -> Result<(Expectation, String), Error> {
    if let (Some(id), Some(tool)) = (&args.attestation, &args.tool) {
        return of_manifest(loaded, id, tool);
    }
    let by = match (&args.key, &args.identity, &args.issuer) {
        (Some(path), ..) => Attestor::Key { spki: public_key(context, path)?, not_after: None },
        (None, Some(identity), Some(issuer)) => Attestor::Identity { issuer: issuer.clone(), identity: identity.clone() },
        _ => return Err(Error::usage("who must have signed is not said").hint("`--identity ID --issuer URL`, or `--key PEM`")),
    };
    let expected = Expectation {
        by,
        predicates: args.predicates.clone(),
        source: args.source.clone(),
        source_id: args.source_id.clone(),
        owner_id: args.owner_id.clone(),
        builder: args.builder.clone(),
        min_bundle: args.min_bundle.into(),
    };
    Ok((expected, args.instance.clone().unwrap_or_else(|| PUBLIC_GOOD.to_owned())))
}

fn of_manifest(loaded: &Loaded, id: &str, tool: &str) -> Result<(Expectation, String), Error> {
    let manifest = loaded.manifest.get();
    let policy = manifest.attestations.iter().find(|policy| policy.id == id).ok_or_else(|| {
        let known: Vec<String> = manifest.attestations.iter().map(|policy| format!("`{}`", printable(&policy.id))).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::usage(format!("the manifest has no `[[attestation]]` called `{}`", printable(id)))
            .cause(format!("expected one of {}: {known}", printable(&manifest.header.name)))
    })?;
    let version = tool.split_once('@').map(|(_, version)| version).filter(|version| !version.is_empty());
    let version =
        version.ok_or_else(|| Error::usage(format!("`{}` names no version", printable(tool))).hint("`--tool TOOL@VERSION`"))?;
    Ok((Expectation::of_policy(policy, version, manifest.min_bundle), policy.instance.clone()))
}

/// The public key in a PEM file, as DER of its SubjectPublicKeyInfo.
fn public_key(context: &Context, path: &std::path::Path) -> Result<Vec<u8>, Error> {
    let cannot = |why: String| {
        Error::usage(format!("`{}` is no public key", crate::text::printable_path(path)))
            .cause(why)
            .hint("a public key stands in PEM between `BEGIN PUBLIC KEY` and `END PUBLIC KEY`")
    };
    let bytes = context.world.files.read(path, MAX_KEY_FILE).map_err(|e| cannot(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| cannot("it is no PEM text".to_owned()))?;
    match Document::from_pem(text.trim_start()) {
        Ok(("PUBLIC KEY", document)) => Ok(document.as_bytes().to_vec()),
        Ok((label, _)) => Err(cannot(format!("expected a `PUBLIC KEY`, found a `{}`", printable(label)))),
        Err(error) => Err(cannot(format!("it is no PEM text: {error}"))),
    }
}

/// The trusted root that counts.
fn root(args: &Args, context: &Context, loaded: &Loaded, instance: &str) -> Result<Arc<Root>, Error> {
    let refuse = |refusal: RootRefusal| {
        let hint = match &refusal {
            RootRefusal::Unknown { .. } => "`--trusted-root FILE` names one that nobody else knows",
            RootRefusal::Organisation(_) => "`vetted sync` brings the file that the trust policy pins",
            RootRefusal::File(_) | RootRefusal::Unusable { .. } => {
                "a trusted root is JSON of `application/vnd.dev.sigstore.trustedroot`"
            }
        };
        let error = match &refusal {
            RootRefusal::Organisation(_) => Error::undecided("there is no trusted root to verify under"),
            _ => Error::usage("there is no trusted root to verify under"),
        };
        error.because(&refusal).hint(hint)
    };
    if let Some(path) = &args.trusted_root {
        return Root::named(context.world.files, path).map(Arc::new).map_err(refuse);
    }
    let none = std::collections::BTreeMap::new();
    let own = loaded.trust.as_ref().map_or(&none, |trust| &trust.get().instances);
    Roots::load(&context.world, own, loaded.documents()).get(instance).map_err(refuse)
}
