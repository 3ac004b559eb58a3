"""TUF repositories for the tests, made and signed by python-tuf: honest ones, and ones as an attacker would serve them.

    repository.py OUT

writes OUT/<scenario>/<stage>/{metadata,targets}/. A stage is all that a server offers at one moment; a client meets them in the order
that the test says. OUT/<scenario>/1.root.json is the root that the client has pinned. An attacker has what the scenario says, and
nothing else: where a key is stolen, the function says which.
"""

import copy
import hashlib
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc)
LATER = NOW + timedelta(days=30)
PLAIN = JSONSerializer(compact=True)
ROLES = ["root", "timestamp", "snapshot", "targets"]
POLICY = {
    "vetted-trust.toml": b'kind = "vetted/trust"\n',
    "vetted.toml": b'kind = "vetted/manifest"\nserial = 1\n',
    "vetted.toml.sigstore.json": b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}\n',
    "vetted-revocations.toml": b'kind = "vetted/revocations"\nserial = 1\n',
    "attestations/npm/example/1.0.0/files.json": b"[]\n",
}


class Repository:
    """The state of a repository, and what of it is published so far."""

    def __init__(self, scenario: Path, consistent=True, root_threshold=1, pins=True):
        self.scenario = scenario
        self.pins = pins
        self.signers = {role: [CryptoSigner.generate_ed25519()] for role in ROLES}
        while len(self.signers["root"]) < root_threshold:
            self.signers["root"].append(CryptoSigner.generate_ed25519())
        self.root = Root(expires=LATER, consistent_snapshot=consistent)
        for role, signers in self.signers.items():
            for signer in signers:
                self.root.add_key(signer.public_key, role)
        self.root.roles["root"].threshold = root_threshold
        self.targets = Targets(expires=LATER)
        self.snapshot = Snapshot(expires=LATER)
        self.timestamp = Timestamp(expires=LATER)
        self.delegated: dict[str, Targets] = {}
        self.files: dict[str, bytes] = {}
        self.metadata: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        for name, content in POLICY.items():
            self.add(name, content)
        self.publish_root()
        self.publish_targets()
        scenario.mkdir(parents=True)
        (scenario / "1.root.json").write_bytes(self.metadata["1.root.json"])

    def sign(self, role, signed, signers=None) -> bytes:
        metadata = Metadata(signed)
        for signer in self.signers[role] if signers is None else signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes(PLAIN)

    def add(self, name, content, role=None):
        """List a target, and have its bytes."""
        target = TargetFile.from_data(name, content, ["sha256", "sha512"])
        (self.delegated[role] if role else self.targets).targets[name] = target
        self.files[name] = content
        folder, _, file = name.rpartition("/")
        prefix = target.hashes["sha256"] + "." if self.root.consistent_snapshot else ""
        self.blobs[f"{folder}/{prefix}{file}".lstrip("/")] = content

    def publish_root(self, signers=None):
        self.metadata[f"{self.root.version}.root.json"] = self.sign("root", self.root, signers)

    def rotate(self, role, make=CryptoSigner.generate_ed25519):
        """Give a role a new key in the next root, and return the old signers."""
        old = self.signers[role]
        for signer in old:
            self.root.revoke_key(signer.public_key.keyid, role)
        self.signers[role] = [make() for _ in old]
        for signer in self.signers[role]:
            self.root.add_key(signer.public_key, role)
        self.root.version += 1
        return old

    def put(self, role, signed, data):
        """Store signed metadata under the names that clients ask for."""
        prefix = f"{signed.version}." if self.root.consistent_snapshot and role != "timestamp" else ""
        self.metadata[f"{prefix}{role}.json"] = data

    def publish_targets(self, signers=None):
        self.publish_role("targets", self.targets, signers)
        for role, targets in self.delegated.items():
            self.publish_role(role, targets)
        self.publish_snapshot()

    def publish_role(self, role, signed, signers=None):
        data = self.sign(role, signed, signers)
        self.put(role, signed, data)
        self.snapshot.meta[f"{role}.json"] = self.pin(signed, data)

    def pin(self, signed, data):
        """What the parent says of a file: its version, and where this repository pins bytes, its length and digest."""
        if not self.pins:
            return MetaFile(signed.version)
        return MetaFile(signed.version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})

    def publish_snapshot(self, signers=None):
        data = self.sign("snapshot", self.snapshot, signers)
        self.put("snapshot", self.snapshot, data)
        self.timestamp.snapshot_meta = self.pin(self.snapshot, data)
        self.publish_timestamp()

    def publish_timestamp(self, signers=None):
        self.put("timestamp", self.timestamp, self.sign("timestamp", self.timestamp, signers))

    def next(self, *roles):
        """Raise the version of these roles."""
        for role in roles:
            getattr(self, role).version += 1

    def issue(self, serial=2):
        """The next issue of the manifest, honestly published."""
        self.add("vetted.toml", b'kind = "vetted/manifest"\nserial = %d\n' % serial)
        self.next("targets", "snapshot", "timestamp")
        self.publish_targets()

    def delegate(self, name, keys, **more):
        """A delegated role with one new key."""
        signer = CryptoSigner.generate_ed25519()
        if self.targets.delegations is None:
            self.targets.delegations = Delegations({}, {})
        role = DelegatedRole(name, [], 1, more.get("terminating", False), paths=keys)
        self.targets.delegations.roles[name] = role
        self.targets.delegations.keys[signer.public_key.keyid] = signer.public_key
        role.keyids.append(signer.public_key.keyid)
        self.signers[name] = [signer]
        self.delegated[name] = Targets(expires=LATER)

    def stage(self, name, metadata=None, blobs=None):
        """Write what a server offers now; the two tables replace or (None) remove files."""
        for folder, files, changes in (
            ("metadata", self.metadata, metadata or {}),
            ("targets", self.blobs, blobs or {}),
        ):
            for path, data in {**files, **changes}.items():
                if data is None:
                    continue
                path = self.scenario / name / folder / path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)


