"""What the two operators of the checks have agreed with themselves: routes, agents and rules, as they would be written by hand."""

from bed import HERE, Node

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
        for node, rules in ((a, RULES_A), (b, RULES_B % a.issuer)):
            node.rules(rules)
            node.command("policy", "check")
        a.start()
        b.start()
        for node in (a, b):
            node.command("policy", "apply")
        # One of each way to approve: by the fingerprint at once, and after a look.
        a.command("peer", "add", b.issuer, "--fingerprint", b.fingerprint)
        added = b.command("peer", "add", a.issuer)
        if (added["state"], added["fingerprint"]) != ("pending", a.fingerprint):
            raise AssertionError(f"a peer without a fingerprint waits for approval: {added}")
        b.command("peer", "approve", a.issuer)
        self.wait_for_policies()

    def wait_for_policies(self):
        """A node that runs takes changes up by itself, soon."""
        from bed import until

        for node in (self.a, self.b):
            reached = f"{node.name} with the applied policy"
            until(reached, lambda node=node: "epoch" in (node.bed.folder / f"{node.name}.log").read_text())

    def base(self, agent, route):
        return self.a.agents[agent][route]

    def reached(self):
        """The texts that reached the agent since the last look."""
        return [line["received"] for line in self.agent.drained() if "received" in line]
