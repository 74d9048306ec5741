"""Attach: a program that calls another operator by itself asks its node first, and sends the receipt along.

    attach.py PEER URL TEXT      PEER is the operator's issuer, URL the service of it that is called

The token needs the role `admin`, or `decide` for the call and `verify` for the answer. Prints the answer, and the verdict
about the acknowledgement that came with it.
"""

import json
import sys
import urllib.request

from node_api import ask, base64url


def decide(peer: str, url: str, body: bytes) -> dict:
    return ask("/v1/decisions", {
        "evaluation": {
            "subject": {"type": "Agent", "id": "booking"},
            "action": {"name": "http.post"},
            "resource": {"type": "PeerAgent", "id": f"{peer}/orders"},
        },
        "effect": "allow",  # what your own engine decided; leave it out, and the node's policy decides
        "reasons": ["acme.within_budget"],
        "audience": peer,
        "request": {"method": "POST", "target": url, "body": base64url(body)},
    })  # fmt: skip


def check_answer(decision: dict, acknowledgement: str) -> dict:
    return ask("/v1/verify", {
        "receipt": acknowledgement,
        "kind": "acknowledgement",
        "decision": decision["receipt"],
    })  # fmt: skip


def main(peer: str, url: str, text: str) -> int:
    body = text.encode()
    decision = decide(peer, url, body)
    request = urllib.request.Request(url, body, {"Content-Type": "text/plain", **decision["headers"]})
    with urllib.request.urlopen(request, timeout=30) as answer:
        acknowledgement, said = answer.headers["Countersign-Receipt"], answer.read().decode()
    verdict = check_answer(decision, acknowledgement)
    print(json.dumps({"answer": said, "receipt": decision["jti"], "verdict": verdict["verdict"]}))
    return 0 if verdict["verdict"] == "valid" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
