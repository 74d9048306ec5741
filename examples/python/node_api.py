"""Asks the private listener of the own node.

COUNTERSIGN_URL is its address (absent: http://127.0.0.1:7401), COUNTERSIGN_TOKEN a token of `countersign token add`.
"""

import base64
import json
import os
import sys
import urllib.request


def ask(path: str, question: dict) -> dict:
    """Posts a question. A refusal is an `HTTPError` whose body is a problem document (RFC 9457)."""
    url = os.environ.get("COUNTERSIGN_URL", "http://127.0.0.1:7401") + path
    token = os.environ.get("COUNTERSIGN_TOKEN")
    if not token:
        sys.exit("COUNTERSIGN_TOKEN is not set: `countersign token add NAME --role ROLE` prints one")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(question).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
