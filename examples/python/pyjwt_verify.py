"""The signature of a receipt, checked with PyJWT and nothing of ours.

    pyjwt_verify.py ISSUER FINGERPRINT RECEIPT

FINGERPRINT is what the issuer's operator told you, on another channel. This checks who signed what for whom. Freshness, replay,
binding and inclusion are what a node, or `countersign verify`, checks beside it.
"""

import json
import sys
import urllib.request

import jwt
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_encode


def key(jwk: dict):
    return OKPAlgorithm.from_jwk({"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"]})


def thumbprint(jwk: dict) -> str:
    """RFC 7638."""
    from hashlib import sha256

    members = {"crv": jwk["crv"], "kty": jwk["kty"], "x": jwk["x"]}
    return base64url_encode(sha256(json.dumps(members, separators=(",", ":")).encode()).digest()).decode()


def receipt_keys(issuer: str, fingerprint: str) -> dict:
    """The operator's receipt keys by `kid`, from the key set that its pinned root key signed."""
    with urllib.request.urlopen(f"{issuer}/.well-known/countersign", timeout=10) as answer:
        compact = json.load(answer)["key_set"]
    root = jwt.decode(compact, options={"verify_signature": False})["root"]
    if thumbprint(root) != fingerprint:
        raise ValueError(f"the root key of {issuer} is {thumbprint(root)}, not {fingerprint}")
    key_set = jwt.decode(compact, key(root), algorithms=["EdDSA"], issuer=issuer)
    usable = ("active", "retired")
    return {each["kid"]: key(each) for each in key_set["keys"] if each["use"] == "receipt" and each["state"] in usable}


def verify(issuer: str, fingerprint: str, receipt: str) -> dict:
    header = jwt.get_unverified_header(receipt)
    if not header["typ"].startswith("countersign-"):
        raise ValueError(f"`{header['typ']}` is not a receipt")
    signer = receipt_keys(issuer, fingerprint)[header["kid"]]
    return jwt.decode(receipt, signer, algorithms=["EdDSA"], issuer=issuer, options={"verify_aud": False, "verify_exp": False})


if __name__ == "__main__":
    print(json.dumps(verify(*sys.argv[1:])))
