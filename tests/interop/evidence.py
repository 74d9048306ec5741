"""The evidence that the calls left behind on both sides, and what somebody with neither node can check."""

import base64
import json

from bed import until
from checks import holds, same


def tampered(compact):
    """The same receipt, but for the effect that it tells."""
    header, payload, signature = compact.split(".")
    says = json.loads(base64.urlsafe_b64decode(payload + "=="))
    says["effect"] = {"allow": "deny"}.get(says["effect"], "allow")
    changed = json.dumps(says, separators=(",", ":"), sort_keys=True).encode()
    return ".".join((header, base64.urlsafe_b64encode(changed).rstrip(b"=").decode(), signature))


class Evidence:
    def __init__(self, world, check):
        self.world, self.check, self.bed = world, check, world.bed
        self.a, self.b = world.a, world.b

    def find(self, node, **conditions):
        options = [part for name, value in conditions.items() for part in (f"--{name}", value)]
        return node.command("receipt", "find", "--limit", "500", *options)["receipts"]

    def latest(self, agent, route, effect="allow", action="a2a.send_message"):
        """The caller's newest decision about such a call."""
        conditions = {"subject": agent, "resource": f"{self.b.issuer}/{route}", "effect": effect, "action": action}
        found = self.find(self.a, kind="decision", **conditions)
        holds(found, f"a decision about {conditions}")
        return found[0]

    def answers(self, node, decision, count):
        """A receipt with all its answers; they come in on their own."""
        shown = {}

        def complete():
            shown.update(node.command("receipt", "show", decision["jti"]))
            return len(shown["answers"]) >= count

        until(f"{count} answers to {decision['jti']} at {node.name}", complete, 60)
        return shown

    def whole(self, node, decision, count):
        shown = self.answers(node, decision, count)
        same(shown["verdict"]["verdict"], "valid", "the decision's verdict")
        each = [node.command("receipt", "show", answer["digest"]) for answer in shown["answers"]]
        for answer in each:
            same(answer["verdict"]["verdict"], "valid", f"the verdict on {answer['kind']} of {answer['iss']}")
        return each

    def both_sides(self):
        check = self.check
        decision = check("the caller's node holds its decision", self.latest, "booking", "echo")
        if decision is None:
            return None
        mine = check("the caller's node holds acknowledgement and both outcomes, all valid", self.whole, self.a, decision, 3)
        theirs = check("the called node holds decision, acknowledgement and its outcome, all valid",
                       self.whole, self.b, decision, 2)  # fmt: skip
        if mine and theirs:
            check("both nodes hold the same acknowledgement, byte for byte", self.same_acknowledgement, mine, theirs)
            check("caller and executor agree on the outcome", self.agree, mine)
            check("no receipt says what was said", self.discloses_nothing, [decision, *mine, *theirs])
        check("of a streamed call as well", self.streamed)
        check("of a call that the called operator denied", self.denied_there)
        check("a call that the caller's node denied stayed at home", self.denied_here)
        check("nothing was noticed against the other operator", self.nothing_noticed)
        return decision

    def kind_of(self, receipts, kind, issuer):
        found = [each for each in receipts if each["kind"] == kind and each["iss"] == issuer]
        same(len(found), 1, f"the number of {kind} receipts of {issuer}")
        return found[0]

    def same_acknowledgement(self, mine, theirs):
        one, other = (self.kind_of(each, "acknowledgement", self.b.issuer) for each in (mine, theirs))
        same(one["receipt"], other["receipt"], "the acknowledgement")
        same((one["says"]["effect"], one["says"]["body"]), ("allow", "bound"), "effect and binding")

    def agree(self, mine):
        caller = self.kind_of(mine, "outcome", self.a.issuer)["says"]
        executor = self.kind_of(mine, "outcome", self.b.issuer)["says"]
        same((caller["observer"], executor["observer"]), ("caller", "executor"), "the observers")
        for member in ("status", "http_status", "response", "receipt"):
            same(caller[member], executor[member], f"`{member}`")
        same(caller["status"], "completed", "the status")

    def discloses_nothing(self, receipts):
        for receipt in receipts:
            says = json.dumps(receipt["says"])
            holds("hello" not in says and "echo: " not in says, f"a text stands in {receipt['kind']}")

    def streamed(self):
        decision = self.latest("booking", "echo", action="a2a.send_streaming_message")
        mine = self.whole(self.a, decision, 3)
        self.agree(mine)

    def denied_there(self):
        decision = self.latest("intruder", "payments")
        mine = self.whole(self.a, decision, 1)
        acknowledgement = self.kind_of(mine, "acknowledgement", self.b.issuer)["says"]
        same((acknowledgement["effect"], acknowledgement["reasons"]), ("deny", ["policy_forbid"]), "the answer")

    def denied_here(self):
        decision = self.latest("booking", "payments", effect="deny")
        same(self.a.command("receipt", "show", decision["jti"])["answers"], [], "the answers")
        self.b.command("receipt", "show", decision["jti"], expect=1)

    def nothing_noticed(self):
        for node, other in ((self.a, self.b), (self.b, self.a)):
            noticed = node.command("peer", "show", other.issuer)["observations"]
            same(noticed, [], f"what {node.name} noticed")

    def offline(self, decision):
        check = self.check
        check("the decision's inclusion proof, from the caller's log", self.proof, self.a, decision["jti"])
        ack = self.find(self.b, kind="acknowledgement")[0]
        check("the acknowledgement's inclusion proof, from the called one's", self.proof, self.b, ack["jti"])
        file = check("a bundle of the call is written, with every proof", self.bundle, decision)
        if file is None:
            return
        pins = ["--trust", self.a.pin, "--trust", self.b.pin]
        report = self.bed.folder / "call.html"
        check("offline, under both pins: valid", self.verify, file, 0, "valid", *pins, "--report", report)
        check("the report is written in words", lambda: holds("<html" in report.read_text().lower(), "a page"))
        check("without a pin: undetermined", self.verify, file, 2, "undetermined")
        check("with one pin of two: undetermined", self.verify, file, 2, "undetermined", *pins[:2])
        check("under another operator's pin: not valid", self.wrong_pin, file)
        check("with one receipt changed: invalid", self.changed, file, pins)

    def proof(self, node, jti):
        proof = node.command("log", "proof", jti, "--wait", "20")["proof"]
        holds(proof.startswith("c2sp.org/tlog-proof@v1\n"), f"a C2SP proof: {proof[:60]}")

    def bundle(self, decision):
        file = self.bed.folder / "call.json"
        made = self.bed.command(
            "bundle", "create", decision["jti"], "--config", self.a.folder, "--out", file, "--wait", "60"
        )
        same((made["receipts"], made["calls"], made["without_proof"]), (4, 1, []), "what it holds")
        return file

    def verify(self, file, exit_code, verdict, *options):
        judged = self.bed.command("bundle", "verify", file, *options, expect=exit_code)
        same(judged["verdict"], verdict, "the verdict")

    def wrong_pin(self, file):
        pins = ["--trust", f"{self.a.issuer}={self.b.fingerprint}", "--trust", self.b.pin]
        self.verify(file, 1, "invalid", *pins)

    def changed(self, file, pins):
        bundle = json.loads(file.read_text())
        for item in bundle["items"]:
            if "acknowledgement" in base64.urlsafe_b64decode(item["receipt"].split(".")[0] + "==").decode():
                item["receipt"] = tampered(item["receipt"])
        other = file.with_name("changed.json")
        other.write_text(json.dumps(bundle))
        self.verify(other, 1, "invalid", *pins)

    def ended(self):
        for node in (self.a, self.b):
            self.check(f"node {node.name} ends in order", self.end, node)
            self.check(f"its whole store holds together ({node.name})", node.command, "log", "fsck")

    def end(self, node):
        same(node.running.end(), 0, "the exit code")
