"""Calls of official SDKs, unmodified, through both nodes: what arrives, and what a refusal looks like to the caller."""

import json
import sys

import httpx
from bed import HERE
from checks import holds, same

CARD = "/.well-known/agent-card.json"


def urls(value):
    """Every URL in a document, wherever it stands."""
    if isinstance(value, dict):
        return [url for member in value.values() for url in urls(member)]
    if isinstance(value, list):
        return [url for member in value for url in urls(member)]
    return [value] if isinstance(value, str) and "://" in value else []


def fetch_card(base, below):
    card = httpx.get(base + CARD).raise_for_status().json()
    found = urls(card.get("supportedInterfaces")) + urls(card.get("url"))
    holds(len(found) >= 4, f"the card offers its interfaces: {found}")
    # What the extension says of the node itself is no place to call the agent at.
    card["capabilities"].pop("extensions", None)
    strangers = [url for url in urls(card) if url != below and not url.startswith(below + "/")]
    same(strangers, [], "what leads elsewhere")
    return card


class Calls:
    def __init__(self, world, check):
        self.world, self.check = world, check

    def text_of(self, lines):
        same([line for line in lines if "error" in line], [], "errors")
        return json.dumps([line["result"] for line in lines if "result" in line])

    def cards(self):
        world, check = self.world, self.check
        base, public = world.base("booking", "echo"), world.b.routes["echo"]
        check("the card that an own agent gets leads to its own base path only", fetch_card, base, base)
        check("the card at the public route leads to that route only", fetch_card, public, public)
        check("no card names the agent's own address", self.no_way_past, base, public)
        check("the card announces the extension to peers and not to own agents", self.announced, base, public)

    def no_way_past(self, *bases):
        for base in bases:
            holds(self.world.upstream not in httpx.get(base + CARD).text, f"the upstream stands in the card at {base}")

    def announced(self, base, public):
        uris = lambda url: [each["uri"] for each in httpx.get(url + CARD).json()["capabilities"].get("extensions", [])]
        holds("urn:countersign:a2a:receipts:v1" in uris(public), "peers are told of receipts")
        holds("urn:countersign:a2a:receipts:v1" not in uris(base), "own agents do not deal with receipts")

    def allowed(self):
        check = self.check
        for binding in ("JSONRPC", "HTTP+JSON"):
            for version in ("1.0", "0.3"):
                name, options = f"{binding} {version}", ("--binding", binding, "--version", version)
                check(f"a2a-sdk: a message arrives and its answer comes back ({name})", self.message, name, options)
                check(f"a2a-sdk: a task streams to its end ({name})", self.stream, options)
        check("a2a-sdk: the extended card leads to the base path only", self.extended)
        check("a2a-sdk: events pass one by one, not when the stream ends", self.one_by_one)
        check("@a2a-js/sdk: a message arrives and its answer comes back", self.javascript)
        check("@a2a-js/sdk: a task streams to its end", self.javascript_stream)

    def message(self, name, options):
        text = f"hello over {name}"
        lines = self.world.bed.call(self.world.base("booking", "echo"), text, *options)
        holds(f"echo: {text}" in self.text_of(lines), f"the answer: {lines}")
        same(self.world.reached(), [text], "what reached the agent")

    def stream(self, options):
        lines = self.world.bed.call(self.world.base("booking", "echo"), "count", "--stream", *options)
        said = self.text_of(lines)
        holds(all(f'"{number} "' in said for number in (1, 2, 3)) and "COMPLETED" in said, f"the events: {lines}")
        holds(sum("result" in line for line in lines) >= 5, f"task, three updates and status are five events: {lines}")
        same(self.world.reached(), ["count"], "what reached the agent")

    def extended(self):
        base = self.world.base("booking", "echo")
        lines = self.world.bed.call(base, "extended", "--extended-card")
        found = [entry["url"] for line in lines if "extended_card" in line for entry in line["extended_card"]["interfaces"]]
        holds(found and all(url.startswith(base) for url in found), f"the extended card: {lines}")
        self.world.reached()

    def one_by_one(self):
        """The agent sends its first update and then waits for another call. If any hop held events back, the first would
        never be seen before that call."""
        bed, base = self.world.bed, self.world.base("booking", "echo")
        caller = [sys.executable, "-u", HERE / "agents" / "caller.py", base]
        streaming = bed.process([*caller, "hold", "--stream"], bed.folder / "hold.log")
        seen = []
        while not any("artifactUpdate" in line.get("result", {}) for line in seen):
            seen.append(streaming.next_line())
            holds("error" not in seen[-1], f"no error: {seen}")
        bed.call(base, "release")
        while "COMPLETED" not in json.dumps(seen[-1]):
            seen.append(streaming.next_line())
        same(streaming.process.wait(timeout=20), 0, "the client's exit code")
        self.world.reached()

    def javascript_base(self, route):
        """This SDK resolves the card's place like a link: without a slash at the end, the base's last segment is lost."""
        return self.world.base("booking", route) + "/"

    def javascript(self):
        done = self.world.bed.node("caller.mjs", self.javascript_base("echo"), "hello from JavaScript")
        holds("echo: hello from JavaScript" in self.text_of(done), f"the answer: {done}")
        same(self.world.reached(), ["hello from JavaScript"], "what reached the agent")

    def javascript_stream(self):
        done = self.world.bed.node("caller.mjs", self.javascript_base("echo"), "count", "--stream")
        said = self.text_of(done)
        holds(len(done) >= 5 and all(f'"{number} "' in said for number in (1, 2, 3)), f"the events: {done}")
        self.world.reached()

    def refused(self):
        check, denied = self.check, "policy_denied"
        for version in ("1.0", "0.3"):
            for binding in ("JSONRPC", "HTTP+JSON"):
                how = ("--binding", binding, "--version", version)
                for stream in ((), ("--stream",)):
                    name = f"{binding} {version}{' streaming' if stream else ''}"
                    options = (*how, *stream)
                    check(f"a call within all limits is allowed ({name})", self.paid, options)
                    check(f"denied by the caller's node, with its policy ({name})", self.refusal,
                          "booking", "payments", 9000, options, denied, "caller_node", "amount-above-limit")  # fmt: skip
                    check(f"escalated by the caller's node, with who approves ({name})", self.refusal,
                          "booking", "payments", 2000, options, "approval_required", "caller_node", "operator")  # fmt: skip
                    check(f"denied by the called operator ({name})", self.refusal,
                          "intruder", "payments", 100, options, denied, "callee_node", None)  # fmt: skip
                    check(f"escalated by the called operator, with who approves ({name})", self.refusal,
                          "booking", "payments", 700, options, "approval_required", "callee_node", "treasurer")  # fmt: skip
        check("a fact that the policy needs is missing", self.refusal,
              "booking", "payments", None, (), "context_missing", "caller_node", None)  # fmt: skip
        check("@a2a-js/sdk: a denial reaches the caller with its reasons", self.javascript_refusal)
        check("a call past the caller's node is refused for want of a receipt", self.bypass)

    def paid(self, options):
        lines = self.world.bed.call(self.world.base("booking", "payments"), "pay", "--amount", "100", *options)
        holds("echo: pay" in self.text_of(lines), f"the answer: {lines}")
        self.world.reached()

    def refusal(self, agent, route, amount, options, code, refused_by, named):
        pay = () if amount is None else ("--amount", str(amount))
        lines = self.world.bed.call(self.world.base(agent, route), "pay", *pay, *options)
        same(self.world.reached(), [], "what reached the agent")
        self.check_refusal(lines[-1].get("error"), code, refused_by, named)
        same([line for line in lines if "result" in line], [], "results")

    def check_refusal(self, error, code, refused_by, named):
        holds(error, "the client raised nothing")
        message = error["message"]
        who = {"caller_node": "the caller's own node", "callee_node": "the node of the called operator"}[refused_by]
        for part in (who, f"[{code}]", named or code):
            holds(part in message, f"`{part}` stands in the message: {error}")
        data = error["data"]
        if isinstance(data, dict):
            same((data["code"], data["refused_by"]), (code, refused_by), "what the SDK kept")
            holds("receipt" in data, f"the refusal names the receipt: {data}")

    def javascript_refusal(self):
        lines = self.world.bed.node("caller.mjs", self.javascript_base("payments"), "pay", "--amount", "9000")
        error = lines[-1].get("error") or {}
        holds("[policy_denied]" in error.get("message", "") and "amount-above-limit" in json.dumps(error), f"{lines}")
        same(self.world.reached(), [], "what reached the agent")

    def bypass(self):
        lines = self.world.bed.call(self.world.b.routes["echo"], "past the node")
        error = lines[-1].get("error") or {}
        same(error.get("class"), "ExtensionSupportRequiredError", "what the SDK raises")
        holds("[receipt_missing]" in error["message"], f"why: {error}")
        same(self.world.reached(), [], "what reached the agent")
