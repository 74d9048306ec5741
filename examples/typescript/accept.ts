// Verify: a service that stands behind no gateway shows each call to its node before it acts.
//
//     node accept.js [PORT]      the token needs the role `accept`
//
// Its first line says where it listens. A call without a good receipt gets the problem document of the node.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { ask, base64url } from "./node_api.js";

type Accepted = { proceed: boolean; acknowledgement: string };

const accept = (receipt: string, nonce: string, url: string, body: Buffer) =>
  ask<Accepted>("/v1/accept", {
    receipt,
    nonce,
    request: { method: "POST", target: url, body: base64url(body) },
    evaluation: {
      subject: { type: "PeerAgent", id: "orders-client" },
      action: { name: "http.post" },
      resource: { type: "Agent", id: "orders" },
    },
    effect: "allow", // what your own engine decided; leave it out, and the node's policy decides
  });

async function whole(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

const server = createServer(async (request, response) => {
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}${request.url}`; // configured, never taken from the request
  const field = (name: string) => String(request.headers[name] ?? "");
  try {
    const body = await whole(request);
    const accepted = await accept(field("countersign-receipt"), field("countersign-nonce"), url, body);
    response.setHeader("countersign-receipt", accepted.acknowledgement);
    if (!accepted.proceed) response.writeHead(403).end("refused"); // denied, or accepted before
    else response.end(`ordered: ${body}`);
  } catch (problem) {
    response.writeHead(403).end(String(problem));
  }
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}/orders` }));
});
