"""JOSE libraries that know nothing of us, and the examples for programs that stand behind no gateway."""

import json
import sys

import httpx
from bed import PACKAGES, ROOT
from checks import holds, same

PYTHON = ROOT / "examples" / "python"
SCRIPTS = PACKAGES / "examples"


class Libraries:
    def __init__(self, world, evidence, check):
        self.world, self.evidence, self.check, self.bed = world, evidence, check, world.bed
        self.a, self.b = world.a, world.b

    def verify(self, decision):
        runners = {
            "PyJWT": [sys.executable, PYTHON / "pyjwt_verify.py"],
            "npm jose": ["node", SCRIPTS / "jose_verify.js"],
        }
        receipts = {each["digest"]: each for each in [decision, *self.evidence.whole(self.a, decision, 3)]}
        for library, runner in runners.items():
            for receipt in receipts.values():
                node = self.a if receipt["iss"] == self.a.issuer else self.b
                name = f"{receipt['kind']} of the {'caller' if node is self.a else 'called one'}"
                self.check(f"{library} verifies the {name}", self.good, runner, node, receipt)
            self.check(f"{library} refuses a changed receipt", self.bad, runner, self.a, decision["receipt"][:-8] + "AAAAAAAA")
            self.check(f"{library} refuses another operator's root key", self.stranger, runner, decision)

    def good(self, runner, node, receipt):
        done = self.bed.run(*runner, node.issuer, node.fingerprint, receipt["receipt"])
        same(done.returncode, 0, f"the exit code ({done.stderr[-1500:]})")
        same(json.loads(done.stdout), receipt["says"], "what it says")

    def bad(self, runner, node, compact):
        done = self.bed.run(*runner, node.issuer, node.fingerprint, compact)
        holds(done.returncode != 0 and "ignature" in done.stderr, f"{done.returncode}: {done.stderr[-500:]}")

    def stranger(self, runner, decision):
        done = self.bed.run(*runner, self.a.issuer, self.b.fingerprint, decision["receipt"])
        holds(done.returncode != 0 and "root key" in done.stderr, f"{done.returncode}: {done.stderr[-500:]}")

    def examples(self):
        caller = {"COUNTERSIGN_URL": self.a.private, "COUNTERSIGN_TOKEN": self.a.token}
        token = self.b.command("token", "add", "orders", "--role", "accept")["token"]
        called = {"COUNTERSIGN_URL": self.b.private, "COUNTERSIGN_TOKEN": token}
        log = self.bed.folder / "orders.log"
        services = {
            "accept.py": [sys.executable, "-u", PYTHON / "accept.py"],
            "accept.ts": ["node", SCRIPTS / "accept.js"],
        }
        callers = {"attach.py": [sys.executable, PYTHON / "attach.py"], "attach.ts": ["node", SCRIPTS / "attach.js"]}
        for service, command in services.items():
            url = self.bed.process(command, log, called).next_line()["url"]
            for name, program in callers.items():
                self.check(f"{name} calls {service}, and both nodes have it", self.attached, program, url, caller)
            self.check(f"{service} refuses a body that was changed on the way", self.changed_body, url, caller)
            self.check(f"{service} refuses a call without a receipt", self.without_receipt, url)

    def attached(self, program, url, env):
        done = self.bed.run(*program, self.b.issuer, url, "two beds", env=env)
        same(done.returncode, 0, f"the exit code ({done.stderr[-1500:]}{done.stdout})")
        said = json.loads(done.stdout)
        same((said["answer"], said["verdict"]), ("ordered: two beds", "valid"), "answer and verdict")
        same(self.b.command("receipt", "show", said["receipt"])["verdict"]["verdict"], "valid", "at the called node")

    def changed_body(self, url, env):
        asked = {
            "evaluation": {
                "subject": {"type": "Agent", "id": "booking"},
                "action": {"name": "http.post"},
                "resource": {"type": "PeerAgent", "id": f"{self.b.issuer}/orders"},
            },
            "effect": "allow",
            "audience": self.b.issuer,
            "request": {"method": "POST", "target": url, "body": "dHdvIGJlZHM"},
        }
        bearer = {"Authorization": f"Bearer {self.a.token}"}
        decided = httpx.post(f"{self.a.private}/v1/decisions", json=asked, headers=bearer).raise_for_status().json()
        answer = httpx.post(url, content="nine beds", headers=decided["headers"])
        same(answer.status_code, 403, "the status")
        holds("body_mismatch" in answer.text, f"why: {answer.text}")

    def without_receipt(self, url):
        answer = httpx.post(url, content="two beds")
        same(answer.status_code, 403, "the status")
        holds("receipt_malformed" in answer.text, f"why: {answer.text}")
