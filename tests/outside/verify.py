"""Verify a bundle made with a key: `python verify.py KEY_PEM BUNDLE FILE`.

The command line of sigstore-python verifies identities alone. Its models read the bundle here, strictly, and the signature is
verified over the file as the bundle states it. Ends with 0 where it is good, with 1 and the reason where it is not.
"""

import base64
import hashlib
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sigstore_models.bundle.v1 import Bundle

key_file, bundle_file, document_file = (pathlib.Path(name) for name in sys.argv[1:])
bundle = Bundle.from_json(bundle_file.read_bytes())
document = document_file.read_bytes()
key = serialization.load_pem_public_key(key_file.read_bytes())
spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

message = bundle.message_signature
hint = bundle.verification_material.public_key.hint
if bundle.media_type != "application/vnd.dev.sigstore.bundle.v0.3+json":
    sys.exit(f"media type {bundle.media_type}")
if hint != base64.b64encode(hashlib.sha256(spki).digest()).decode():
    sys.exit(f"hint {hint}")
if message.message_digest.digest != hashlib.sha256(document).digest():
    sys.exit("digest of other bytes")
try:
    key.verify(message.signature, document, ec.ECDSA(hashes.SHA256()))
except InvalidSignature:
    sys.exit("signature of other bytes")
