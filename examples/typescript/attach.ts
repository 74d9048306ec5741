// Attach: a program that calls another operator by itself asks its node first, and sends the receipt along.
//
//     node attach.js PEER URL TEXT      PEER is the operator's issuer, URL the service of it that is called
//
// The token needs the role `admin`, or `decide` for the call and `verify` for the answer. Prints the answer, and the verdict
// about the acknowledgement that came with it.
import { ask, base64url } from "./node_api.js";

type Decision = { receipt: string; jti: string; headers: Record<string, string> };

const decide = (peer: string, url: string, body: string) =>
  ask<Decision>("/v1/decisions", {
    evaluation: {
      subject: { type: "Agent", id: "booking" },
      action: { name: "http.post" },
      resource: { type: "PeerAgent", id: `${peer}/orders` },
    },
    effect: "allow", // what your own engine decided; leave it out, and the node's policy decides
    reasons: ["acme.within_budget"],
    audience: peer,
    request: { method: "POST", target: url, body: base64url(body) },
  });

const checkAnswer = (decision: Decision, acknowledgement: string | null) =>
  ask<{ verdict: string }>("/v1/verify", {
    receipt: acknowledgement ?? "",
    kind: "acknowledgement",
    decision: decision.receipt,
  });

const [peer, url, text] = process.argv.slice(2);
const decision = await decide(peer, url, text);
const answer = await fetch(url, { method: "POST", body: text, headers: decision.headers });
const { verdict } = await checkAnswer(decision, answer.headers.get("countersign-receipt"));
console.log(JSON.stringify({ answer: await answer.text(), receipt: decision.jti, verdict }));
process.exitCode = verdict === "valid" ? 0 : 1;
