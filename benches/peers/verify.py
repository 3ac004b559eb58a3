"""One DSSE verification after the other with sigstore-python: `python verify.py ROOT BUNDLE IDENTITY ISSUER SHA256`, then a number a
line on standard input; for each, so many verifications from the text of the bundle on, and their CPU time in seconds as the answer."""

import json
import pathlib
import sys
import time

from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

root, bundle, identity, issuer, sha256 = sys.argv[1:]
text = pathlib.Path(bundle).read_text()
verifier = Verifier(trusted_root=TrustedRoot.from_file(root))
expected = policy.Identity(identity=identity, issuer=issuer)


def verify() -> None:
    _, payload = verifier.verify_dsse(Bundle.from_json(text), expected)
    if sha256 not in (subject["digest"].get("sha256") for subject in json.loads(payload)["subject"]):
        sys.exit("about another file")


for line in sys.stdin:
    began = time.process_time()
    for _ in range(int(line)):
        verify()
    print(time.process_time() - began, flush=True)
