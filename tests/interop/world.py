"""What the two operators of the checks have agreed with themselves: routes, agents and rules, as they would be written by hand."""

import httpx
from bed import HERE, Node, until
from checks import same

# A's own agents call two agents of B. What is sent to `payments` is judged by its amount, on both sides.
OUTBOUND = """
[[outbound]]
name = "echo"
peer = "{b}"
url = "{b}/agents/echo"

[[outbound]]
name = "payments"
peer = "{b}"
url = "{b}/agents/payments"

[[outbound.lift]]
name = "amount"
pointer = "/message/metadata/amount"
type = "integer"
actions = ["a2a.send_message", "a2a.send_streaming_message"]
"""

INBOUND = """
[[inbound]]
name = "echo"
path = "/agents/echo"
upstream = "{upstream}"
open = ["/.well-known/agent-card.json"]

[[inbound]]
name = "payments"
path = "/agents/payments"
upstream = "{upstream}"
open = ["/.well-known/agent-card.json"]

[[inbound.lift]]
name = "amount"
pointer = "/message/metadata/amount"
type = "integer"
actions = ["a2a.send_message", "a2a.send_streaming_message"]
"""

# Above 1000 the starter policy of A asks its operator.
RULES_A = """
@id("amount-above-limit")
@reason("nobody pays more than 5000 in one call")
forbid (principal is Agent, action in Action::"a2a.write", resource is PeerAgent)
when { context has facts && context.facts has amount && context.facts.amount > 5000 };
"""

RULES_B = """
@id("no-intruder")
@reason("this agent broke something here before")
forbid (principal == PeerAgent::"%s/intruder", action in Action::"a2a.write", resource is Agent);

@id("extended-card")
permit (principal is PeerAgent, action == Action::"a2a.get_extended_agent_card", resource is Agent);

@id("treasurer-above-500")
@outcome("require_approval")
@approver("treasurer")
@reason("the treasurer decides about amounts above 500")
forbid (principal is PeerAgent, action in Action::"a2a.write", resource is Agent)
when { context has facts && context.facts has amount && context.facts.amount > 500 };
"""

# So short that the other side has looked the promise up before the checks are over.
LOG = """
[log]
include_within_s = 4
"""


class World:
    def __init__(self, bed):
        self.bed = bed
        self.agent, ready = bed.python(HERE / "agents" / "echo_server.py")
        self.upstream = ready["url"]
        self.a, self.b = Node(bed, "a"), Node(bed, "b")
        a, b = self.a, self.b
        a.configure(LOG + OUTBOUND.format(b=b.issuer))
        b.configure(LOG + INBOUND.format(upstream=self.upstream))
        for name in ("booking", "intruder"):
            a.command("agent", "add", name)
        a.start()
        b.start()
        for node in (a, b):
            node.token = node.command("token", "add", "checks", "--role", "admin")["token"]
        # One of each way to approve: by the fingerprint at once, and after a look.
        a.command("peer", "add", b.issuer, "--fingerprint", b.fingerprint)
        added = b.command("peer", "add", a.issuer)
        same((added["state"], added["fingerprint"]), ("pending", a.fingerprint), "a peer without a fingerprint")
        b.command("peer", "approve", a.issuer)
        self.apply(a, RULES_A)
        self.apply(b, RULES_B % a.issuer)

    def apply(self, node, rules):
        """Edits the rules as a person would; the node that runs takes an applied revision up by itself."""
        node.rules(rules)
        node.command("policy", "check")
        wanted = node.command("policy", "apply")["epoch"]
        until(f"{node.name} decides under {wanted}", lambda: self.decide(node)["epoch"] == wanted)

    def decide(self, node):
        """A question to the private listener, whose answer names the epoch in force."""
        evaluation = {
            "subject": {"type": "Agent", "id": "desk"},
            "action": {"name": "respond"},
            "resource": {"type": "User", "id": "ana"},
        }
        answer = httpx.post(
            f"{node.private}/v1/decisions",
            json={"evaluation": evaluation},
            headers={"Authorization": f"Bearer {node.token}"},
        )
        answer.raise_for_status()
        return answer.json()

    def base(self, agent, route):
        return self.a.agents[agent][route]

    def reached(self):
        """The texts that reached the agent since the last look."""
        return [line["received"] for line in self.agent.drained() if "received" in line]
