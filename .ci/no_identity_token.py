"""Lets sigstore-conformance run without the network: every test of the suite asks for an identity token, which only those that sign
need. This gives it one that no service would take; every other request goes the way it would have gone."""

import base64
import json

import urllib3

_ask = urllib3.request


class _Answer:
    def __init__(self, data: bytes) -> None:
        self.data = data


def _part(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


_CLAIMS = {"iss": "https://issuer.example.com", "email": "nobody@example.com", "exp": 4102444800}
_TOKEN = ".".join([_part({"alg": "none"}), _part(_CLAIMS), _part({})])


def _request(method, url, *args, **options):
    if str(url).endswith("untrusted-testing-token.txt"):
        return _Answer(_TOKEN.encode())
    return _ask(method, url, *args, **options)


urllib3.request = _request
