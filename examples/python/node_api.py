"""Asks the private listener of the own node.

COUNTERSIGN_URL is its address (absent: http://127.0.0.1:7401), COUNTERSIGN_TOKEN a token of `countersign token add`.
"""

import base64
import json
import os
import urllib.request


def ask(path: str, question: dict) -> dict:
    """Posts a question. A refusal is an `HTTPError` whose body is a problem document (RFC 9457)."""
    url = os.environ.get("COUNTERSIGN_URL", "http://127.0.0.1:7401") + path
    headers = {"Authorization": f"Bearer {os.environ['COUNTERSIGN_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(question).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