def honest(out):
    """Two issues of a policy, with keys of three kinds."""
    repository = Repository(out)
    repository.stage("first")
    for role, make in (("snapshot", CryptoSigner.generate_ecdsa), ("targets", CryptoSigner.generate_rsa)):
        repository.rotate(role, make)
        repository.publish_root()
    repository.issue()
    repository.stage("second")


def inconsistent(out):
    """Without consistent snapshots: no version and no digest in the names."""
    Repository(out, consistent=False).stage("only")


def delegated(out):
    """The revocations come from a role of their own, as on-call people sign them; nobody else's word counts for that file."""
    repository = Repository(out)
    del repository.targets.targets["vetted-revocations.toml"]
    repository.delegate("on-call", ["vetted-revocations.toml*"], terminating=True)
    repository.delegate("everybody", ["*"])
    repository.add("vetted-revocations.toml", b'kind = "vetted/revocations"\nserial = 9\n', "on-call")
    repository.add("vetted-revocations.toml.sigstore.json", b"{}", "everybody")
    repository.add("notes.txt", b"for everybody\n", "everybody")
    repository.publish_targets()
    repository.stage("only")
    # The key of `everybody` signs what `on-call` should.
    repository.publish_role("on-call", repository.delegated["on-call"], repository.signers["everybody"])
    repository.next("snapshot", "timestamp")
    repository.publish_snapshot()
    repository.stage("substituted")


def rollback_timestamp(out):
    """A mirror that keeps serving the first issue after the second was seen."""
    repository = Repository(out)
    repository.stage("old")
    repository.issue()
    repository.stage("new")


def rollback_snapshot(out):
    """The timestamp key is stolen: a newer timestamp points at the older snapshot."""
    repository = Repository(out)
    old = copy.deepcopy(repository.timestamp.snapshot_meta)
    repository.issue()
    repository.stage("new")
    repository.next("timestamp")
    repository.timestamp.snapshot_meta = old
    repository.publish_timestamp()
    repository.stage("attack")


