"""What sigstore-python says of bundles: `python judge.py CASES`, a JSON list of objects with `bundle`, `artifact`, `root`, `issuer` and
two `identities`. Writes for each case two booleans, one an identity, as one JSON list."""

import hashlib
import json
import pathlib
import sys

from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
from sigstore_models.common.v1 import HashAlgorithm


def judge(case, identity):
    try:
        bundle = Bundle.from_json(pathlib.Path(case["bundle"]).read_bytes())
        digest = hashlib.sha256(pathlib.Path(case["artifact"]).read_bytes()).digest()
        verifier = Verifier(trusted_root=TrustedRoot.from_file(case["root"]))
        asked = policy.Identity(identity=identity, issuer=case["issuer"])
        if bundle._dsse_envelope is None:
            verifier.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest), bundle, asked)
            return True
        _, payload = verifier.verify_dsse(bundle, asked)
        subjects = json.loads(payload)["subject"]
        return any(subject["digest"].get("sha256") == digest.hex() for subject in subjects)
    except Exception:
        # Whatever it raises, it did not accept.
        return False


cases = json.loads(pathlib.Path(sys.argv[1]).read_text())
print(json.dumps([[judge(case, identity) for identity in case["identities"]] for case in cases]))
