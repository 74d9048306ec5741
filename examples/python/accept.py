"""Verify: a service that stands behind no gateway shows each call to its node before it acts.

    accept.py [PORT]      the token needs the role `accept`

Its first line says where it listens. A call without a good receipt gets the problem document of the node.
"""

import json
import sys
import urllib.error
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from node_api import ask, base64url


def accept(receipt: str, nonce: str, url: str, body: bytes) -> dict:
    return ask("/v1/accept", {
        "receipt": receipt,
        "nonce": nonce,
        "request": {"method": "POST", "target": url, "body": base64url(body)},
        "evaluation": {
            "subject": {"type": "PeerAgent", "id": "orders-client"},
            "action": {"name": "http.post"},
            "resource": {"type": "Agent", "id": "orders"},
        },
        "effect": "allow",  # what your own engine decided; leave it out, and the node's policy decides
    })  # fmt: skip


class Orders(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = f"http://127.0.0.1:{self.server.server_port}{self.path}"  # configured, never taken from the request
        receipt, nonce = self.headers.get("Countersign-Receipt", ""), self.headers.get("Countersign-Nonce", "")
        try:
            accepted = accept(receipt, nonce, url, body)
        except urllib.error.HTTPError as problem:
            return self.answer(403, problem.read(), "application/problem+json")
        if not accepted["proceed"]:  # denied, or this very receipt was accepted before
            return self.answer(403, b"refused", "text/plain", accepted["acknowledgement"])
        self.answer(200, b"ordered: " + body, "text/plain", accepted["acknowledgement"])

    def answer(self, status, body, media_type, acknowledgement=None):
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if acknowledgement:
            self.send_header("Countersign-Receipt", acknowledgement)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 0), Orders)
    print(json.dumps({"ready": True, "url": f"http://127.0.0.1:{server.server_port}/orders"}), flush=True)
    server.serve_forever()