def rollback_targets(out):
    """The timestamp and snapshot keys are stolen: a newer snapshot lists the older targets, or none."""
    repository = Repository(out)
    old = copy.deepcopy(repository.snapshot.meta["targets.json"])
    repository.issue()
    repository.stage("new")
    repository.next("snapshot", "timestamp")
    repository.snapshot.meta["targets.json"] = old
    repository.publish_snapshot()
    repository.stage("attack")
    del repository.snapshot.meta["targets.json"]
    repository.snapshot.meta["other.json"] = MetaFile(1)
    repository.publish_snapshot()
    repository.stage("removed")


def freeze(out):
    """One stage a role that ends in an hour, all else in a month; the client comes after that hour, or at that very instant."""
    for role in ROLES:
        repository = Repository(out / role)
        getattr(repository, role).expires = NOW + timedelta(hours=1)
        if role == "root":
            repository.root.version = 2
            repository.publish_root()
        repository.publish_targets()
        repository.stage("only")


def mix_and_match(out):
    """Files of different issues under the names of one; the mirror has no key at all."""
    repository = Repository(out)
    first = dict(repository.metadata)
    repository.issue()
    repository.stage("honest")
    repository.stage("targets", {"2.targets.json": first["1.targets.json"]})
    repository.stage("snapshot", {"2.snapshot.json": first["1.snapshot.json"]})
    repository.stage("missing", {"2.snapshot.json": None})


def wrong_target(out):
    """The manifest replaced by other bytes of the same length, cut off, and with something at its end."""
    repository = Repository(out)
    path = f"{repository.targets.targets['vetted.toml'].hashes['sha256']}.vetted.toml"
    content = repository.files["vetted.toml"]
    repository.stage("honest")
    repository.stage("hash", blobs={path: content.replace(b"1", b"9")})
    repository.stage("short", blobs={path: content[:-1]})
    repository.stage("long", blobs={path: content + b"\n"})
    repository.stage("gone", blobs={path: None})


def root_rotation(out):
    """Every root key and then every key of the other roles is replaced, in three roots, honestly; and what an attacker makes of it."""
    repository = Repository(out, root_threshold=2)
    repository.stage("first")
    thieves = [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()]
    theirs = Root(version=2, expires=LATER, consistent_snapshot=True)
    for role in ROLES:
        for signer in thieves:
            theirs.add_key(signer.public_key, role)
    theirs.roles["root"].threshold = 2
    old = repository.rotate("root")
    new = repository.signers["root"]
    # By the new keys alone; by the old alone; by one old and both new; by strangers; and by both, as it must be.
    for stage, signers in (
        ("new-keys-only", new),
        ("old-keys-only", old),
        ("one-old-key", [old[0], *new]),
        ("one-new-key", [*old, new[0]]),
    ):
        repository.stage(stage, {"2.root.json": repository.sign("root", repository.root, signers)})
    repository.stage("strangers", {"2.root.json": repository.sign("root", theirs, thieves)})
    repository.publish_root([*old, *new])
    for role in ("timestamp", "snapshot", "targets"):
        repository.rotate(role)
        repository.publish_root()
    repository.issue()
    repository.stage("rotated")
    skipping = dict(repository.metadata)
    repository.stage("skipping", {"2.root.json": skipping["3.root.json"]})
    # A root that was passed is no root any more, even with valid signatures.
    repository.stage("same-version", {"6.root.json": skipping["5.root.json"]})


def threshold(out):
    """The targets need two people: one signature, one twice, one and a stranger's, one and one that is broken."""
    repository = Repository(out)
    second = CryptoSigner.generate_ed25519()
    repository.root.add_key(second.public_key, "targets")
    repository.root.roles["targets"].threshold = 2
    repository.root.version = 2
    repository.publish_root()
    first, stranger = repository.signers["targets"][0], CryptoSigner.generate_ed25519()
    repository.next("targets", "snapshot", "timestamp")

    def served(stage, signers, change=lambda metadata: None):
        metadata = Metadata(repository.targets)
        for signer in signers:
            metadata.sign(signer, append=True)
        change(metadata)
        data = metadata.to_bytes(PLAIN)
        repository.put("targets", repository.targets, data)
        repository.snapshot.meta["targets.json"] = MetaFile(repository.targets.version)
        repository.publish_snapshot()
        repository.stage(stage)

    def broken(metadata):
        signature = metadata.signatures[second.public_key.keyid]
        signature.signature = "00" + signature.signature[2:]

    def unsigned(metadata):
        metadata.signatures.clear()

    served("both", [first, second])
    served("one", [first])
    served("stranger", [first, stranger])
    served("broken", [first, second], broken)
    served("unsigned", [], unsigned)
    # The same signature under the same key twice; python-tuf keeps a table, so it is written by hand.
    data = repository.sign("targets", repository.targets, [first])
    start = data.index(b'"signatures":[') + len(b'"signatures":[')
    entry = data[start : data.index(b"}", start) + 1]
    data = data.replace(entry, entry + b"," + entry, 1)
    assert data.count(entry) == 2
    repository.stage("twice", {"2.targets.json": data})


def key_substitution(out):
    """Somebody without a key of the role signs: under a key id of their own, and under the key id of the role."""
    repository = Repository(out, pins=False)
    repository.stage("honest")
    thief = CryptoSigner.generate_ed25519()
    for role in ("timestamp", "snapshot", "targets"):
        signed = getattr(repository, role)
        name = "timestamp.json" if role == "timestamp" else f"1.{role}.json"
        repository.stage(f"{role}-own-id", {name: repository.sign(role, signed, [thief])})
        metadata = Metadata(signed)
        signature = metadata.sign(thief)
        metadata.signatures.clear()
        signature.keyid = repository.signers[role][0].public_key.keyid
        metadata.signatures[signature.keyid] = signature
        repository.stage(f"{role}-borrowed-id", {name: metadata.to_bytes(PLAIN)})


def fast_forward(out):
    """The timestamp and snapshot keys are stolen and used to push the versions to the end; new keys bring the client back."""
    repository = Repository(out)
    repository.stage("honest")
    normal = {role: getattr(repository, role).version for role in ("timestamp", "snapshot")}
    repository.timestamp.version = repository.snapshot.version = 2**62
    repository.publish_snapshot()
    repository.stage("attack")
    for role, version in normal.items():
        getattr(repository, role).version = version + 1
    repository.publish_snapshot()
    repository.stage("without-rotation")
    for role in ("timestamp", "snapshot"):
        repository.rotate(role)
        repository.publish_root()
    repository.publish_snapshot()
    repository.stage("recovered")


def trusted_roots(out):
    """A Sigstore instance that renews its trusted root: first one, then another under new keys, and a mirror that goes back."""
    roots = Path(__file__).parent.parent / "bundles" / "roots"
    repository = Repository(out)
    repository.add("trusted_root.json", (roots / "staging.json").read_bytes())
    repository.next("targets", "snapshot", "timestamp")
    repository.publish_targets()
    repository.stage("first")
    old = repository.rotate("root")
    repository.publish_root([*old, *repository.signers["root"]])
    repository.rotate("targets")
    repository.publish_root()
    repository.add("trusted_root.json", (roots / "public-good.json").read_bytes())
    repository.next("targets", "snapshot", "timestamp")
    repository.publish_targets()
    repository.stage("second")
    repository.add("trusted_root.json", b'{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"')
    repository.next("targets", "snapshot", "timestamp")
    repository.publish_targets()
    repository.stage("broken")


SCENARIOS = [
    honest, inconsistent, delegated, rollback_timestamp, rollback_snapshot, rollback_targets, freeze, mix_and_match, wrong_target,
    root_rotation, threshold, key_substitution, fast_forward, trusted_roots,
]  # fmt: skip


def main():
    out = Path(sys.argv[1])
    for scenario in SCENARIOS:
        folder = out / scenario.__name__
        shutil.rmtree(folder, ignore_errors=True)
        scenario(folder)


if __name__ == "__main__":
    main()
